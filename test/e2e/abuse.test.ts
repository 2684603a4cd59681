/**
 * What no client should send, on the sockets of a running daemon (FAULTS 83,
 * 86, 97, 98): each is refused or denied, none of it is an allow, and the
 * daemon goes on answering everybody else.
 */
import assert from 'node:assert/strict'
import net from 'node:net'
import { after, afterEach, before, test } from 'node:test'
import type { Host } from '../../src/cli/stage.ts'
import { HTTP_CONNECTIONS_MAX, HTTP_CONNECTIONS_PER_USER_MAX } from '../../src/core/limits.ts'
import { row } from '../lab/row.ts'
import { authorize, eventually, grant, Lab, status } from './lab.ts'
import { bodyOf, raw, request, type SocketName, socketOf, statusOf } from './raw.ts'

const lab = new Lab()
let host: Host
let pid = 0

const GOOD = '{"action":{"name":"job:deploy"},"resource":{"type":"env","id":"staging"}}'
const EXECUTE = '/v1/executions'

before(async () => {
  ;[host] = (await lab.mesh(['atlas'])) as [Host]
  await grant(host)
  pid = host.pid
})

after(() => lab[Symbol.asyncDispose]())

afterEach(async () => {
  assert.equal(host.pid, pid)
  assert.equal((await authorize(host)).code, null)
})

const send = (bytes: string | Buffer, socket: SocketName = 'meshd') =>
  raw(socketOf(host, socket), bytes)

const decide = async (body: string, headers: readonly string[] = []) =>
  send(request('POST', EXECUTE, body, headers))

test('what is asked well is allowed, so that the rest means something', async () => {
  const answer = await decide(GOOD)
  assert.equal(statusOf(answer), 200)
  assert.match(bodyOf(answer), /"decision":true/)
})

const BODIES: Readonly<Record<string, string>> = {
  'a key twice': GOOD.replace('{"action"', '{"action":{"name":"other"},"action"'),
  'a nested key twice': GOOD.replace('"id":"staging"', '"id":"prod","id":"staging"'),
  'an infinite number': GOOD.replace('{"action"', '{"context":{"n":1e999},"action"'),
  'a number that no double holds': GOOD.replace(
    '{"action"',
    '{"context":{"n":9007199254740993},"action"',
  ),
  'half a surrogate pair': GOOD.replace('staging', '\\ud800'),
  'a byte order mark': `\ufeff${GOOD}`,
  'a comment': `${GOOD}//`,
  'nesting without end': '['.repeat(60_000),
  'deep nesting': GOOD.replace(
    '{"action"',
    `{"context":{"x":${'['.repeat(40)}${']'.repeat(40)}},"action"`,
  ),
  'facts of the node': GOOD.replace('{"action"', '{"context":{"meshd":{"node":"x"}},"action"'),
  'an entity of Cedar': GOOD.replace(
    '{"action"',
    '{"context":{"x":{"__entity":{"type":"principal","id":"x"}}},"action"',
  ),
  'a star in the resource': GOOD.replace('staging', '*'),
  'an empty segment in the action': GOOD.replace('job:deploy', 'job::deploy'),
  'a control character in the action': GOOD.replace('job:deploy', 'job:\\u0007'),
  'arguments of 70 kB': GOOD.replace(
    '"job:deploy"',
    `"job:deploy","properties":{"a":"${'x'.repeat(70_000)}"}`,
  ),
  'somebody else as subject': GOOD.replace(
    '{"action"',
    '{"subject":{"type":"user","id":"root"},"action"',
  ),
  nothing: '',
  null: 'null',
}

for (const [what, body] of Object.entries(BODIES))
  test(`a request with ${what} is denied`, async () => {
    const answer = await decide(body)
    assert.ok([200, 400, 413].includes(statusOf(answer)), answer.slice(0, 200))
    assert.doesNotMatch(answer, /"decision":true/)
  })

test('a request that names an artifact or a cause that is none is denied', async () => {
  const headers = [
    `Meshd-Artifact: C${'A'.repeat(12_000)}`,
    `Meshd-Artifact: C${'A'.repeat(20_000)}`,
    'Meshd-Artifact: nonsense',
    `Meshd-Cause: sha256:${'a'.repeat(64)}`,
    'Meshd-Cause: x',
  ]
  for (const header of headers)
    assert.doesNotMatch(await decide(GOOD, [header]), /"decision":true/, header.slice(0, 40))
})

