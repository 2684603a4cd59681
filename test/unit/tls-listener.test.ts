/** What comes over TCP: only HTTPS, only under a name that is ours, never from a page, and only from whom the configuration knows. */
import assert from 'node:assert/strict'
import net from 'node:net'
import { test } from 'node:test'
import tls from 'node:tls'
import { TLS_HANDSHAKES_PER_S } from '../../src/core/limits.ts'
import { readTcpFiles } from '../../src/daemon/tcp-files.ts'
import { row } from '../lab/row.ts'
import { ALICE } from './judgements.ts'
import { connection, rawTls, type Sent, send } from './tls.ts'
import { ASKED, certificateOf, paths, serve, TOKEN, tokenOf } from './tls-served.ts'

test('who shows a token is its principal, and the kernel says nothing of it', async () => {
  await serve(async ({ port, asks }) => {
    const { status } = await send(port, '/v1/ask', ASKED)
    assert.equal(status, 200)
    assert.deepEqual(asks[0]?.caller, {
      ...{ principal: ALICE, name: 'edge', asserts: ['user:*'], identified: true },
      ...{ uid: null, gid: null, pid: null, socket: 'tcp:127.0.0.1:0' },
    })
    assert.equal(asks[0]?.role, 'tcp')
    await send(port, '/v1/ask', ASKED)
    assert.equal(asks[1]?.caller, asks[0]?.caller, 'the same, so that what follows is remembered')
  })
})

test('who shows no token, or another one, is 401, and told nothing', async (t) => {
  await serve(async (served) => {
    const { port, asks } = served
    const wrong: Sent[] = [
      { body: {} },
      { ...ASKED, token: `${TOKEN}x` },
      { ...ASKED, token: TOKEN.slice(0, 8) },
      { body: {}, headers: { authorization: `Basic ${TOKEN}` } },
      { body: {}, headers: { authorization: TOKEN } },
      { body: {}, headers: { authorization: [`Bearer ${TOKEN}`, `Bearer ${TOKEN}`] } },
      { body: {}, headers: { cookie: `token=${TOKEN}`, 'x-api-key': TOKEN } },
    ]
    for (const sent of wrong) {
      const { status, headers, body } = await send(port, '/v1/ask', sent)
      assert.equal(status, 401, JSON.stringify(sent))
      assert.equal(headers['www-authenticate'], 'Bearer')
      assert.equal(headers.connection, 'close')
      assert.equal(body.code, 'UNAUTHENTICATED')
    }
    assert.equal((await send(port, `/v1/ask?access_token=${TOKEN}`, { body: {} })).status, 401)
    assert.deepEqual([asks.length, served.refused], [0, wrong.length + 1])
    row(t, 96, `HTTPS: ${wrong.length + 1} without the token, 401 each`)
  })
})

test('a token that was taken back, and a principal whose key is gone, are nobody at once', async () => {
  await serve(async (served) => {
    const { port } = served
    assert.equal((await send(port, '/v1/ask', ASKED)).status, 200)
    served.callers = []
    assert.equal((await send(port, '/v1/ask', ASKED)).status, 401)
    served.callers = [{ ...tokenOf(TOKEN), principal: 'keyless' }]
    assert.equal((await send(port, '/v1/ask', ASKED)).status, 401)
  })
})

test('a token that could be guessed is none, whatever the operator wrote down', async () => {
  await serve(async (served) => {
    const short = TOKEN.slice(0, 31)
    served.callers = [tokenOf(short)]
    assert.equal((await send(served.port, '/v1/ask', { ...ASKED, token: short })).status, 401)
  })
})

/** One request, and the session of its connection; @param session of an earlier one */
function session(port: number, from?: Buffer): Promise<{ kept?: Buffer; reused: boolean }> {
  const head = `POST /v1/ask HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nAuthorization: Bearer ${TOKEN}\r\n\r\n`
  return new Promise((resolve, reject) => {
    const again = from === undefined ? {} : { session: from }
    const socket = tls.connect({ ...connection(port, {}), ...again }, () => socket.write(head))
    let kept: Buffer | undefined
    socket.on('session', (each) => {
      kept = each
    })
    socket.resume()
    socket.on('error', reject)
    const reused = () => socket.isSessionReused()
    socket.on('end', () => resolve({ ...(kept === undefined ? {} : { kept }), reused: reused() }))
  })
}

