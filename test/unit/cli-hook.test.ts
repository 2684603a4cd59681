/** Hooks on the command line: 0 for an allow that was spelled out, 2 for all that there is beside it. */
import assert from 'node:assert/strict'
import { execFileSync, spawn } from 'node:child_process'
import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { PassThrough } from 'node:stream'
import { after, test } from 'node:test'
import { TABLE } from '../../src/cli/main.ts'
import { run } from '../../src/cli/run.ts'
import { REQUEST_BYTES_MAX } from '../../src/core/limits.ts'

const dir = mkdtempSync(join(tmpdir(), 'meshd-hook-'))
after(() => rmSync(dir, { recursive: true }))

const EVENT = JSON.stringify({
  ...{ hook_event_name: 'PreToolUse', session_id: 's', cwd: '/srv' },
  ...{ tool_name: 'Bash', tool_input: { command: 'ls' } },
})
const ALLOW = {
  hookSpecificOutput: {
    ...{ hookEventName: 'PreToolUse', permissionDecision: 'allow' },
    permissionDecisionReason: 'meshd: sha256:00',
  },
}
const denied = (reason: string) => ({
  hookSpecificOutput: {
    ...{ hookEventName: 'PreToolUse', permissionDecision: 'deny' },
    permissionDecisionReason: reason,
  },
})

type Answer = (response: ServerResponse, request: IncomingMessage) => void
const says =
  (value: unknown): Answer =>
  (response) =>
    response.end(JSON.stringify(value))

interface Told {
  readonly status: number
  readonly stdout: string
  readonly stderr: string
  readonly asked: readonly { readonly url: string; readonly headers: IncomingMessage['headers'] }[]
}

/** @param event what stdin holds; null for one that nobody closes */
async function typed(
  words: readonly string[],
  event: string | null,
  answer: Answer | null,
  env: Readonly<Record<string, string>> = {},
): Promise<Told> {
  const path = join(mkdtempSync(join(dir, 's')), 'meshd.sock')
  const asked: Told['asked'][number][] = []
  const server = createServer((request, response) => {
    asked.push({ url: request.url ?? '', headers: request.headers })
    request.resume()
    request.on('end', () => answer?.(response, request))
  })
  if (answer !== null) await new Promise<void>((done) => server.listen(path, done))
  const [stdin, stdout, stderr] = [new PassThrough(), new PassThrough(), new PassThrough()]
  if (event !== null) stdin.end(event)
  try {
    const io = { stdin: stdin as never, stdout, stderr, env: { LANG: 'C.UTF-8', ...env } }
    const status = await run(['hook', ...words, '--socket', path], io, TABLE)
    return { status, stdout: textOf(stdout), stderr: textOf(stderr), asked }
  } finally {
    server.closeAllConnections()
    await new Promise((done) => server.close(done))
  }
}

function textOf(stream: PassThrough): string {
  return String((stream.read() as Buffer | null) ?? '')
}

test('an allow is 0 with what Claude Code expects, and approves only where that is asked for', async () => {
  const plain = await typed(['claude-code'], EVENT, says(ALLOW))
  assert.deepEqual([plain.status, plain.stderr], [0, ''])
  assert.deepEqual(JSON.parse(plain.stdout), {
    hookSpecificOutput: { hookEventName: 'PreToolUse' },
  })
  const approving = await typed(['claude-code', '--approve'], EVENT, says(ALLOW))
  assert.deepEqual(JSON.parse(approving.stdout), ALLOW)
  const generic = await typed(['generic'], EVENT, says({ decision: 'allow', id: 'sha256:00' }))
  assert.deepEqual([generic.status, generic.stdout], [0, '{"decision":"allow","id":"sha256:00"}\n'])
  assert.equal(generic.asked[0]?.url, '/v1/gateway/generic')
})

