/** `meshd mcp --http` with a server, clients and a daemon that are written by hand. */
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { statSync } from 'node:fs'
import {
  createServer,
  request as httpRequest,
  type IncomingMessage,
  type ServerResponse,
} from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { test } from 'node:test'
import { MCP_MESSAGE_BYTES_MAX } from '../../src/core/limits.ts'
import { MeshError } from '../../src/core/problems.ts'
import { HttpProxy } from '../../src/enforce/mcp-http.ts'
import { parsePlace } from '../../src/enforce/mcp-listen.ts'
import { call, Daemon, ID, type Options, partsOf, result, type Said, STOP } from './mcp.ts'

type Handler = (asked: Asked, response: ServerResponse) => void

interface Asked {
  readonly method: string
  readonly headers: IncomingMessage['headers']
  readonly message: Said
}

interface Answer {
  readonly status: number
  readonly headers: IncomingMessage['headers']
  readonly body: string
}

/** A proxy before a server that answers as it is told. */
class Street implements AsyncDisposable {
  readonly daemon = new Daemon()
  readonly said: string[] = []
  readonly asked: Asked[] = []
  readonly #handle: Handler
  readonly #server = createServer((request, response) => void this.#answer(request, response))
  #proxy: HttpProxy | null = null

  constructor(handle: Handler) {
    this.#handle = handle
  }

  async open(options: Options = {}, place = '127.0.0.1:0'): Promise<this> {
    await new Promise<void>((done) => this.#server.listen(0, '127.0.0.1', done))
    const { port } = this.#server.address() as AddressInfo
    const url = new URL(`http://127.0.0.1:${port}/mcp`)
    const parts = partsOf(options, this.daemon, this.said)
    try {
      this.#proxy = await HttpProxy.open({ url, ...parts }, parsePlace(place))
    } catch (error) {
      this.#server.close()
      throw error
    }
    return this
  }

  get url(): string {
    return this.#proxy?.url ?? ''
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const body = await text(request)
    const message = body === '' ? {} : (JSON.parse(body) as Said)
    const asked = { method: request.method ?? '', headers: request.headers, message }
    this.asked.push(asked)
    this.#handle(asked, response)
  }

  post(message: Said | string, headers: Record<string, string> = {}): Promise<Answer> {
    const body = typeof message === 'string' ? message : JSON.stringify(message)
    return send(this.url, 'POST', { 'content-type': 'application/json', ...headers }, body)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#proxy?.close()
    this.#server.closeAllConnections()
    this.#server.close()
  }
}

function send(
  url: string,
  method: string,
  headers: Record<string, string>,
  body = '',
  options: Record<string, unknown> = {},
): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const asking = httpRequest(url, { method, headers, agent: false, ...options }, (response) => {
      text(response).then(
        (said) =>
          resolve({ status: response.statusCode ?? 0, headers: response.headers, body: said }),
        reject,
      )
    })
    asking.on('error', reject)
    asking.end(body)
  })
}

const inJson = (response: ServerResponse, message: Said, status = 200, headers = {}) => {
  response.writeHead(status, { 'content-type': 'application/json', ...headers })
  response.end(JSON.stringify(message))
}
const inEvents = (response: ServerResponse, messages: readonly Said[], ends = true) => {
  response.writeHead(200, { 'content-type': 'text/event-stream' })
  response.write(': hello\r\n\r\nretry: 100\n\n')
  for (const each of messages) response.write(`id: 7\r\ndata: ${JSON.stringify(each)}\r\n\r\n`)
  if (ends) response.end()
}
const eventsIn = ({ body }: Answer) =>
  body
    .split('\n\n')
    .filter((each) => each !== '')
    .map((each) => JSON.parse(/^data: (.*)$/m.exec(each)?.[1] ?? '') as Said)
const answered: Handler = ({ message }, response) => inJson(response, result(message['id']))

test('a call that is allowed reaches the server with its headers, and its answer the client', async () => {
  await using street = await new Street(({ message }, response) =>
    inJson(response, result(message['id']), 200, { 'mcp-session-id': 's1', 'x-other': 'no' }),
  ).open()
  const headers = {
    ...{ 'mcp-session-id': 's1', 'mcp-protocol-version': '2026-07-28', authorization: 'Bearer t' },
    ...{
      'mcp-method': 'tools/call',
      'mcp-name': '=?base64?bWF5?=',
      'mcp-param-path': 'a',
      cookie: 'c',
    },
  }
  const { status, headers: given, body } = await street.post(call(1, 'may', { path: 'a' }), headers)
  assert.deepEqual([status, JSON.parse(body)], [200, result(1)])
  assert.deepEqual([given['mcp-session-id'], given['x-other']], ['s1', undefined])
  const [asked] = street.asked
  assert.deepEqual(asked?.message, call(1, 'may', { path: 'a' }))
  const { cookie: _, ...passed } = headers
  for (const [name, value] of Object.entries(passed)) assert.equal(asked?.headers[name], value)
  assert.equal(asked?.headers.cookie, undefined)
})

