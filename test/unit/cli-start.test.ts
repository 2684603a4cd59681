/** What a usual command loads: commander, a client on node:http, and nothing that signs, stores or dials. */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { after, test } from 'node:test'

const MAIN = resolve(import.meta.dirname, '../../src/cli/main.ts')
const dir = mkdtempSync(join(tmpdir(), 'meshd-start-'))
after(() => rmSync(dir, { recursive: true }))

/** Writes the url of every module that is loaded to stderr. */
const HOOK = join(dir, 'hook.mjs')
writeFileSync(
  HOOK,
  `import { registerHooks } from 'node:module'
registerHooks({ load(url, context, next) { process.stderr.write('LOADED ' + url + '\\n'); return next(url, context) } })`,
)

function loadedBy(...words: string[]): { loaded: readonly string[]; status: number | null } {
  const { stderr, status } = spawnSync(process.execPath, ['--import', HOOK, MAIN, ...words], {
    encoding: 'utf8',
    env: { PATH: process.env['PATH'], HOME: dir, MESHD_API_DIR: dir },
  })
  const lines = stderr.split('\n').filter((line) => line.startsWith('LOADED '))
  return { loaded: lines.map((line) => line.slice('LOADED '.length)), status }
}

for (const words of [['--version'], ['status'], ['wait', '--for', 'ready', '--timeout', '1ms']])
  test(`meshd ${words.join(' ')} loads commander and no other package`, () => {
    const { loaded, status } = loadedBy(...words)
    const packages = loaded.flatMap(
      (url) => /node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(url)?.[1] ?? [],
    )
    assert.deepEqual([...new Set(packages)], ['commander'])
    assert.ok(loaded.some((url) => url.endsWith('/src/cli/main.ts')))
    assert.deepEqual(
      loaded.filter((url) => /\/src\/(?!cli|client|core)/.test(url)),
      [],
    )
    assert.equal(status, words[0] === '--version' ? 0 : words[0] === 'status' ? 5 : 124)
  })

test('meshd verify loads nothing that stores, dials or decides', () => {
  const { loaded, status } = loadedBy('verify', 'a file', '--trust', 'another')
  assert.equal(status, 4)
  assert.deepEqual(
    loaded.filter((url) => /\/src\/(?!cli|client|core)/.test(url) && !url.includes('node_modules')),
    [],
  )
})

test('the daemon is loaded by start and demo alone: help, which loads every command, does without', () => {
  const { loaded, status } = loadedBy('help')
  assert.equal(status, 0)
  assert.deepEqual(
    loaded.filter((url) => /\/src\/(?:daemon|mesh|storage|network|api)\//.test(url)),
    [],
  )
  assert.deepEqual(
    loaded.filter((url) =>
      /node_modules\/(?:@?libp2p|level|classic-level|zod|yaml|prom-client)\//.test(url),
    ),
    [],
  )
})
