/**
 * Who may come in over TCP, of one request. What needs no secret is looked at
 * first (FACTS 9): a page in a browser can reach any address, under a name that
 * it chose and with an Origin; a daemon on another host does neither.
 */
import type { IncomingMessage } from 'node:http'
import { TLSSocket } from 'node:tls'
import { assert } from '../core/assert.ts'
import { sha256 } from '../core/id.ts'
import type { Caller } from '../core/presented.ts'
import { MeshError } from '../core/problems.ts'
import type { RemoteCallers } from '../daemon/remote-callers.ts'
import { DISCOVERY } from './authzen.ts'

/** Names under which a listener is called, without ports. */
export function hostsOf(
  listen: string,
  publicUrl: string | null,
  hosts: readonly string[],
): ReadonlySet<string> {
  const published = publicUrl === null ? [] : [new URL(publicUrl).hostname]
  return new Set([listen.slice(0, listen.lastIndexOf(':')), ...published, ...hosts])
}

/** @throws MeshError SOCKET_FORBIDDEN, USAGE */
export function checkRequest(
  { headers, headersDistinct }: Pick<IncomingMessage, 'headers' | 'headersDistinct'>,
  hosts: ReadonlySet<string>,
): void {
  const [host = '', ...others] = headersDistinct['host'] ?? []
  const name = /^(\[[0-9a-f:.]+\]|[a-z0-9.-]+)(?::\d{1,5})?$/i.exec(host)?.[1]?.toLowerCase()
  if (others.length > 0 || name === undefined || !hosts.has(name))
    throw new MeshError('SOCKET_FORBIDDEN', 'the request is for a host that is not served here', {
      hint: 'api.tcp.hosts names those that are',
    })
  if (headers.origin !== undefined)
    throw new MeshError('SOCKET_FORBIDDEN', 'a request of a page, with an Origin, is not answered')
  const body =
    headers['transfer-encoding'] !== undefined || (headers['content-length'] ?? '0') !== '0'
  if (body && !/^application\/json[ \t]*(?:;|$)/i.test(headers['content-type'] ?? ''))
    throw new MeshError('USAGE', 'the content type is not application/json')
}

/**
 * By its certificate, else by its token. @param certified whether a certificate of `client_ca` is
 * demanded. @throws MeshError UNAUTHENTICATED
 */
export function remoteCaller(
  request: IncomingMessage,
  remotes: RemoteCallers,
  certified: boolean,
): Caller {
  const { socket } = request
  assert(socket instanceof TLSSocket, 'what is answered here came by TLS')
  if (certified && !socket.authorized)
    throw new MeshError('UNAUTHENTICATED', 'no certificate that is known here was shown')
  const certificate = certified ? socket.getPeerX509Certificate() : undefined
  const shown = certificate === undefined ? null : remotes.byCertificate(sha256(certificate.raw))
  const [token, ...others] = request.headersDistinct['authorization'] ?? []
  const said = token === undefined || others.length > 0 ? null : remotes.byToken(token)
  const caller = shown ?? said
  if (caller !== null) return caller
  // Told to whoever asks; it says where to ask, and nothing else.
  if (request.method === 'GET' && request.url === DISCOVERY) return NOBODY
  throw new MeshError('UNAUTHENTICATED', 'what was shown belongs to no caller')
}

const NOBODY: Caller = {
  ...{ principal: null, name: null, uid: null, gid: null, pid: null },
  ...{ socket: 'tcp:', asserts: [], identified: false },
}