test('a call that is denied, or of which nobody is asked, never reaches the server', async () => {
  const away = () => Promise.reject(new MeshError('UNREACHABLE', 'nobody listens'))
  for (const [api, name, code] of [
    [{}, 'delete', 'SCOPE_EXCEEDED'],
    [{ open: away, explain: away }, 'may', 'UNREACHABLE'],
  ] as const) {
    await using street = await new Street(answered).open({ api })
    const { body } = await street.post(call(1, name))
    assert.equal(JSON.parse(body).result._meta['meshd/decision'].code, code)
    assert.deepEqual(street.asked, [])
  }
})

test('a list is filtered in a body and in a stream', async () => {
  const tools = [{ name: 'may-read' }, { name: 'delete' }]
  for (const handle of [
    ({ message }: Asked, response: ServerResponse) =>
      inJson(response, result(message['id'], { tools })),
    ({ message }: Asked, response: ServerResponse) =>
      inEvents(response, [result(message['id'], { tools })]),
  ]) {
    await using street = await new Street(handle).open()
    const { body } = await street.post({ jsonrpc: '2.0', id: 1, method: 'tools/list' })
    assert.deepEqual(JSON.parse(body).result.tools, [{ name: 'may-read' }])
  }
})

test('what comes before the answer comes as events, and answers to others not at all', async () => {
  const progress = { jsonrpc: '2.0', method: 'notifications/progress', params: { progress: 1 } }
  await using street = await new Street(({ message }, response) =>
    inEvents(response, [progress, result(99), result(message['id'], { late: false })]),
  ).open()
  assert.deepEqual(eventsIn(await street.post(call(1, 'may'))), [
    progress,
    result(1, { late: false }),
  ])
})

test('a stop cuts a call that runs, before its answer or in the middle of its events', async () => {
  const progress = { jsonrpc: '2.0', method: 'notifications/progress', params: { progress: 1 } }
  for (const begins of [true, false]) {
    const reached = Promise.withResolvers<void>()
    const closed = Promise.withResolvers<void>()
    const told = Promise.withResolvers<Said>()
    await using street = await new Street(({ message }, response) => {
      if (message['method'] === 'notifications/cancelled') {
        told.resolve(message)
        response.writeHead(202).end()
        return
      }
      response.once('close', () => closed.resolve())
      if (begins) inEvents(response, [progress], false)
      reached.resolve()
    }).open()
    const answer = street.post(call(1, 'may'), { 'mcp-session-id': 's1' })
    await reached.promise
    street.daemon.poll.resolve(STOP)
    const { body } = await answer
    const messages = body.startsWith('{') ? [JSON.parse(body)] : eventsIn(await answer)
    assert.deepEqual(messages.at(-1)?.result._meta['meshd/decision'], { code: 'REVOKED', id: ID })
    await closed.promise
    assert.equal((await told.promise)['params'].requestId, 1)
    assert.deepEqual(street.daemon.outcomes, ['stopped'])
  }
})

test('a client that goes away ends its call', async () => {
  const reached = Promise.withResolvers<void>()
  const closed = Promise.withResolvers<void>()
  const street = await new Street((_, response) => {
    response.once('close', () => closed.resolve())
    reached.resolve()
  }).open()
  const gone = new AbortController()
  const headers = { 'content-type': 'application/json' }
  const answer = send(street.url, 'POST', headers, JSON.stringify(call(1, 'may')), {
    signal: gone.signal,
  })
  await reached.promise
  gone.abort()
  await assert.rejects(answer)
  await closed.promise
  await street[Symbol.asyncDispose]()
  assert.deepEqual(street.daemon.outcomes, ['unknown'])
})

test('batches, doubled keys, calls without an id, headers that say something else: refused, and passed to nobody', async () => {
  await using street = await new Street(answered).open()
  const twice = '{"jsonrpc":"2.0","id":1,"method":"ping","method":"tools/call"}'
  const { id: _, ...untold } = call(1, 'may')
  for (const [message, headers] of [
    [`[${JSON.stringify(call(1, 'may'))}]`, {}],
    [twice, {}],
    ['{', {}],
    [untold, {}],
    [call(1, 'may'), { 'mcp-method': 'ping' }],
    [call(1, 'may'), { 'mcp-name': 'delete' }],
    [call(1, 'may'), { 'mcp-name': '=?base64?%%?=' }],
    [call(1, 'may', { path: 'a' }), { 'mcp-param-path': 'b' }],
  ] as const) {
    const { status, body } = await street.post(message, headers)
    assert.deepEqual([status, JSON.parse(body).error.code], [400, -32600], JSON.stringify(message))
  }
  const { status } = await street.post(call(1, 'may'), { 'content-type': 'text/plain' })
  assert.equal(status, 415)
  const large = await street.post('x'.repeat(MCP_MESSAGE_BYTES_MAX + 1)).catch(() => null)
  assert.ok(large === null || large.status === 413)
  assert.deepEqual(street.asked, [])
  assert.deepEqual(street.daemon.asked, [])
})

