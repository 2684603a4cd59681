/**
 * MCP over HTTP: one address of this host that stands before one server.
 *
 *     POST    a message; a call is decided first         (mcp-guard.ts)
 *     GET     what the server says unasked               old era
 *     DELETE  the end of a session                       old era
 *
 * Whatever is passed on was read and is printed anew, in both directions; an
 * answer comes with the question it answers and never on another stream.
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { collect } from '../client/transport.ts'
import { utf8 } from '../core/bytes.ts'
import {
  HTTP_CONNECTIONS_MAX,
  HTTP_HEADERS_TIMEOUT_MS,
  MCP_CANCEL_MS_MAX,
  MCP_MESSAGE_BYTES_MAX,
} from '../core/limits.ts'
import { Malformed } from '../core/malformed.ts'
import { MeshError } from '../core/problems.ts'
import { type Asking, LIST } from './mcp-ask.ts'
import { eventsOf } from './mcp-events.ts'
import type { Carry, Guard } from './mcp-guard.ts'
import { mirrored } from './mcp-headers.ts'
import { listenAt, ownUser, type Place, unheard } from './mcp-listen.ts'
import {
  errorResponse,
  formatMessage,
  type Message,
  parseMessage,
  type Request,
  type Response,
  seemingId,
} from './mcp-message.ts'
import { Reply } from './mcp-reply.ts'
import type { ToolList } from './mcp-tools.ts'
import { ask, type Headers, passedOn, type Upstream } from './mcp-upstream.ts'

export interface ProxyPorts {
  readonly url: URL
  readonly asking: Asking
  readonly guard: Guard
  readonly tools: ToolList
  readonly say: (line: string) => void
}

export class HttpProxy {
  readonly #ports: ProxyPorts
  readonly #server: Server
  #authority: string | null = null

  private constructor(ports: ProxyPorts, place: Place) {
    this.#ports = ports
    this.#server = createServer(
      { headersTimeout: HTTP_HEADERS_TIMEOUT_MS },
      (request, response) => void this.#answer(request, response),
    )
    this.#server.maxConnections = HTTP_CONNECTIONS_MAX
    this.#server.on('connection', (socket) => {
      // A unix socket has a mode for that.
      if (place.path === null && !ownUser(socket)) socket.destroy()
    })
    this.#server.on('clientError', (_, socket) => socket.destroy())
  }

  static async open(ports: ProxyPorts, place: Place): Promise<HttpProxy> {
    const proxy = new HttpProxy(ports, place)
    proxy.#authority = await listenAt(proxy.#server, place)
    return proxy
  }

  /** What a client is given. */
  get url(): string {
    const { pathname } = this.#ports.url
    return this.#authority === null ? pathname : `http://${this.#authority}${pathname}`
  }

  /** Cuts what is in flight; its outcomes are recorded. */
  async close(): Promise<void> {
    const closed = new Promise<void>((done) => this.#server.close(() => done()))
    this.#server.closeAllConnections()
    await closed
    await this.#ports.guard.settled()
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const reply = new Reply(response)
    const gone = new AbortController()
    response.once('close', () => gone.abort())
    const refuse = (status: number, why: string) => {
      reply.head(status, status === 405 ? { allow: 'GET, POST, DELETE' } : {})
      reply.end(errorResponse(null, 'request', why))
    }
    const why = unheard(request, this.#authority)
    if (why !== null) return refuse(403, why)
    const [path = ''] = (request.url ?? '').split('?')
    if (path !== this.#ports.url.pathname) return refuse(404, 'the server is at another path')
    try {
      if (request.method === 'POST') await this.#post(request, reply, gone.signal)
      else if (request.method === 'GET') await this.#get(request, reply, gone.signal)
      else if (request.method === 'DELETE') await this.#delete(request, reply, gone.signal)
      else refuse(405, 'POST, GET or DELETE')
    } catch (error) {
      // Whatever it is: nothing more is passed on, and the client is told.
      refuse(502, `the server: ${error instanceof Error ? error.message : String(error)}`)
    }
  }

  async #post(request: IncomingMessage, reply: Reply, gone: AbortSignal): Promise<void> {
    const body = await bodyOf(request, reply)
    if (body === null) return
    let message: Message
    let headers: Headers
    try {
      message = parseMessage(body)
      headers = { ...passedOn(request), ...mirrored(request, message) }
    } catch (error) {
      if (!(error instanceof Malformed)) throw error
      reply.head(400, {})
      return reply.end(errorResponse(seemingId(body), 'request', error.message))
    }
    if (message.kind === 'request') await this.#asked(message, headers, reply, gone)
    else await this.#told(message, headers, reply, gone)
  }

  async #asked(request: Request, headers: Headers, reply: Reply, gone: AbortSignal): Promise<void> {
    const { asking, guard, tools } = this.#ports
    const { id, method } = request
    const treated = asking.of(method)
    if (treated === 'refused')
      return reply.end(errorResponse(id, 'method', `--strict does not pass on \`${method}\``))
    const carry = this.#carry(request, headers, reply, gone)
    if (treated === 'decided') return reply.end(await guard.call(request, carry, gone))
    const lost = ({ message }: Error) => errorResponse(id, 'internal', `the server: ${message}`)
    const response = await carry(gone).catch(lost)
    const { result } = response
    const list = method === LIST && result !== null
    reply.end(list ? { ...response, result: await tools.shown(result) } : response)
  }

  /** What wants no answer; a call that does not is none that anybody could watch. */
  async #told(
    message: Exclude<Message, Request>,
    headers: Headers,
    reply: Reply,
    gone: AbortSignal,
  ): Promise<void> {
    const { asking, url } = this.#ports
    if (message.kind === 'notification' && asking.of(message.method) !== 'passes') {
      reply.head(400, {})
      const why = `\`${message.method}\` without an id is not passed on`
      return reply.end(errorResponse(null, 'request', why))
    }
    const upstream = await ask(url, 'POST', headers, formatMessage(message), gone)
    upstream.body.destroy()
    reply.head(upstream.status, upstream.headers)
    reply.end(null)
  }

  #carry(request: Request, headers: Headers, reply: Reply, gone: AbortSignal): Carry {
    const { url } = this.#ports
    return async (stopped) => {
      const signal = AbortSignal.any([stopped, gone])
      const cancel = () => this.#cancel(request, headers)
      signal.addEventListener('abort', cancel)
      const upstream = await ask(url, 'POST', headers, formatMessage(request), signal)
      const answer = await answerOf(upstream, request, reply)
      signal.removeEventListener('abort', cancel)
      upstream.body.destroy()
      return answer
    }
  }

  /** In the era of sessions the end of a connection says nothing; in the next one it is all there is to say. */
  #cancel({ id, method }: Request, headers: Headers): void {
    if (headers['mcp-session-id'] === undefined || method === 'initialize') return
    const { 'mcp-method': _, 'mcp-name': __, ...own } = headers
    const params = { requestId: id, reason: 'meshd stopped it' }
    const told = formatMessage({ kind: 'notification', method: 'notifications/cancelled', params })
    const signal = AbortSignal.timeout(MCP_CANCEL_MS_MAX)
    ask(this.#ports.url, 'POST', own, told, signal)
      .then(({ body }) => body.destroy())
      .catch((error: unknown) => this.#ports.say(`the server was not told to cancel: ${error}`))
  }

  /** Answers have no place on this stream: each comes with its question. */
  async #get(request: IncomingMessage, reply: Reply, gone: AbortSignal): Promise<void> {
    const upstream = await ask(this.#ports.url, 'GET', passedOn(request), null, gone)
    reply.head(upstream.status, upstream.headers)
    if (upstream.status === 200 && upstream.type === 'events') {
      reply.stream()
      for await (const { data, id } of eventsOf(upstream.body)) {
        const message = parseMessage(utf8(data))
        if (message.kind !== 'response') await reply.event(message, id)
      }
    }
    upstream.body.destroy()
    reply.end(null)
  }

  async #delete(request: IncomingMessage, reply: Reply, gone: AbortSignal): Promise<void> {
    const upstream = await ask(this.#ports.url, 'DELETE', passedOn(request), null, gone)
    upstream.body.destroy()
    reply.head(upstream.status, upstream.headers)
    reply.end(null)
  }
}

