/**
 * Terminal transcripts as tests. The real binary, real exit statuses, a folder
 * of its own.
 *
 *     # a comment names the step that fails
 *     $ meshd help REVOKED            runs the real binary; exit 0 unless said
 *     exit 2                          its exit status, exactly
 *     stdout DENY +SCOPE_EXCEEDED     its stdout matches
 *     stderr hint:                    its stderr matches
 *     -- meshd.yaml --                a file, written before the first step
 */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join, resolve } from 'node:path'

const MESHD = resolve(import.meta.dirname, '../../bin/meshd.js')
const STEP_MS_MAX = 20_000

/** Comments, a command, and what it must do, up to the next comment or command. */
const STEP = /^(?<comment>(?:#.*\n)*)\$ meshd ?(?<command>.*)\n(?<expected>(?:(?![#$]).*\n)*)/gm

export function play(transcript: string): void {
  const cwd = mkdtempSync(join(tmpdir(), 'meshd-'))
  try {
    const [script = '', ...files] = `${transcript}\n`.split(/^-- (.+) --\n/m)
    for (let i = 0; i < files.length; i += 2) write(join(cwd, files[i] ?? ''), files[i + 1] ?? '')
    const steps = [...script.matchAll(STEP)]
    assert.ok(steps.length > 0, 'a transcript has a step')
    assert.equal(script.replaceAll(STEP, '').trim(), '', 'no line of a transcript is ignored')
    for (const { groups } of steps) run(cwd, groups as { [name: string]: string })
  } finally {
    rmSync(cwd, { recursive: true })
  }
}

function write(path: string, text: string): void {
  mkdirSync(dirname(path), { recursive: true })
  writeFileSync(path, text)
}

function run(cwd: string, { comment = '', command = '', expected = '' }): void {
  const words = command.match(/'[^']*'|\S+/g)?.map((word) => word.replaceAll("'", '')) ?? []
  const result = spawnSync(process.execPath, [MESHD, ...words], {
    cwd,
    encoding: 'utf8',
    timeout: STEP_MS_MAX,
    env: {
      PATH: process.env['PATH'],
      HOME: cwd,
      XDG_CONFIG_HOME: join(cwd, 'config'),
      XDG_RUNTIME_DIR: cwd,
      MESHD_CONFIG: join(cwd, 'meshd.yaml'),
      // Also where root runs it: nothing outside of this folder is touched.
      MESHD_NODE_DATA_DIR: join(cwd, 'data'),
      MESHD_NODE_KEYS_DIR: join(cwd, 'keys'),
      MESHD_API_DIR: join(cwd, 'run'),
    },
  })
  const said = `${comment}$ meshd ${command}\n${result.stdout}${result.stderr}`
  let exit = 0
  for (const line of expected.split('\n').filter((l) => l !== '')) {
    const [verb, ...pattern] = line.split(' ')
    if (verb === 'exit') exit = Number(pattern[0])
    else if (verb === 'stdout' || verb === 'stderr')
      assert.match(result[verb], new RegExp(pattern.join(' '), 'm'), said)
    else assert.fail(`unknown verb: ${line}`)
  }
  assert.equal(result.status, exit, said)
}
