/** What every command has in common: its errors in both forms, its questions, and flags that it does not honour. */
import assert from 'node:assert/strict'
import { chmodSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { PassThrough } from 'node:stream'
import { after, before, test } from 'node:test'
import { createContext, type Globals } from '../../src/cli/context.ts'
import { jsonText } from '../../src/core/text.ts'
import { Desk } from '../golden/screen.ts'
import { GOVERNANCE, listOf, NOW, PEERS, view } from '../golden/story.ts'
import { POLICIES } from '../golden/story-log.ts'

const desk = new Desk(NOW)
before(() => desk.open())
after(() => desk.close())

function problemIn(said: string): Record<string, unknown> {
  const [, text = ''] = /-- stderr --\n(\{.*\})\n/.exec(said) ?? []
  return JSON.parse(text)
}

test('in JSON mode every error is one RFC 9457 object, a mistyped word and a mistyped flag too', async () => {
  for (const words of [
    ['peer', 'list', '--json', '--nmae'],
    ['peer', 'list', '-o', 'json', '--nmae'],
    ['peer', 'list', '-ojson', '--nmae'],
    ['peer', 'list', '--output=jsonl', '--nmae'],
    ['peer', 'show', '--json'],
    ['frobnicate', '--json'],
  ]) {
    const said = await desk.type(words, {})
    const { type, code, title, detail, hint } = problemIn(said)
    assert.equal(code, 'USAGE', said)
    assert.equal(type, 'https://meshd.invalid/problems/USAGE')
    for (const text of [title, detail, hint]) assert.equal(typeof text, 'string')
    assert.match(said, /exit 64 --\n$/)
  }
})

test('what comes after -- asks nothing of meshd', async () => {
  const said = await desk.type(['exec', '--', '/nowhere/at/all', '--json', '-v'], {})
  assert.match(said, /meshd: \/nowhere\/at\/all: not found\n/)
  assert.match(said, /exit 127 --\n$/)
})

test('a file that is there and may not be run is 126, and nobody is asked', async () => {
  const file = join(desk.dir, 'plain')
  writeFileSync(file, '#!/bin/sh\n')
  chmodSync(file, 0o600)
  const said = await desk.type(['exec', '--', file], {})
  assert.match(said, /plain: not executable\n/)
  assert.match(said, /exit 126 --\n$/)
  assert.match(await desk.type(['exec', '--', desk.dir], {}), /not executable\n.*exit 126 --\n$/s)
})

test('a descriptor that is not open is refused before anything runs', async () => {
  const said = await desk.type(['exec', '--status-fd', '971', '--', '/bin/true'], {})
  assert.match(said, /--status-fd: 971 is no open descriptor {2}\[USAGE\]/)
  assert.match(said, /exit 64 --\n$/)
})

test('a dry run is honoured or refused, never taken for the real thing', async () => {
  for (const words of [
    ['artifact', 'hold', 'x.ucan'],
    ['peer', 'remove', 'dorado'],
    ['invite', 'create'],
    ['exec', '--action', 'a', '--resource', 'b:c'],
  ]) {
    const [name = ''] = words
    const last = name === 'exec' ? ['--', '/bin/true'] : []
    const said = await desk.type([...words, '--dry-run', ...last], {})
    assert.match(said, /has no dry run {2}\[USAGE\]/, said)
    assert.match(said, /exit 64 --\n$/)
  }
})

test('a version that was revoked is not in force, whatever it was', async () => {
  const revoked = `sha256:${'0a'.repeat(32)}`
  const bundles = GOVERNANCE.bundles.map((each) => ({
    ...each,
    revoked: each.bundle === 'agents' ? revoked : null,
  }))
  const said = await desk.type(['policy', 'list'], {
    'GET /v1/statements': listOf('StatementList', POLICIES),
    'GET /v1/governance': view('Governance', { ...GOVERNANCE, bundles }),
  })
  assert.match(said, /^agents@7 +enforce +revoked /m)
  assert.match(said, /^ci@4 +enforce +in force /m)
  assert.match(said, /! agents@7 is revoked by rev_0a0a0a0a: nothing that it permits is allowed/)
})

test('an answer that is no object is no answer', async () => {
  for (const answer of [7, 'yes', true]) {
    const said = await desk.type(['status'], { 'GET /v1/status': () => answer })
    assert.match(said, /the answer of the daemon is no object {2}\[INVALID_ANSWER\]/)
    assert.doesNotMatch(said, /exit 0 --\n$/)
  }
})

test('JSON holds what a terminal obeys as escapes, and is the same JSON', () => {
  const value = { name: 'a\u009b2Jb\u007f\u2028\u202ec\u001b[0m', 'k\u0090': ['\u2066'] }
  const text = jsonText(value, 2)
  assert.doesNotMatch(text.replaceAll('\n', ''), /[\p{Cc}\u2028\u202e\u2066]/u)
  assert.deepEqual(JSON.parse(text), value)
})

const GLOBALS: Globals = {
  ...{ output: 'table', fields: null, header: true, quiet: false, verbose: false, message: null },
  watch: false,
  ...{ yes: false, dryRun: false, input: true, timeoutMs: 0, socket: null, config: null },
  statusFd: null,
}

function asked(globals: Partial<Globals> = {}) {
  const [stdin, stderr] = [new PassThrough(), new PassThrough()]
  for (const stream of [stdin, stderr]) Object.assign(stream, { isTTY: true, setRawMode: () => {} })
  let interrupted = 0
  const context = createContext(
    { stdout: new PassThrough(), stderr, stdin: stdin as never, env: { LANG: 'C.UTF-8' } },
    {},
    { ...GLOBALS, ...globals },
    {
      signal: new AbortController().signal,
      interrupt: () => {
        interrupted += 1
      },
      all: async () => [],
    },
  )
  return { stdin, answer: context.confirm('Sure?'), interrupted: () => interrupted }
}

test('only y and yes are a yes; the end of the input and Ctrl-C are a no, and nothing hangs', async () => {
  for (const [typed, expected] of [
    ['y\r', true],
    ['YES\r', true],
    ['\r', false],
    ['yep\r', false],
    ['\u0004', false],
  ] as const) {
    const { stdin, answer, interrupted } = asked()
    stdin.write(typed)
    assert.equal(await answer, expected, JSON.stringify(typed))
    assert.equal(interrupted(), 0)
  }
  const cut = asked()
  cut.stdin.write('\u0003')
  assert.equal(await cut.answer, false)
  assert.equal(cut.interrupted(), 1)
  const gone = asked()
  gone.stdin.end()
  assert.equal(await gone.answer, false)
  assert.equal(await asked({ input: false }).answer, false)
  assert.equal(await asked({ yes: true, input: false }).answer, true)
})

test('--watch gives one line of JSON a change, and no line for the passing of time', async () => {
  let asked = 0
  const answers = {
    'GET /v1/peers': () => {
      asked += 1
      if (asked === 4) process.emit('SIGINT')
      const [first, ...others] = PEERS
      const lastSeenAt = new Date(NOW.getTime() + asked).toISOString()
      return listOf('PeerList', [
        { ...first, lastSeenAt, state: asked < 3 ? 'member' : 'suspended' },
        ...others,
      ])
    },
  }
  const said = await desk.type(['peer', 'list', '--watch'], answers)
  const lines = said.split('\n').filter((line) => line.startsWith('{'))
  assert.deepEqual(
    lines.map((line) => JSON.parse(line).items[0].state),
    ['member', 'suspended'],
  )
  assert.match(said, /exit 130 --\n$/)
  const refused = await desk.type(['audit', 'verify', '--watch'], {})
  assert.match(refused, /`audit verify` cannot be watched {2}\[USAGE\]/)
})

test('a watched terminal is redrawn in place, and a view that fails ends it', async () => {
  let asked = 0
  const answers = {
    'GET /v1/peers': () => {
      asked += 1
      return asked < 3 ? listOf('PeerList', PEERS) : { items: null }
    },
  }
  const said = await desk.type(['peer', 'list', '-w'], answers, { columns: 80 })
  assert.equal(said.split('\u001b[H').length, 3)
  assert.ok(said.includes('\u001b[K\n'))
  assert.doesNotMatch(said, /exit (0|130) --\n$/)
})