/** null when the client was told what is wrong with it. */
async function bodyOf(request: IncomingMessage, reply: Reply): Promise<Uint8Array | null> {
  const refuse = (status: number, why: string) => {
    reply.head(status, { connection: 'close' })
    reply.end(errorResponse(null, 'request', why))
    return null
  }
  if (!/^application\/json[ \t]*(?:;|$)/i.test(request.headers['content-type'] ?? ''))
    return refuse(415, 'a message is application/json')
  try {
    return await collect(request, MCP_MESSAGE_BYTES_MAX)
  } catch (error) {
    if (error instanceof MeshError) return refuse(413, error.message)
    throw error
  }
}

/** The answer to a request; what the server says before it goes to the client as it comes. @throws Error when there is none */
async function answerOf(upstream: Upstream, request: Request, reply: Reply): Promise<Response> {
  const { status, headers, type, body } = upstream
  reply.head(type === 'other' && status < 400 ? 502 : status, headers)
  if (status === 200 && type === 'events') {
    for await (const { data } of eventsOf(body)) {
      const message = parseMessage(utf8(data))
      if (message.kind !== 'response') await reply.event(message)
      else if (message.id === request.id) return message
    }
    throw new Error('its stream ended without an answer')
  }
  if (type !== 'json') return errorResponse(request.id, 'internal', `the server: HTTP ${status}`)
  const message = parseMessage(await collect(body, MCP_MESSAGE_BYTES_MAX))
  const known = message.kind === 'response' && [request.id, null].includes(message.id)
  if (!known || (message.id === null && message.error === null))
    throw new Error('it answered something else')
  return message
}