const HEAD = `POST ${EXECUTE} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n`
const UNHTTP: Readonly<Record<string, string | Buffer>> = {
  garbage: '\x00\x01\x02\xff\r\n\r\n',
  'two lengths': `${HEAD}Content-Length: 4\r\nContent-Length: 5\r\n\r\nabcde`,
  'a length and chunks': `${HEAD}Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nGET /livez HTTP/1.1\r\nHost: x\r\n\r\n`,
  'a coding that is not chunked': `${HEAD}Transfer-Encoding: gzip, chunked\r\nConnection: close\r\n\r\n0\r\n\r\n`,
  'a bare line feed': 'GET /livez HTTP/1.1\nHost: x\n\n',
  'a folded header': 'GET /livez HTTP/1.1\r\nHost: x\r\nX-Request-ID: a\r\n b\r\n\r\n',
  'a control in a header': 'GET /livez HTTP/1.1\r\nHost: x\r\nX-Request-ID: a\x01\r\n\r\n',
  'a target that is no path': 'GET // HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n',
  'another origin as target':
    'GET http://evil/livez HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n',
  'a tunnel': 'CONNECT evil:1 HTTP/1.1\r\nHost: x\r\n\r\n',
  'an escape that is none': 'GET /v1/wallet/%zz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n',
  'a length that is negative': `${HEAD}Content-Length: -1\r\n\r\n`,
  'headers of a megabyte': `${HEAD}X: ${'x'.repeat(1_000_000)}\r\n\r\n`,
}

test('what is no HTTP is refused or cut, and smuggles no second request', async (t) => {
  for (const [what, bytes] of Object.entries(UNHTTP)) {
    const answer = await send(bytes)
    assert.ok(
      [0, 200, 400, 404, 413, 431].includes(statusOf(answer)),
      `${what}: ${answer.slice(0, 99)}`,
    )
    assert.doesNotMatch(answer, /"decision":true|"live":true/, what)
  }
  row(t, 98, `${Object.keys(UNHTTP).length} requests that are none: 0 second ones smuggled`)
})

test('a gigabyte is refused after the first megabyte of it', async (t) => {
  const path = socketOf(host, 'meshd')
  let sent = 0
  const answer = await new Promise<string>((done) => {
    let got = ''
    const socket = net.connect(path)
    const chunk = Buffer.alloc(1 << 20, 'x')
    const pour = () => {
      while (sent < 1024 && !socket.destroyed && socket.write(chunk)) sent += 1
    }
    socket.write(`${HEAD}Content-Length: 1073741824\r\n\r\n`)
    socket.on('connect', pour).on('drain', pour)
    socket.on('data', (bytes) => {
      got += bytes.toString()
    })
    socket.on('error', () => done(got)).on('close', () => done(got))
  })
  assert.equal(statusOf(answer), 413)
  assert.ok(sent < 64, `${sent} MiB were taken`)
  row(t, 98, `1 GB: refused after ${sent} MiB`)
})

test('what is for administrators is not served to deciders, nor to readers', async () => {
  const changes: readonly (readonly [string, string])[] = [
    ['POST', '/v1/statements'],
    ['POST', '/v1/peers'],
    ['POST', '/v1/isolation'],
    ['POST', '/v1/invites'],
    ['POST', '/v1/callers'],
    ['POST', '/v1/reload'],
  ]
  for (const [method, path] of changes)
    for (const socket of ['meshd', 'read'] as const)
      assert.equal(statusOf(await send(request(method, path, '{}'), socket)), 404, path)
  for (const path of ['/v1/peers', '/v1/records', '/v1/governance', '/v1/statements'])
    assert.equal(statusOf(await send(request('GET', path), 'meshd')), 404, path)
  for (const path of [EXECUTE, '/access/v1/evaluation', '/v1/explain'])
    assert.equal(statusOf(await send(request('POST', path, GOOD), 'read')), 404, path)
  assert.equal(statusOf(await send(request('GET', '/v1/peers/..%2f..%2flivez'), 'meshd')), 404)
})

test('a hundred evaluations are answered, and one more refused', async () => {
  const many = (count: number) =>
    request(
      'POST',
      '/access/v1/evaluations',
      JSON.stringify({
        subject: { type: 'user', id: 'x' },
        ...JSON.parse(GOOD),
        evaluations: Array(count).fill({}),
      }),
    )
  assert.equal((bodyOf(await send(many(100))).match(/"decision":false/g) ?? []).length >= 100, true)
  assert.equal(statusOf(await send(many(101))), 400)
})

test('slow and idle connections are cut, bounded for one user, and shut nobody else out', async (t) => {
  const sockets = Array.from({ length: 300 }, () => net.connect(socketOf(host, 'meshd')))
  for (const socket of sockets) {
    socket.on('error', () => {})
    socket.on('connect', () => socket.write('POST /access/v1/evaluation HTTP/1.1\r\nHo'))
  }
  const open = async () => sockets.filter(({ destroyed }) => !destroyed).length
  assert.ok(HTTP_CONNECTIONS_PER_USER_MAX < HTTP_CONNECTIONS_MAX)
  await eventually('the bound', open, (count) => count <= HTTP_CONNECTIONS_PER_USER_MAX)
  assert.equal((await status(host)).ready, true)
  await eventually('slow ones are cut', open, (count) => count === 0)
  row(
    t,
    98,
    `300 slow connections of one user: at most ${HTTP_CONNECTIONS_PER_USER_MAX} open, all cut`,
  )
  row(t, 98, '0 honest shut out')
})
