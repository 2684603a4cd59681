/** Settings of Claude Code: what `meshd gateway show` prints is in order, and each way to make it useless is found. */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { settingsFindings } from '../../src/enforce/hook-settings.ts'

const PATH = '/home/bob/.claude/settings.json'
const GOOD = readFileSync('config/gateways/claude-code.json', 'utf8')
const HOOK = {
  ...{ type: 'command', command: 'meshd hook claude-code || exit 2' },
  ...{ timeout: 30, onFailure: 'block' },
}
const runnable = (program: string) => program === 'meshd' || program === '/opt/meshd'

const settings = (hook: object, entry: object = {}) =>
  JSON.stringify({ hooks: { PreToolUse: [{ matcher: '*', hooks: [hook], ...entry }] } })

function levels(text: string): readonly string[] {
  return settingsFindings([{ path: PATH, text }], runnable).map(({ level }) => level)
}

test('what is printed for Claude Code is in order, and who does not name meshd is not told of it', () => {
  assert.deepEqual(levels(GOOD), ['ok'])
  assert.deepEqual(levels('{"model":"x"}'), [])
  assert.deepEqual(levels('{'), [])
  assert.deepEqual(levels(settings({ ...HOOK, command: '"/opt/meshd" hook claude-code' })), ['ok'])
  assert.deepEqual(levels(settings({ ...HOOK, command: '$HOME/meshd hook claude-code' })), ['ok'])
  const http = { type: 'http', url: 'http://127.0.0.1:4718/v1/gateway/claude-code' }
  assert.deepEqual(levels(settings({ ...http, onFailure: 'block' })), ['ok'])
})

const { onFailure: _, ...OPEN } = HOOK
for (const [what, text, expected, says] of [
  ['no onFailure', settings(OPEN), ['warning'], /takes too long lets the call run/],
  [
    'no onFailure, and no exit 2',
    settings({ ...OPEN, command: 'meshd hook claude-code' }),
    ['error'],
    /a hook that fails lets the call run/,
  ],
  ['another onFailure', settings({ ...HOOK, onFailure: 'allow' }), ['warning'], /onFailure/],
  [
    'a path that leads nowhere',
    settings({ ...HOOK, command: '/opt/mesh/meshd hook claude-code || exit 2' }),
    ['error'],
    /`\/opt\/mesh\/meshd` is not there/,
  ],
  [
    'a word that is none',
    settings({ ...HOOK, command: 'meshd hooks claude-code' }),
    ['error'],
    /no hook of meshd/,
  ],
  [
    'a hook of another kind',
    settings({ ...HOOK, command: 'meshd hook claude' }),
    ['error'],
    /no hook of meshd/,
  ],
  ['some tools alone', settings(HOOK, { matcher: 'Bash' }), ['warning'], /matcher `Bash`/],
  ['some calls alone', settings({ ...HOOK, if: 'Bash(rm *)' }), ['warning'], /its `if`/],
  ['a hook that nobody waits for', settings({ ...HOOK, async: true }), ['error'], /async/],
  [
    'a time that is too short',
    settings({ ...OPEN, timeout: 5 }),
    ['warning', 'warning'],
    /timeout of 5 s/,
  ],
  [
    'by HTTP, and open',
    settings({ type: 'http', url: 'http://x/v1/gateway/claude-code' }),
    ['error'],
    /fails/,
  ],
  [
    'meshd elsewhere',
    '{"mcpServers":{"x":{"command":"meshd"}}}',
    ['warning'],
    /no PreToolUse hook/,
  ],
  ['no JSON', '{ "meshd": ', ['error'], /is no JSON/],
] as const)
  test(`settings with ${what} are found`, () => {
    const found = settingsFindings([{ path: PATH, text }], runnable)
    assert.deepEqual(
      found.map(({ level }) => level),
      expected,
    )
    assert.match(found.map((each) => each.says).join('\n'), says)
    for (const { says: line, fix } of found) {
      assert.ok(line.startsWith(`${PATH}: `))
      assert.notEqual(fix, null)
    }
  })

test('hooks that are switched off in any file are off', () => {
  const files = [
    { path: PATH, text: GOOD },
    { path: '.claude/settings.local.json', text: '{"disableAllHooks":true}' },
  ]
  const [first] = settingsFindings(files, runnable)
  assert.equal(first?.level, 'error')
  assert.match(first.says, /settings\.local\.json: disableAllHooks/)
})

test('a file that cannot be read is named, and nothing is said of what may be in it', () => {
  const files = [
    { path: PATH, text: GOOD },
    { path: '/etc/claude-code/managed-settings.json', text: null },
  ]
  assert.deepEqual(
    settingsFindings(files, runnable).map(({ level, says }) => [level, says]),
    [
      ['warning', '/etc/claude-code/managed-settings.json: cannot be read by this user'],
      ['ok', `${PATH}: every tool call asks meshd`],
    ],
  )
})