test('no session is resumed: who comes again shows a certificate again', async () => {
  await serve(async ({ port }) => {
    const first = await session(port)
    assert.equal((await session(port, first.kept)).reused, false)
  })
})

test('a digest of a certificate is no token, and one of a token no certificate', async () => {
  await serve(async (served) => {
    served.callers = [{ ...tokenOf(TOKEN), kind: 'certificate' }]
    assert.equal((await send(served.port, '/v1/ask', ASKED)).status, 401)
  })
})

test('another Host, any Origin, and a body that is no JSON are refused before a token is looked at', async (t) => {
  await serve(async ({ port, asks }) => {
    const ask = (headers: Sent['headers']) =>
      send(port, '/v1/ask', { ...ASKED, headers: headers ?? {} })
    for (const host of ['evil.example', 'localhost.evil.example', 'localhost:1:2', '127.0.0.2'])
      assert.equal((await ask({ host })).status, 403, host)
    for (const host of ['localhost', `127.0.0.1:${port}`, 'PDP.example'])
      assert.equal((await ask({ host })).status, 200, host)
    for (const origin of ['https://localhost', 'null', ''])
      assert.equal((await ask({ origin })).status, 403, `Origin: ${origin}`)
    for (const type of ['text/plain', 'application/x-www-form-urlencoded', 'application/jsonp'])
      assert.equal((await ask({ 'content-type': type })).status, 400, type)
    assert.equal(asks.length, 3)
    for (const host of ['', 'Host:\r\n', 'Host: :443\r\n']) {
      const head = `POST /v1/ask HTTP/1.1\r\n${host}Authorization: Bearer ${TOKEN}\r\n`
      assert.match(await rawTls(port, `${head}Connection: close\r\n\r\n`), / 40[03] /, host)
    }
    assert.equal(asks.length, 3)
    row(t, 97, 'HTTPS: 4 foreign Hosts and 3 Origins 403, 3 simple POSTs 400')
  })
})

test('two Hosts, two lengths and a length beside chunks get no answer of a route', async () => {
  await serve(async ({ port, asks }) => {
    const head = `POST /v1/ask HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer ${TOKEN}\r\nContent-Type: application/json\r\n`
    for (const rest of [
      'Host: evil.example\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}',
      'Content-Length: 2\r\nContent-Length: 3\r\n\r\n{} ',
      'Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nGET /v1/ask HTTP/1.1\r\n\r\n',
    ])
      assert.doesNotMatch(await rawTls(port, head + rest), / 200 /, rest)
    assert.equal(asks.length, 0)
    const good = await rawTls(port, `${head}Content-Length: 2\r\nConnection: close\r\n\r\n{}`)
    assert.match(good, / 200 /, 'the same without them is answered')
  })
})

test('what is kept here and what governs is not served, whoever asks', async () => {
  await serve(async ({ port, asks }) => {
    for (const path of ['/v1/own', '/v1/govern', '/v1/status', '/v1/nothing'])
      assert.equal((await send(port, path, { token: TOKEN })).status, 404, path)
    assert.equal(asks.length, 0)
  })
})

test('discovery is told to whoever asks, and nothing beside it', async () => {
  await serve(async ({ port, asks }) => {
    const path = '/.well-known/authzen-configuration'
    assert.equal((await send(port, path)).status, 200)
    assert.equal(asks[0]?.caller.identified, false)
    assert.equal((await send(port, `${path}?`)).status, 401)
    assert.equal((await send(port, path, { headers: { origin: 'https://a' } })).status, 403)
  })
})

test('without TLS 1.3 there is no answer: no plain HTTP, no older version', async () => {
  await serve(async ({ port, asks }) => {
    const plain = await new Promise<string>((resolve) => {
      let got = ''
      const socket = net.connect(port, '127.0.0.1', () =>
        socket.write('GET /.well-known/authzen-configuration HTTP/1.1\r\nHost: localhost\r\n\r\n'),
      )
      socket.on('data', (chunk) => {
        got += chunk.toString('latin1')
      })
      socket.on('close', () => resolve(got))
      socket.on('error', () => resolve(got))
    })
    assert.doesNotMatch(plain, /HTTP/)
    await assert.rejects(send(port, '/v1/ask', { ...ASKED, maxVersion: 'TLSv1.2' }))
    assert.equal(asks.length, 0)
  })
})

