/**
 * HTTP/1.1 on unix sockets, each a role by its path and mode.
 *
 *     meshd.sock 0660   decisions        read.sock 0660   every GET        admin.sock 0600   everything
 *
 * Node's defaults are too generous for a security daemon (FACTS 9): headers
 * and requests have deadlines, connections and bodies bounds. What comes over
 * TCP is answered here too, once tls-listener.ts knows who it is.
 */
import http, { type IncomingMessage, type ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import {
  HTTP_CONNECTIONS_MAX,
  HTTP_CONNECTIONS_PER_USER_MAX,
  HTTP_HEADERS_TIMEOUT_MS,
  HTTP_LINGER_MS,
  HTTP_REQUEST_TIMEOUT_MS,
  SUBMIT_BYTES_MAX,
} from '../core/limits.ts'
import type { Caller } from '../core/presented.ts'
import { MeshError } from '../core/problems.ts'
import { problemReply } from './problem.ts'
import type { Ask, Reply, Router, SocketRole } from './router.ts'
import { prepareSocket, unlinkQuietly, widen } from './socket-file.ts'
import { stream } from './stream.ts'

export interface SocketSpec {
  readonly path: string
  readonly mode: number
  readonly role: SocketRole
  /** Of a socket that is one caller's own; null where the kernel says who calls. */
  readonly principal: string | null
  /** gid whose members may open it, where the mode says so; the daemon's own when absent. */
  readonly gid?: number
}

/** Who opened a connection. */
interface Identified {
  /** From the kernel; null when it could not be read. */
  readonly uid: number | null
  /** By the configuration and the kernel of now: a connection that stays open keeps no right that was taken back. */
  caller(): Caller | Promise<Caller>
}

export interface ServerPorts {
  readonly router: Router
  readonly monotonicMs: () => number
  identify(socket: Socket, spec: SocketSpec): Identified
  /** A handler threw something that is no MeshError: the daemon's bug, said to the operator. */
  bug(error: unknown, path: string): void
}

interface Listening {
  readonly server: http.Server
  readonly spec: SocketSpec
}

export class ApiServer {
  readonly #ports: ServerPorts
  readonly #listening: Listening[] = []
  readonly #stopping = new AbortController()

  private constructor(ports: ServerPorts) {
    this.#ports = ports
  }

  /** Listens on all of them or on none. @throws MeshError NOT_READY when another daemon does. */
  static async open(specs: readonly SocketSpec[], ports: ServerPorts): Promise<ApiServer> {
    const server = new ApiServer(ports)
    try {
      for (const spec of specs) await server.#listen(spec)
    } catch (error) {
      await server.close(0)
      throw error
    }
    return server
  }

  get sockets(): readonly SocketSpec[] {
    return this.#listening.map(({ spec }) => spec)
  }

  /** Takes no new connection, lets what is in flight finish within ms, then cuts it. */
  async close(ms: number): Promise<void> {
    const closed = this.#listening.map(
      ({ server }) => new Promise<void>((done) => server.close(() => done())),
    )
    for (const { server } of this.#listening) server.closeIdleConnections()
    this.#stopping.abort()
    const cut = setTimeout(() => {
      for (const { server } of this.#listening) server.closeAllConnections()
    }, ms)
    await Promise.all(closed)
    clearTimeout(cut)
    for (const { spec } of this.#listening) unlinkQuietly(spec.path)
  }

  async #listen(spec: SocketSpec): Promise<void> {
    await prepareSocket(spec)
    const server = this.#create(spec)
    const umask = process.umask(0o177)
    try {
      await listening(server, spec.path)
    } finally {
      process.umask(umask)
    }
    // A connection that could not be accepted is lost, and is all that is.
    server.on('error', (error) => this.#ports.bug(error, spec.path))
    // Before anything can fail: what listens is closed with the others.
    this.#listening.push({ server, spec })
    widen(spec)
  }

  #create(spec: SocketSpec): http.Server {
    const callers = new WeakMap<Socket, Identified>()
    const connections = new Map<number, number>()
    const server = http.createServer(
      {
        headersTimeout: HTTP_HEADERS_TIMEOUT_MS,
        requestTimeout: HTTP_REQUEST_TIMEOUT_MS,
        connectionsCheckingInterval: 1000,
        keepAliveTimeout: 60_000,
      },
      (request, response) =>
        void this.answer(request, response, spec.role, () => {
          const identified = callers.get(request.socket)
          if (identified === undefined) throw new MeshError('BUG', 'a connection without a caller')
          return identified.caller()
        }),
    )
    server.maxConnections = HTTP_CONNECTIONS_MAX
    server.on('connection', (socket: Socket) => {
      const identified = this.#ports.identify(socket, spec)
      callers.set(socket, identified)
      if (identified.uid !== null) countIn(connections, identified.uid, socket)
    })
    server.on('clientError', (_, socket) => socket.destroy())
    return server
  }

  /**
   * Answers one request. @param callerOf who asks; what it throws is the answer, and the end of the
   * connection: whoever is not let in waits at the door, not inside
   */
  async answer(
    request: IncomingMessage,
    response: ServerResponse,
    role: SocketRole,
    callerOf: () => Caller | Promise<Caller>,
  ): Promise<void> {
    const receivedMs = this.#ports.monotonicMs()
    let letIn = false
    let reply: Reply
    try {
      // At the door first: who is not let in need not send a body.
      await callerOf()
      letIn = true
      reply = await this.#reply(request, response, role, callerOf, receivedMs)
    } catch (error) {
      if (!(error instanceof MeshError)) this.#ports.bug(error, request.url ?? '')
      reply = problemReply(error)
    }
    if (!letIn) response.shouldKeepAlive = false
    if (reply.follow === undefined) return send(request, response, reply)
    const stopping = this.#stopping.signal
    await stream(response, reply, { caller: callerOf, stopping }).catch((error: unknown) => {
      // Its head was sent long ago: that it ends is all that the client is told.
      if (!(error instanceof MeshError)) this.#ports.bug(error, request.url ?? '')
    })
  }

  async #reply(
    request: IncomingMessage,
    response: ServerResponse,
    role: SocketRole,
    callerOf: () => Caller | Promise<Caller>,
    receivedMs: number,
  ): Promise<Reply> {
    const method = request.method ?? 'GET'
    const { path, search, query } = parseTarget(request.url ?? '/')
    const { route, parameters } = this.#ports.router.match(method, path, role)
    const body = await readBody(request)
    // After the body: who sends it slowly may have become another program meanwhile.
    const caller = await callerOf()
    const stopping = this.#stopping.signal
    const ask: Ask = {
      method,
      path,
      search,
      query,
      parameters,
      header: (name) => headerOf(request, name),
      headers: (name) => request.headersDistinct[name] ?? [],
      body,
      caller,
      role,
      receivedMs,
      // Made when it is asked for: most handlers answer before anybody could go away.
      get signal() {
        return AbortSignal.any([goneSignal(response), stopping])
      },
    }
    return route.handle(ask)
  }
}

/** One user's connections, or one address's, are bounded below all of them; one too many is closed at once. */
export function countIn<Whose>(
  connections: Map<Whose, number>,
  whose: Whose,
  socket: Socket,
): void {
  const count = (connections.get(whose) ?? 0) + 1
  connections.set(whose, count)
  socket.once('close', () => {
    const left = (connections.get(whose) ?? 0) - 1
    if (left > 0) connections.set(whose, left)
    else connections.delete(whose)
  })
  if (count > HTTP_CONNECTIONS_PER_USER_MAX) socket.destroy()
}

function goneSignal(response: ServerResponse): AbortSignal {
  const gone = new AbortController()
  if (response.destroyed) gone.abort()
  response.on('close', () => gone.abort())
  return gone.signal
}

interface Target {
  readonly path: string
  readonly search: string
  readonly query: URLSearchParams
}

const NO_QUERY = new URLSearchParams()

/**
 * The path is what stands there. A URL would take `/a/../b` for `/b`: whoever asks a gateway for
 * the one would have it ask here for the other.
 */
function parseTarget(target: string): Target {
  if (!target.startsWith('/')) throw new MeshError('USAGE', 'the request target is no path')
  const at = target.indexOf('?')
  if (at < 0) return { path: target, search: '', query: NO_QUERY }
  const search = target.slice(at)
  return { path: target.slice(0, at), search, query: new URLSearchParams(search) }
}

function headerOf(request: IncomingMessage, name: string): string | null {
  const value = request.headers[name]
  return typeof value === 'string' ? value : null
}

/** Counted while reading: nothing beyond the bound is ever held. */
function readBody(request: IncomingMessage): Promise<Uint8Array> {
  const chunks: Buffer[] = []
  let size = 0
  return new Promise((resolve, reject) => {
    request.on('data', (chunk: Buffer) => {
      size += chunk.length
      if (size <= SUBMIT_BYTES_MAX) chunks.push(chunk)
      else {
        chunks.length = 0
        request.pause()
        reject(new MeshError('TOO_LARGE', `the body is larger than ${SUBMIT_BYTES_MAX} bytes`))
      }
    })
    request.on('end', () => resolve(new Uint8Array(Buffer.concat(chunks))))
    // Whoever goes away in the middle is no fault of ours, however node calls it.
    const early = () => reject(new MeshError('USAGE', 'the body ends too early'))
    request.on('error', early)
    request.on('close', () => {
      if (!request.complete) early()
    })
  })
}

function send(request: IncomingMessage, response: ServerResponse, reply: Reply): void {
  if (response.destroyed) return
  const requestId = headerOf(request, 'x-request-id')
  // Encoded once, for its length and for the socket.
  const body = Buffer.from(reply.body)
  response.writeHead(reply.status, {
    'content-type': reply.type,
    'content-length': body.length,
    'cache-control': 'no-store',
    ...(requestId === null ? {} : { 'x-request-id': requestId }),
    ...(request.complete ? {} : { connection: 'close' }),
    ...reply.headers,
  })
  if (request.complete) response.end(body)
  else linger(response, body)
}

/**
 * Who still sends would be told by a reset, and may never read why. So the
 * answer is written whole, no more of the body is read, and there is a moment
 * to take it before the end.
 */
function linger(response: ServerResponse, body: Buffer): void {
  response.write(body)
  const over = setTimeout(() => response.end(), HTTP_LINGER_MS)
  response.once('close', () => clearTimeout(over))
}

function listening(server: http.Server, path: string): Promise<void> {
  return new Promise((done, failed) => {
    server.once('error', failed)
    server.listen(path, () => {
      server.off('error', failed)
      done()
    })
  })
}