test('a denial is 2 with its reason on stderr, and nothing on stdout', async () => {
  const reason = 'denied by meshd: SCOPE_EXCEEDED: asked\u001b[2J tools/call'
  const told = await typed(['claude-code', '-q'], EVENT, says(denied(reason)))
  assert.deepEqual([told.status, told.stdout], [2, ''])
  assert.equal(told.stderr, 'denied by meshd: SCOPE_EXCEEDED: asked\ufffd[2J tools/call\n')
  const generic = await typed(['generic'], EVENT, says({ decision: 'deny', reason: 'no' }))
  assert.deepEqual([generic.status, generic.stderr], [2, 'no\n'])
})

test('what runs under meshd exec names its execution, and so does the hook', async () => {
  const env = { MESHD_EXECUTION: `sha256:${'0a'.repeat(32)}` }
  const { asked } = await typed(['claude-code'], EVENT, says(ALLOW), env)
  assert.equal(asked[0]?.headers['meshd-cause'], env.MESHD_EXECUTION)
  const wrong = await typed(['claude-code'], EVENT, says(ALLOW), { MESHD_EXECUTION: 'dec_1' })
  assert.deepEqual([wrong.status, wrong.asked.length], [2, 0])
})

const cut: Answer = (response) => {
  response.writeHead(200, { 'content-length': 999 })
  response.write(JSON.stringify(ALLOW), () => response.destroy())
}
type Failure = readonly [
  what: string,
  code: string | null,
  words: readonly string[],
  event: string | null,
  answer: Answer | null,
]

const { hookSpecificOutput: output } = ALLOW
const other = (over: object) => says({ hookSpecificOutput: { ...output, ...over } })
const failing: Answer = (response) => response.writeHead(503).end('{"decision":"allow","id":"x"}')
const CLAUDE = ['claude-code']
const SOON = ['claude-code', '--timeout', '300ms']
const LARGE = 'x'.repeat(REQUEST_BYTES_MAX + 1)

for (const [what, code, words, event, answer] of [
  ['no daemon', 'UNREACHABLE', CLAUDE, EVENT, null],
  ['a daemon that hangs', 'TIMEOUT', SOON, EVENT, () => {}],
  ['a daemon that hangs up', 'UNREACHABLE', CLAUDE, EVENT, (response) => response.destroy()],
  ['an answer that is cut off', 'UNREACHABLE', CLAUDE, EVENT, cut],
  ['an answer that is no JSON', 'INVALID_ANSWER', CLAUDE, EVENT, (response) => response.end('<p>')],
  ['an empty answer', 'INVALID_ANSWER', CLAUDE, EVENT, (response) => response.end()],
  ['an answer without a decision', 'INVALID_ANSWER', CLAUDE, EVENT, says({})],
  ['a list', 'INVALID_ANSWER', CLAUDE, EVENT, says([ALLOW])],
  ['another event', 'INVALID_ANSWER', CLAUDE, EVENT, other({ hookEventName: 'Stop' })],
  ['another decision', 'INVALID_ANSWER', CLAUDE, EVENT, other({ permissionDecision: 'ask' })],
  ['an allow of the other kind', 'INVALID_ANSWER', CLAUDE, EVENT, says({ decision: 'allow' })],
  ['a true', 'INVALID_ANSWER', ['generic'], EVENT, says({ decision: true, id: 'x' })],
  ['an allow without an id', 'INVALID_ANSWER', ['generic'], EVENT, says({ decision: 'allow' })],
  ['an error with an allow in it', 'INVALID_ANSWER', ['generic'], EVENT, failing],
  ['nothing on stdin', 'USAGE', CLAUDE, '', says(ALLOW)],
  ['too much on stdin', 'TOO_LARGE', CLAUDE, LARGE, says(ALLOW)],
  ['a stdin that nobody closes', 'TIMEOUT', SOON, null, says(ALLOW)],
  ['an option that there is not', 'USAGE', ['claude-code', '--aprove'], EVENT, says(ALLOW)],
  ['an argument too many', 'USAGE', ['claude-code', 'x'], EVENT, says(ALLOW)],
  ['a time that is none', 'USAGE', ['claude-code', '--timeout', 'soon'], EVENT, says(ALLOW)],
  ['an agent that nobody knows', 'USAGE', ['claude-coda'], EVENT, says(ALLOW)],
  ['no agent', 'USAGE', [], EVENT, says(ALLOW)],
  ['a dry run', 'USAGE', ['claude-code', '--dry-run'], EVENT, says(ALLOW)],
  ['a question for help', null, ['claude-code', '--help'], EVENT, says(ALLOW)],
] as readonly Failure[])
  test(`${what} blocks the call`, async () => {
    const { status, stdout, stderr } = await typed(words, event, answer)
    assert.equal(status, 2)
    assert.doesNotMatch(stdout, /"allow"|hookSpecificOutput/)
    if (code !== null) assert.match(stderr, new RegExp(`\\[${code}\\]`))
  })

