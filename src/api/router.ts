/**
 * Routes of the local API: a method, a path with `{parameters}`, the least
 * privileged socket that serves it, and a handler that gives a reply or throws
 * a MeshError. No framework: the most exposed surface has no dependency.
 *
 *     /v1/records/{id}                one segment, decoded
 *     /v1/log/tile/{place+}           all that follows, decoded
 *     /v1/gateway/envoy/{target*}     all that follows, be it nothing, as it came
 */
import type { Caller } from '../core/presented.ts'
import { MeshError } from '../core/problems.ts'
import type { Out } from './stream.ts'

/** What a socket may do (INTERFACE 5.2); `tcp` is no socket, and whoever calls there is on another host. */
export type SocketRole = 'decide' | 'read' | 'admin' | 'tcp'

export interface Ask {
  readonly method: string
  /** As it came: nothing is decoded, and no dots are taken out. */
  readonly path: string
  /** From the `?` on, as it came; '' when there is none. */
  readonly search: string
  readonly query: URLSearchParams
  readonly parameters: ReadonlyMap<string, string>
  readonly header: (name: string) => string | null
  /** Each time that a header was sent, of whatever name. */
  readonly headers: (name: string) => readonly string[]
  /** Bounded while reading; empty for GET. */
  readonly body: Uint8Array
  readonly caller: Caller
  readonly role: SocketRole
  /** Monotonic ms of arrival. */
  readonly receivedMs: number
  /** Aborts when the client goes away or the daemon stops. */
  readonly signal: AbortSignal
}

export interface Reply {
  readonly status: number
  readonly type: string
  readonly body: string | Uint8Array
  readonly headers?: Readonly<Record<string, string>>
  /** Of an answer without an end: writes it, instead of the body. */
  readonly follow?: (out: Out) => Promise<void>
}

export interface Route {
  /** ANY: a gateway asks by the method of what it asks about. */
  readonly method: 'GET' | 'POST' | 'PUT' | 'DELETE' | 'ANY'
  readonly path: string
  readonly roles: readonly SocketRole[]
  handle(ask: Ask): Promise<Reply> | Reply
}

/** What may be asked from another host, too: decisions and executions of the caller, and nothing that is kept here. */
export const REMOTE: readonly SocketRole[] = ['decide', 'admin', 'tcp']
export const DECIDE: readonly SocketRole[] = ['decide', 'admin']
export const READ: readonly SocketRole[] = ['read', 'admin']
export const ANY: readonly SocketRole[] = ['decide', 'read', 'admin']
export const ADMIN: readonly SocketRole[] = ['admin']

export function json(value: object, status = 200): Reply {
  return { status, type: 'application/json', body: `${JSON.stringify(value)}\n` }
}

export interface Match {
  readonly route: Route
  readonly parameters: ReadonlyMap<string, string>
}

const NO_PARAMETERS: ReadonlyMap<string, string> = new Map()

export class Router {
  readonly #routes: readonly { readonly route: Route; readonly parts: readonly string[] }[]
  /** Those whose path is the whole pattern, which are asked most. */
  readonly #plain: ReadonlyMap<string, readonly Route[]>

  constructor(routes: readonly Route[]) {
    this.#routes = routes.map((route) => ({ route, parts: route.path.split('/') }))
    const plain = routes.filter(({ path }) => !path.includes('{'))
    this.#plain = Map.groupBy(plain, ({ path }) => path)
  }

  /** @throws MeshError NOT_FOUND, also where this socket does not serve the route. */
  match(method: string, path: string, role: SocketRole): Match {
    for (const route of this.#plain.get(path) ?? [])
      if (serves(route, method, role)) return { route, parameters: NO_PARAMETERS }
    const parts = path.split('/')
    let known = false
    for (const candidate of this.#routes) {
      const parameters = matchParts(candidate.parts, parts)
      if (parameters === null) continue
      known = true
      const { route } = candidate
      if (serves(route, method, role)) return { route, parameters }
    }
    throw new MeshError(
      'NOT_FOUND',
      known ? `${method} ${path} is not served on this socket` : `no such path: ${path}`,
      {
        hint: known ? 'use admin.sock, or read.sock for reading' : 'docs/api.md',
      },
    )
  }
}

function serves(route: Route, method: string, role: SocketRole): boolean {
  return (route.method === method || route.method === 'ANY') && route.roles.includes(role)
}

function matchParts(
  pattern: readonly string[],
  parts: readonly string[],
): Map<string, string> | null {
  const rest = /[+*]\}$/.test(pattern.at(-1) ?? '') ? pattern.length - 1 : null
  if (rest === null ? pattern.length !== parts.length : parts.length < pattern.length) return null
  const parameters = new Map<string, string>()
  for (const [i, expected] of pattern.entries()) {
    const part = (i === rest ? parts.slice(i).join('/') : parts[i]) ?? ''
    if (expected.endsWith('*}')) parameters.set(expected.slice(1, -2), part)
    else if (expected.startsWith('{')) {
      const value = decoded(part)
      if (value === null || value === '') return null
      parameters.set(expected.slice(1, i === rest ? -2 : -1), value)
    } else if (expected !== part) return null
  }
  return parameters
}

function decoded(part: string): string | null {
  try {
    return decodeURIComponent(part)
  } catch {
    return null // a bad escape matches nothing
  }
}

/** A parameter of the path that the route's own pattern names. */
export function parameter(ask: Ask, name: string): string {
  const value = ask.parameters.get(name)
  if (value === undefined) throw new MeshError('USAGE', `\`${name}\` is missing`)
  return value
}

/** @throws MeshError USAGE when the value is no whole number within its bounds. */
export function integerQuery(ask: Ask, name: string, fallback: number, max: number): number {
  const text = ask.query.get(name)
  if (text === null) return fallback
  const value = Number(text)
  if (!/^\d{1,12}$/.test(text) || value > max)
    throw new MeshError('USAGE', `\`${name}\` is a whole number up to ${max}`)
  return value
}

/** @throws MeshError USAGE for what is neither true nor false */
export function flagQuery(ask: Ask, name: string): boolean {
  const text = ask.query.get(name) ?? 'false'
  if (text !== 'true' && text !== 'false')
    throw new MeshError('USAGE', `\`${name}\` is true or false`)
  return text === 'true'
}
