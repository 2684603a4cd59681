/**
 * HTTP/1.1 on unix sockets, each a role by its path and mode.
 *
 *     meshd.sock 0660   decisions        read.sock 0660   every GET        admin.sock 0600   everything
 *
 * Node's defaults are too generous for a security daemon (FACTS 9): headers
 * and requests have deadlines, connections and bodies bounds. A socket file is
 * created 0600 by umask and widened afterwards; a stale one is removed only
 * after nobody answered on it.
 */
import { chmodSync, lstatSync, mkdirSync, unlinkSync } from 'node:fs'
import http, { type IncomingMessage, type ServerResponse } from 'node:http'
import net, { type Socket } from 'node:net'
import { dirname } from 'node:path'
import {
  HTTP_CONNECTIONS_MAX,
  HTTP_HEADERS_TIMEOUT_MS,
  HTTP_REQUEST_TIMEOUT_MS,
  SOCKET_PATH_BYTES_MAX,
  SUBMIT_BYTES_MAX,
} from '../core/limits.ts'
import type { Caller } from '../core/presented.ts'
import { MeshError } from '../core/problems.ts'
import { problemReply } from './problem.ts'
import type { Ask, Reply, Router, SocketRole } from './router.ts'

export interface SocketSpec {
  readonly path: string
  readonly mode: number
  readonly role: SocketRole
  /** Of a socket that is one caller's own; null where the kernel says who calls. */
  readonly principal: string | null
}

export interface ServerPorts {
  readonly router: Router
  readonly monotonicMs: () => number
  callerOf(socket: Socket, spec: SocketSpec): Caller
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
  #answering = 0

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
    if (Buffer.byteLength(spec.path) > SOCKET_PATH_BYTES_MAX)
      throw new MeshError(
        'CONFIG_INVALID',
        `${spec.path}: longer than ${SOCKET_PATH_BYTES_MAX} bytes, the bound of a unix socket`,
        {
          hint: 'set api.dir to a shorter path',
        },
      )
    mkdirSync(dirname(spec.path), { recursive: true, mode: 0o750 })
    await clearStale(spec.path)
    const server = this.#create(spec)
    const umask = process.umask(0o177)
    try {
      await listening(server, spec.path)
    } finally {
      process.umask(umask)
    }
    chmodSync(spec.path, spec.mode)
    this.#listening.push({ server, spec })
  }

  #create(spec: SocketSpec): http.Server {
    const callers = new WeakMap<Socket, Caller>()
    const server = http.createServer(
      {
        headersTimeout: HTTP_HEADERS_TIMEOUT_MS,
        requestTimeout: HTTP_REQUEST_TIMEOUT_MS,
        connectionsCheckingInterval: 1000,
        keepAliveTimeout: 60_000,
      },
      (request, response) => void this.#answer(request, response, spec, callers),
    )
    server.maxConnections = HTTP_CONNECTIONS_MAX
    server.on('connection', (socket: Socket) => {
      callers.set(socket, this.#ports.callerOf(socket, spec))
    })
    server.on('clientError', (_, socket) => socket.destroy())
    return server
  }

  async #answer(
    request: IncomingMessage,
    response: ServerResponse,
    spec: SocketSpec,
    callers: WeakMap<Socket, Caller>,
  ): Promise<void> {
    const receivedMs = this.#ports.monotonicMs()
    this.#answering += 1
    const gone = new AbortController()
    response.on('close', () => gone.abort())
    let reply: Reply
    try {
      const caller = callers.get(request.socket)
      if (caller === undefined) throw new MeshError('BUG', 'a connection without a caller')
      reply = await this.#reply(
        request,
        spec.role,
        caller,
        receivedMs,
        AbortSignal.any([gone.signal, this.#stopping.signal]),
      )
    } catch (error) {
      if (!(error instanceof MeshError)) this.#ports.bug(error, request.url ?? '')
      reply = problemReply(error)
    } finally {
      this.#answering -= 1
    }
    send(request, response, reply)
  }

  async #reply(
    request: IncomingMessage,
    role: SocketRole,
    caller: Caller,
    receivedMs: number,
    signal: AbortSignal,
  ): Promise<Reply> {
    const method = request.method ?? 'GET'
    const url = parseTarget(request.url ?? '/')
    const { route, parameters } = this.#ports.router.match(method, url.pathname, role)
    const body = await readBody(request)
    const ask: Ask = {
      method,
      path: url.pathname,
      query: url.searchParams,
      parameters,
      header: (name) => headerOf(request, name),
      body,
      caller,
      role,
      receivedMs,
      signal,
    }
    return route.handle(ask)
  }
}

function parseTarget(target: string): URL {
  if (!target.startsWith('/') || !URL.canParse(target, 'http://meshd'))
    throw new MeshError('USAGE', 'the request target is no path')
  return new URL(target, 'http://meshd')
}

function headerOf(request: IncomingMessage, name: string): string | null {
  const value = request.headers[name]
  return typeof value === 'string' ? value : null
}

/** Counted while reading: nothing beyond the bound is ever held. */
async function readBody(request: IncomingMessage): Promise<Uint8Array> {
  const chunks: Buffer[] = []
  let size = 0
  for await (const chunk of request) {
    size += (chunk as Buffer).length
    if (size > SUBMIT_BYTES_MAX)
      throw new MeshError('TOO_LARGE', `the body is larger than ${SUBMIT_BYTES_MAX} bytes`)
    chunks.push(chunk as Buffer)
  }
  return new Uint8Array(Buffer.concat(chunks))
}

function send(request: IncomingMessage, response: ServerResponse, reply: Reply): void {
  if (response.destroyed) return
  const requestId = headerOf(request, 'x-request-id')
  response.writeHead(reply.status, {
    'content-type': reply.type,
    'content-length': Buffer.byteLength(reply.body),
    'cache-control': 'no-store',
    ...(requestId === null ? {} : { 'x-request-id': requestId }),
    ...(request.complete ? {} : { connection: 'close' }),
    ...reply.headers,
  })
  response.end(reply.body)
}

/** An answer means a second daemon; refused means a file that a killed one left. */
async function clearStale(path: string): Promise<void> {
  const stat = lstatSync(path, { throwIfNoEntry: false })
  if (stat === undefined) return
  if (!stat.isSocket()) throw new MeshError('CONFIG_INVALID', `${path}: exists and is no socket`)
  const answered = await new Promise<boolean>((done) => {
    const probe = net.connect(path)
    probe.on('connect', () => done(true)).on('error', () => done(false))
    probe.on('connect', () => probe.destroy())
  })
  if (answered)
    throw new MeshError('NOT_READY', `another daemon listens on ${path}`, { hint: 'meshd status' })
  unlinkSync(path)
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

function unlinkQuietly(path: string): void {
  try {
    unlinkSync(path)
  } catch {
    // server.close() has removed it already on most systems.
  }
}
