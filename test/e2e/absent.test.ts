/**
 * Every command where no daemon runs: those that need one say so with status 5
 * and what to do, the others do their work, and none of them is a bug.
 */
import assert from 'node:assert/strict'
import { chownSync, existsSync, mkdirSync } from 'node:fs'
import { createServer, type Socket } from 'node:net'
import { join, resolve } from 'node:path'
import { after, test } from 'node:test'
import { CommandTable, FAMILIES } from '../../src/cli/commands.ts'
import { Lab } from './lab.ts'

const lab = new Lab()
const host = lab.host('atlas')
const STARTER = resolve(import.meta.dirname, '../../config/starter-policy')
const ID = `sha256:${'0'.repeat(64)}`

after(() => lab[Symbol.asyncDispose]())

/** What each needs to get as far as the daemon, and the status it ends with. */
const NEEDS_DAEMON: Readonly<Record<string, string>> = {
  status: '',
  'peer join': '/ip4/127.0.0.1/tcp/1/p2p/x --timeout 300ms',
  'peer list': '',
  'peer show': 'x',
  'peer approve': 'x --yes',
  'peer suspend': 'x --yes',
  'peer epoch': 'x --yes',
  'peer isolate': '',
  'peer remove': 'x',
  'invite create': '--name b',
  'invite list': '',
  'invite revoke': '7f3a9c12',
  'mesh status': '',
  'mesh drift': '',
  'root show': '',
  'root history': '',
  'root sign': ID,
  'root rotate': '--threshold root=1',
  'policy publish': STARTER,
  'policy sign': ID,
  'policy list': '',
  'policy show': 'starter@1',
  'policy rollback': 'starter@1',
  'policy diff': `starter@1 ${STARTER}`,
  sign: '',
  revoke: 'principal:me --yes',
  freeze: 'mesh --yes',
  unfreeze: 'mesh --yes',
  'artifact issue': '--to me --action a:b --resource c:d --ttl 1h',
  'artifact list': '',
  'artifact drop': 'x',
  'artifact request': '--from me --action a:b --resource c:d',
  'artifact requests': '',
  'artifact grant': ID,
  'artifact decline': ID,
  authorize: '--action a:b --resource c:d',
  explain: 'last',
  'mesh export': '-f -',
  'audit list': '',
  'audit tail': '',
  'audit show': 'x',
  'audit stats': '',
  'audit prune': '--before 400d',
  'audit redact': 'x -m why --yes',
  'audit verify': '',
  'audit prove': 'last -f -',
  'who-can': 'a:b c:d',
  'what-can': 'user:a --resource c:d',
  ps: '',
  kill: `${ID} --yes`,
  'lineage trace': 'last',
  'lineage graph': 'last',
  'config reload': '',
}

/** Those with a status of their own, or that need nobody. */
const ALONE: Readonly<Record<string, readonly [number, string]>> = {
  doctor: [6, ''],
  exec: [125, '-- true'],
  wait: [124, '--for ready --timeout 200ms'],
  'key create': [0, 'alice'],
  'key list': [0, ''],
  'key add': [0, 'did:key:z6MkhaXgBZDvotDkL5257faiztiGiC2QtKLGpbnnEGta2doK --name bob'],
  'mesh import': [4, '/no/such/file'],
  'policy check': [0, STARTER],
  'policy test': [0, STARTER],
  'artifact inspect': [4, '/no/such/file'],
  'artifact verify': [3, STARTER.replace('starter-policy', 'meshd.yaml')],
  'artifact hold': [4, '/no/such/file'],
  'artifact delegate': [4, '/no/such/file --to me'],
  'config show': [0, ''],
  'config check': [0, ''],
  'config schema': [0, ''],
  // Where it would go is looked at first.
  'audit export': [4, '--dir /no/such/folder/x'],
  'gateway list': [0, ''],
  'gateway show': [0, 'nginx'],
  verify: [4, '/no/such/file --trust /no/such/root'],
  completion: [0, 'bash'],
  help: [0, 'REVOKED'],
  commands: [0, ''],
  version: [0, ''],
}

const lines = (command: string, rest: string) => [
  ...command.split(' '),
  ...rest.split(' ').filter((word) => word !== ''),
]

/** Those that speak on stdin have tests of their own, without a daemon too. */
const ELSEWHERE = ['init', 'start', 'mcp', 'hook claude-code', 'hook generic']

