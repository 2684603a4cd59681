/**
 * Every block of the README that is headed by a host, run line by line on real
 * daemons. What a reader would fill in is filled in: the artifact, the user id,
 * the script; and where a command reads its input, the invite is pasted. A line ends with status 0 unless its comment says another.
 */
import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { after, test } from 'node:test'
import { Host } from '../../src/cli/stage.ts'
import { typed } from './typed.ts'

const README = readFileSync(resolve(import.meta.dirname, '../../README.md'), 'utf8')
const BLOCK = /^```sh\n# host (?<host>[AB])\n(?<lines>[\s\S]*?)^```/gm

const dir = mkdtempSync(join(tmpdir(), 'meshd-readme-'))
const host = (name: string) =>
  new Host({ name, dir: join(dir, name), keyStore: join(dir, name, 'operator') })
const hosts: Readonly<Record<string, Host>> = { A: host('atlas'), B: host('borealis') }
const script = join(dir, 'deploy.sh')

after(async () => {
  await Promise.all(Object.values(hosts).map((each) => each.stop('SIGKILL')))
  rmSync(dir, { recursive: true, force: true })
})

/** What earlier lines printed, and this machine's own. */
function filledIn(line: string, printed: string): string {
  const last = (form: RegExp) => printed.match(form)?.at(-1) ?? ''
  return line
    .replace('bafyrei…', last(/bafyrei\S+/g))
    .replace('uid=1001', `uid=${process.getuid?.() ?? 0}`)
    .replace('./deploy.sh', script)
    .replaceAll(/\b(?:root\.json|denied\.tlog-proof|all\.evidence)\b/g, (name) => join(dir, name))
}

/** What a reader pastes; null where the command reads nothing. */
function pasted(command: string, printed: string): string | null {
  if (!command.endsWith(' -')) return null
  const line = printed.match(/meshd-invite:1:\S+/g)?.at(-1)
  assert.ok(line !== undefined, 'an invite was printed before')
  return `${line}\n`
}

test('the README tells the truth: its blocks run as they stand', async () => {
  writeFileSync(script, '#!/bin/sh\nexit 0\n', { mode: 0o755 })
  const blocks = [...README.matchAll(BLOCK)]
  assert.ok(blocks.length >= 4, `${blocks.length} blocks`)
  let printed = ''
  for (const { groups } of blocks) {
    const on = hosts[groups?.['host'] ?? '']
    assert.ok(on !== undefined)
    for (const line of (groups?.['lines'] ?? '').trim().split('\n')) {
      const [, command = '', comment = ''] = /^meshd (.*?)(?:\s+#\s*(.*))?$/.exec(line) ?? []
      assert.notEqual(command, '', `a line that is no command: ${line}`)
      if (command === 'start &') {
        // Nobody waits for it: what comes next is typed at once.
        on.start()
        continue
      }
      const expected = Number(/exit (\d+)/.exec(comment)?.[1] ?? 0)
      const said = await typed(on, filledIn(command, printed), pasted(command, printed))
      assert.equal(said.status, expected, `${line}\n${said.stdout}${said.stderr}`)
      printed += said.stdout + said.stderr
    }
  }
})