test('pages of browsers, other names of this host and other paths are not heard', async () => {
  await using street = await new Street(answered).open()
  const { port } = new URL(street.url)
  for (const headers of [
    { origin: 'https://evil.example' },
    { origin: 'null' },
    { host: `evil.example:${port}` },
    { host: '127.0.0.1' },
  ])
    assert.equal((await street.post(call(1, 'may'), headers)).status, 403)
  for (const headers of [{ origin: `http://localhost:${port}` }, { host: `localhost:${port}` }])
    assert.equal((await street.post(call(1, 'may'), headers)).status, 200)
  assert.equal((await send(street.url.replace('/mcp', '/other'), 'POST', {})).status, 404)
  assert.equal((await send(street.url, 'PUT', {})).status, 405)
})

test('it listens on this host alone', async () => {
  for (const place of [
    '0.0.0.0:1',
    '10.0.0.1:80',
    'example.org:80',
    ':80',
    '127.0.0.1:99999',
    'unix:x',
  ])
    assert.throws(() => parsePlace(place), MeshError, place)
  const path = join(tmpdir(), `meshd-mcp-${process.pid}.sock`)
  await using _ = await new Street(answered).open({}, `unix:${path}`)
  assert.equal(statSync(path).mode & 0o777, 0o600)
  const headers = { 'content-type': 'application/json', host: 'anything' }
  const body = JSON.stringify(call(1, 'may'))
  const { status } = await send('http://x/mcp', 'POST', headers, body, { socketPath: path })
  assert.equal(status, 200)
  await assert.rejects(new Street(answered).open({}, `unix:${path}`), /is in use/)
})

const root = process.getuid?.() === 0 && process.platform === 'linux' ? false : 'not root'
test('another user of this host is not heard over loopback', { skip: root }, async () => {
  await using street = await new Street(answered).open()
  const { port } = new URL(street.url)
  const script = `
    const socket = require('node:net').connect(${port}, '127.0.0.1')
    socket.write('GET /mcp HTTP/1.1\\r\\nhost: 127.0.0.1:${port}\\r\\n\\r\\n')
    socket.on('error', () => {}).on('data', () => process.exit(1)).on('close', () => process.exit(0))
  `
  for (const [uid, status] of [
    [65534, 0],
    [0, 1],
  ] as const) {
    const child = spawn(process.execPath, ['-e', script], { uid, stdio: 'inherit' })
    assert.deepEqual(await once(child, 'exit'), [status, null], `uid ${uid}`)
  }
})

test('what a server says unasked passes with its ids, and answers do not', async () => {
  const changed = { jsonrpc: '2.0', method: 'notifications/tools/list_changed' }
  await using street = await new Street((_, response) =>
    inEvents(response, [changed, result(1), { ...changed, id: 3, method: 'ping' }]),
  ).open()
  const headers = { 'mcp-session-id': 's1', 'last-event-id': '6' }
  const said = await send(street.url, 'GET', headers)
  assert.match(said.body, /^id: 7$/m)
  assert.deepEqual(
    eventsIn(said).map(({ method }) => method),
    ['notifications/tools/list_changed', 'ping'],
  )
  assert.equal(street.asked[0]?.headers['last-event-id'], '6')
  assert.equal((await send(street.url, 'DELETE', headers)).status, 200)
})

test('a server that is away, refuses, or answers something else: an error for the client, and nothing passed on', async () => {
  const cases: readonly (readonly [Handler, number, RegExp])[] = [
    [(_, response) => response.destroy(), 200, /the server: /],
    [(_, response) => inJson(response, result(7)), 200, /something else/],
    [(_, response) => inJson(response, [result(1)]), 200, /batches/],
    [
      (_, response) => response.writeHead(200, { 'content-type': 'text/html' }).end('<p>'),
      502,
      /HTTP 200/,
    ],
    [
      (_, response) => response.writeHead(302, { location: 'http://evil.example' }).end(),
      502,
      /HTTP 302/,
    ],
    [
      (_, response) => response.writeHead(401, { 'www-authenticate': 'Bearer' }).end(),
      401,
      /HTTP 401/,
    ],
    [(_, response) => inEvents(response, []), 200, /without an answer/],
    [
      ({ message }, response) => {
        const error = { code: -32022, message: 'not that version' }
        inJson(response, { jsonrpc: '2.0', id: message['id'], error }, 400)
      },
      400,
      /not that version/,
    ],
  ]
  for (const [handle, status, says] of cases) {
    await using street = await new Street(handle).open()
    const answer = await street.post(call(1, 'may'))
    const { error, result: none } = JSON.parse(answer.body)
    assert.deepEqual([answer.status, none], [status, undefined], says.source)
    assert.match(error.message, says)
    if (status === 401) assert.equal(answer.headers['www-authenticate'], 'Bearer')
  }
})