test('each command of this version is in one of the two lists', async () => {
  const all = (await new CommandTable(FAMILIES).all()).map(({ name }) => name)
  const listed = new Set([...Object.keys(NEEDS_DAEMON), ...Object.keys(ALONE), ...ELSEWHERE])
  assert.deepEqual(
    all.filter((name) => !listed.has(name)),
    [],
  )
})

for (const [command, rest] of Object.entries(NEEDS_DAEMON))
  test(`${command}: no daemon is status 5`, async () => {
    const said = await host.run(...lines(command, rest))
    assert.match(
      said.stderr,
      /cannot reach the daemon: there is no socket at .* {2}\[UNREACHABLE\]/,
    )
    assert.match(said.stderr, /hint: meshd start/)
    assert.deepEqual([said.status, said.stdout], [5, ''])
  })

for (const [command, [status, rest]] of Object.entries(ALONE))
  test(`${command}: without a daemon status ${status}`, async () => {
    const said = await host.run(...lines(command, rest))
    assert.equal(said.status, status, said.stderr)
    assert.doesNotMatch(said.stderr, /\[BUG\]/)
  })

test('a socket that nobody listens on, or that says nothing of ours, is told from none', async () => {
  mkdirSync(host.socketsDir, { mode: 0o700 })
  const answers = ['HTTP/1.1 200 OK\r\nContent-Length: 8\r\n\r\nnonsense', 'no http at all', '']
  for (const answer of answers) {
    const sockets: Socket[] = []
    const liar = createServer((socket) => {
      sockets.push(socket)
      socket.on('error', () => {})
      socket.write(answer)
    })
    const path = join(host.socketsDir, 'read.sock')
    await new Promise<void>((done) => liar.listen(path, done))
    const said = await host.run('status', '--timeout', '300ms')
    const expected = answer === '' ? [124, '[TIMEOUT]'] : [5, '[']
    assert.deepEqual([said.status, said.stderr.includes(String(expected[1]))], [expected[0], true])
    for (const socket of sockets) socket.destroy()
    await new Promise((done) => liar.close(done))
  }
})

/** Every answer of it is one text, whoever asks for what. */
async function lying(answer: string): Promise<() => Promise<void>> {
  const sockets: Socket[] = []
  const liar = createServer((socket) => {
    sockets.push(socket)
    socket.on('error', () => {})
    socket.once('data', () => socket.write(answer))
  })
  await new Promise<void>((done) => liar.listen(join(host.socketsDir, 'meshd.sock'), done))
  return async () => {
    for (const socket of sockets) socket.destroy()
    await new Promise((done) => liar.close(done))
  }
}

test('exec runs nothing on an answer that is late, cut, garbage or none', async () => {
  mkdirSync(host.socketsDir, { mode: 0o700, recursive: true })
  const ran = join(lab.dir, 'ran')
  const good = JSON.stringify({ decision: true, id: ID, leaseRemainingMs: 60_000 })
  const sent = (body: string, length = body.length) =>
    `HTTP/1.1 200 OK\r\nContent-Length: ${length}\r\n\r\n${body}`
  const answers = [
    '',
    sent(good, good.length + 1),
    sent(good.slice(0, -1)),
    sent('{"decision":true}'),
    sent(good.replace('true', '"true"')),
    sent(good).replace('200', '500'),
    'nothing of ours',
  ]
  for (const answer of answers) {
    const end = await lying(answer)
    const said = await host.run(
      ...['exec', '--timeout', '300ms', '--action', 'a:b', '--resource', 'c:d'],
      ...['--', 'sh', '-c', `: > ${ran}`],
    )
    await end()
    assert.equal(said.status, 125, `${answer}: ${said.stderr}`)
  }
  assert.equal(existsSync(ran), false)
})

const root = process.getuid?.() === 0 ? false : 'only root can give a socket away'
test('nothing is said to somebody else who listens in the place of the daemon', {
  skip: root,
}, async () => {
  mkdirSync(host.socketsDir, { mode: 0o700, recursive: true })
  const end = await lying('')
  chownSync(join(host.socketsDir, 'meshd.sock'), 54_321, 54_321)
  const said = await host.run('authorize', '--action', 'a:b', '--resource', 'c:d')
  await end()
  assert.equal(said.status, 5)
  assert.match(said.stderr, /may be anybody: it belongs to uid 54321 {2}\[UNREACHABLE\]/)
})