test('who shows a certificate is its principal; an unknown one is 401, one of another authority no connection', async () => {
  await serve(
    async ({ port, asks }) => {
      assert.equal((await send(port, '/v1/ask', { body: {}, client: 'client' })).status, 200)
      assert.equal(asks[0]?.caller.name, 'gate')
      assert.equal((await send(port, '/v1/ask', { body: {}, client: 'unmapped' })).status, 401)
      await assert.rejects(send(port, '/v1/ask', { body: {}, client: 'foreign' }))
      await assert.rejects(send(port, '/v1/ask', { body: {} }))
      await assert.rejects(send(port, '/.well-known/authzen-configuration'))
      assert.equal(asks.length, 1)
    },
    { mutual: true },
  )
})

test('where certificates are demanded a token alone opens nothing, and beside one it says who', async () => {
  await serve(
    async (served) => {
      served.callers = [certificateOf('client'), tokenOf(TOKEN)]
      const { port, asks } = served
      await assert.rejects(send(port, '/v1/ask', ASKED))
      assert.equal((await send(port, '/v1/ask', { ...ASKED, client: 'unmapped' })).status, 200)
      assert.equal(asks[0]?.caller.name, 'edge')
      assert.equal((await send(port, '/v1/ask', { ...ASKED, client: 'client' })).status, 200)
      assert.equal(asks[1]?.caller.name, 'gate', 'the certificate is whose connection it is')
    },
    { mutual: true },
  )
})

test('an authority that comes with a reload is demanded at once, of connections that never showed one too', async () => {
  await serve(async ({ port, listener }) => {
    assert.equal((await send(port, '/v1/ask', ASKED)).status, 200)
    const tcp = { ...paths, hosts: [], clientCa: paths.ca, clients: [], tokensFile: null }
    listener.use(readTcpFiles(tcp)?.tls ?? assert.fail())
    assert.equal((await send(port, '/v1/ask', ASKED)).status, 401)
  })
})

test('the id of a request comes back, with whatever answer', async () => {
  await serve(async ({ port }) => {
    const headers = { 'x-request-id': 'bfe9eb29' }
    const answers = [
      await send(port, '/v1/ask', { ...ASKED, headers }),
      await send(port, '/v1/nothing', { ...ASKED, headers }),
      await send(port, '/v1/ask', { body: {}, headers }),
      await send(port, '/v1/ask', { ...ASKED, headers: { ...headers, origin: 'null' } }),
    ]
    assert.deepEqual(
      answers.map(({ status }) => status),
      [200, 404, 401, 403],
    )
    for (const { headers: got } of answers) assert.equal(got['x-request-id'], 'bfe9eb29')
  })
})

test('what only connects, and shakes no hand, keeps no listener from closing', async () => {
  const sockets: net.Socket[] = []
  await serve(async ({ port, listener }) => {
    const socket = net.connect(port, '127.0.0.1')
    sockets.push(socket)
    await new Promise((connected) => socket.once('connect', connected))
    const ended = new Promise((closed) => socket.once('close', closed))
    const beganMs = performance.now()
    await listener.close(0)
    assert.ok(performance.now() - beganMs < 2_000, 'sooner than a handshake is given up')
    await ended
  })
})

/** Resolves once it is there, and gone. */
function touch(port: number): Promise<void> {
  return new Promise((resolve) => {
    const socket = net.connect(port, '127.0.0.1', () => socket.destroy())
    socket.on('close', () => resolve())
    socket.on('error', () => undefined)
  })
}

test('one address gets so many handshakes in a second, and no more; then it gets them again', async () => {
  let now = 0
  await serve(
    async ({ port }) => {
      assert.equal((await send(port, '/v1/ask', ASKED)).status, 200)
      for (let i = 1; i < TLS_HANDSHAKES_PER_S / 2; i += 1) await touch(port)
      await assert.rejects(send(port, '/v1/ask', ASKED))
      now += 1_000
      assert.equal((await send(port, '/v1/ask', ASKED)).status, 200)
    },
    { monotonicMs: () => now },
  )
})
