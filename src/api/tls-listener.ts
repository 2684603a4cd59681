/**
 * HTTPS for callers on other hosts (`api.tcp`), off unless it is configured.
 *
 *     TLS 1.3 alone, no resumption   →  Host, Origin, content type  →  certificate or token  →  a caller
 *
 * Whoever it is, it is answered as on meshd.sock, but for fewer routes: it
 * decides, and reaches nothing that is kept here or governs. No byte is
 * answered without TLS.
 */

import { constants } from 'node:crypto'
import type { IncomingMessage, ServerResponse } from 'node:http'
import https from 'node:https'
import type { Socket } from 'node:net'
import {
  HTTP_CONNECTIONS_MAX,
  HTTP_HEADERS_TIMEOUT_MS,
  HTTP_REQUEST_TIMEOUT_MS,
  TLS_HANDSHAKES_PER_S,
} from '../core/limits.ts'
import type { Caller } from '../core/presented.ts'
import { MeshError } from '../core/problems.ts'
import { Rate } from '../core/rate.ts'
import type { RemoteCallers } from '../daemon/remote-callers.ts'
import type { TlsFiles } from '../daemon/tcp-files.ts'
import { countIn } from './server.ts'
import { checkRequest, remoteCaller } from './tls-door.ts'

export interface TlsPorts {
  readonly remotes: RemoteCallers
  /** Under which it may be called; of hostsOf. */
  hosts(): ReadonlySet<string>
  answer(request: IncomingMessage, response: ServerResponse, callerOf: () => Caller): Promise<void>
  monotonicMs(): number
  /** Somebody was not let in. */
  refused(): void
  bug(error: unknown, path: string): void
}

export class TlsListener {
  readonly #server: https.Server
  readonly #ports: TlsPorts
  readonly #listen: string
  /** All of them, also those that have not shaken hands. */
  readonly #sockets = new Set<Socket>()
  readonly #rates: { readonly one: Rate; readonly all: Rate }
  #files: TlsFiles

  private constructor(listen: string, files: TlsFiles, ports: TlsPorts) {
    this.#listen = listen
    this.#files = files
    this.#ports = ports
    this.#rates = {
      one: new Rate(ports, TLS_HANDSHAKES_PER_S / 2),
      all: new Rate(ports, TLS_HANDSHAKES_PER_S),
    }
    this.#server = this.#create(files)
  }

  /** @param listen `127.0.0.1:8443`; port 0 takes one that is free. @throws MeshError NOT_READY */
  static async open(listen: string, files: TlsFiles, ports: TlsPorts): Promise<TlsListener> {
    const listener = new TlsListener(listen, files, ports)
    const server = listener.#server
    const at = listen.lastIndexOf(':')
    const [host, port] = [listen.slice(0, at).replace(/^\[|\]$/g, ''), Number(listen.slice(at + 1))]
    await new Promise<void>((done, failed) => {
      const refuse = (cause: Error) =>
        failed(new MeshError('NOT_READY', `cannot listen on ${listen}`, { cause }))
      server.once('error', refuse)
      server.listen(port, host, () => {
        server.off('error', refuse)
        done()
      })
    })
    // A connection that could not be accepted is lost, and is all that is.
    server.on('error', (error) => ports.bug(error, listen))
    return listener
  }

  get port(): number {
    const address = this.#server.address()
    return typeof address === 'object' && address !== null ? address.port : 0
  }

  /** As it was configured, with the port that was taken. */
  get address(): string {
    return `${this.#listen.slice(0, this.#listen.lastIndexOf(':'))}:${this.port}`
  }

  /** For the handshakes to come; who is connected stays so, and is asked who it is with each request. */
  use(files: TlsFiles): void {
    this.#files = files
    this.#server.setSecureContext(secureOf(files))
  }

  /** Takes no new connection, lets what is in flight finish within ms, then cuts it. */
  async close(ms: number): Promise<void> {
    const closed = new Promise<void>((done) => this.#server.close(() => done()))
    this.#server.closeIdleConnections()
    const cut = setTimeout(() => {
      for (const socket of this.#sockets) socket.destroy()
    }, ms)
    await closed
    clearTimeout(cut)
  }

  #create(files: TlsFiles): https.Server {
    const connections = new Map<string, number>()
    const server = https.createServer(
      {
        ...secureOf(files),
        requestCert: files.ca !== null,
        rejectUnauthorized: true,
        handshakeTimeout: HTTP_HEADERS_TIMEOUT_MS,
        headersTimeout: HTTP_HEADERS_TIMEOUT_MS,
        requestTimeout: HTTP_REQUEST_TIMEOUT_MS,
        connectionsCheckingInterval: 1000,
        keepAliveTimeout: 60_000,
      },
      (request, response) =>
        void this.#ports.answer(request, response, () => this.#callerOf(request)),
    )
    server.maxConnections = HTTP_CONNECTIONS_MAX
    server.on('connection', (socket: Socket) => this.#greet(socket, connections))
    server.on('clientError', (_, socket) => socket.destroy())
    server.on('tlsClientError', (_, socket) => socket.destroy())
    return server
  }

  /** Before any key is used: a handshake costs this node more than whoever asks for it. */
  #greet(socket: Socket, connections: Map<string, number>): void {
    const address = socket.remoteAddress ?? ''
    this.#sockets.add(socket)
    socket.once('close', () => this.#sockets.delete(socket))
    countIn(connections, address, socket)
    const { one, all } = this.#rates
    if (!one.allows(address) || !all.allows('')) socket.destroy()
  }

  #callerOf(request: IncomingMessage): Caller {
    try {
      checkRequest(request, this.#ports.hosts())
      return remoteCaller(request, this.#ports.remotes, this.#files.ca !== null)
    } catch (error) {
      this.#ports.refused()
      throw error
    }
  }
}

/** A session that is resumed has shown its certificate some other day: there are none. */
function secureOf({ cert, key, ca }: TlsFiles) {
  return {
    ...{ cert, key, minVersion: 'TLSv1.3' as const },
    ...(ca === null ? {} : { ca }),
    secureOptions: constants.SSL_OP_NO_TICKET,
  }
}