test('an option before the word does not make a hook something else', async () => {
  const [stdin, stdout, stderr] = [new PassThrough(), new PassThrough(), new PassThrough()]
  const io = { stdin: stdin as never, stdout, stderr, env: {} }
  assert.equal(await run(['-q', 'hook', 'claude-code'], io, TABLE), 2)
  // And where it is another word, statuses are what they were.
  assert.equal(await run(['no-such-word', 'hook'], io, TABLE), 64)
})

test('doctor reads the settings of whoever asks it', async () => {
  const home = mkdtempSync(join(dir, 'home'))
  mkdirSync(join(home, '.claude'))
  const hook = { type: 'command', command: '/no/such/meshd hook claude-code' }
  const settings = { hooks: { PreToolUse: [{ matcher: '*', hooks: [hook] }] } }
  const told = async (text: string) => {
    writeFileSync(join(home, '.claude', 'settings.json'), text)
    const [stdin, stdout, stderr] = [new PassThrough(), new PassThrough(), new PassThrough()]
    const io = { stdin: stdin as never, stdout, stderr, env: { HOME: home, MESHD_API_DIR: home } }
    await run(['doctor', '--json'], io, TABLE)
    const { item } = JSON.parse(textOf(stdout)) as { item: { groups: Group[] } }
    return item.groups.find(({ name }) => name === 'Agent hooks')?.findings ?? []
  }
  assert.deepEqual(await told('{}'), [])
  const found = await told(JSON.stringify(settings))
  const errors = found.filter(({ level }) => level === 'error').map(({ says: line }) => line)
  assert.match(errors.join('\n'), /`\/no\/such\/meshd` is not there/)
  assert.match(errors.join('\n'), /needs "onFailure": "block"/)
})

interface Group {
  readonly name: string
  readonly findings: readonly { readonly level: string; readonly says: string }[]
}

test('a program that breaks before it can ask blocks the call, and so does one that is not there', async () => {
  const broken = join(dir, 'broken')
  mkdirSync(join(broken, 'src/cli'), { recursive: true })
  cpSync('bin', join(broken, 'bin'), { recursive: true })
  writeFileSync(join(broken, 'package.json'), '{"type":"module"}')
  const main = join(broken, 'src/cli/main.ts')
  const launcher = join(broken, 'bin/meshd.js')
  const ended = (...words: readonly string[]) =>
    new Promise<number | null>((done) => {
      const child = spawn(process.execPath, [launcher, ...words], { stdio: 'ignore' })
      child.on('exit', (code) => done(code))
    })
  const statuses: (number | null)[] = []
  for (const text of [
    'syntax error',
    'throw new Error("at import")',
    'export const main = () => Promise.reject(new Error("later"))',
    'export const main = () => { process.exit(1) }',
    'export const main = () => new Promise(() => {})',
  ]) {
    writeFileSync(main, text)
    statuses.push(await ended('hook', 'claude-code'))
  }
  assert.deepEqual(statuses, [2, 2, 2, 2, 2])
  assert.notEqual(await ended('status'), 2)
  // As the snippet has it: what the shell cannot find, or the kernel ends, is a 2 as well.
  const shell = (line: string) => {
    try {
      execFileSync('sh', ['-c', line], { stdio: 'ignore' })
      return 0
    } catch (error) {
      return (error as { status: number }).status
    }
  }
  assert.equal(shell('/no/such/meshd hook claude-code || exit 2'), 2)
  assert.equal(shell('sh -c "kill -9 \\$\\$" || exit 2'), 2)
})
