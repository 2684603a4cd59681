/**
 * The daemon's socket, from the outside: node:http and nothing else. Each
 * command takes the least privileged socket that serves it, and when the
 * daemon cannot be reached the error says why, not just that.
 */
import { existsSync } from 'node:fs'
import type { Agent } from 'node:http'
import { join } from 'node:path'
import { type Answer, exchange } from '../client/transport.ts'
import type { Problem } from '../client/types.ts'
import { isProblemCode, MeshError } from '../core/problems.ts'

export type SocketRole = 'decide' | 'read' | 'admin'

const NAMES: Record<SocketRole, string> = {
  decide: 'meshd.sock',
  read: 'read.sock',
  admin: 'admin.sock',
}

export interface ConnectSettings {
  readonly socket: string | null
  readonly timeoutMs: number
  /** Ctrl-C. */
  readonly signal: AbortSignal
  /** For who asks all the time. */
  readonly agent?: Agent | undefined
}

export interface CallOptions {
  readonly headers?: Readonly<Record<string, string>>
  /** Overrides --timeout, for calls that wait on purpose. */
  readonly timeoutMs?: number
  readonly signal?: AbortSignal
}

export class Client {
  readonly #settings: ConnectSettings
  readonly #role: SocketRole
  readonly #dirs: () => Promise<readonly string[]>
  #path: string | null

  constructor(role: SocketRole, settings: ConnectSettings, dirs: () => Promise<readonly string[]>) {
    this.#role = role
    this.#settings = settings
    this.#dirs = dirs
    this.#path = settings.socket
  }

  get<T>(path: string, options: CallOptions = {}): Promise<T> {
    return this.#call<T>('GET', path, null, options)
  }

  /** What is no JSON: tiles, notes. */
  async bytes(path: string, options: CallOptions = {}): Promise<Uint8Array> {
    return (await this.#answer('GET', path, null, options)).bytes
  }

  post<T>(path: string, body: object, options: CallOptions = {}): Promise<T> {
    return this.#call<T>('POST', path, JSON.stringify(body), options)
  }

  /** A body that is signed and must arrive byte for byte. */
  postText<T>(path: string, body: string, options: CallOptions = {}): Promise<T> {
    return this.#call<T>('POST', path, body, options)
  }

  put<T>(path: string, body: object, options: CallOptions = {}): Promise<T> {
    return this.#call<T>('PUT', path, JSON.stringify(body), options)
  }

  delete<T>(path: string, options: CallOptions = {}): Promise<T> {
    return this.#call<T>('DELETE', path, null, options)
  }

  /** The first that exists; else the usual one, so that the error can name it. */
  async path(): Promise<string> {
    if (this.#path === null) {
      const paths = (await this.#dirs()).map((dir) => join(dir, NAMES[this.#role]))
      this.#path = paths.find((path) => existsSync(path)) ?? (paths[0] as string)
    }
    return this.#path
  }

  async #call<T>(
    method: string,
    path: string,
    body: string | null,
    options: CallOptions,
  ): Promise<T> {
    const value = parse((await this.#answer(method, path, body, options)).text)
    if (typeof value !== 'object' || value === null)
      throw new MeshError('INVALID_ANSWER', 'the answer of the daemon is no object')
    return value as T
  }

  async #answer(
    method: string,
    path: string,
    body: string | null,
    options: CallOptions,
  ): Promise<Answer> {
    const timeoutMs = options.timeoutMs ?? this.#settings.timeoutMs
    const signals = [
      this.#settings.signal,
      ...(timeoutMs === 0 ? [] : [AbortSignal.timeout(timeoutMs)]),
      ...(options.signal === undefined ? [] : [options.signal]),
    ]
    const socketPath = await this.path()
    const { headers = {} } = options
    const signal = AbortSignal.any(signals)
    const { agent } = this.#settings
    const answer = await exchange({
      socketPath,
      method,
      path,
      body,
      headers,
      signal,
      ...(agent === undefined ? {} : { agent }),
    }).catch((error: Error) => {
      throw unreachable(error, socketPath)
    })
    if (answer.status >= 400) throw failure(parse(answer.text), answer.status)
    return answer
  }
}

/** Socket absent, nobody behind it, wrong user, no answer: four messages, four hints. */
function unreachable(error: Error, path: string): MeshError {
  if (error instanceof MeshError) return error
  const code = (error as NodeJS.ErrnoException).code
  const because = (text: string, hint: string) =>
    new MeshError('UNREACHABLE', `cannot reach the daemon: ${text}`, { hint, cause: error })
  switch (code) {
    case 'ENOENT':
      return because(`there is no socket at ${path}`, 'meshd start')
    case 'ECONNREFUSED':
      return because(`nobody listens on ${path}; its daemon was killed`, 'meshd start')
    case 'EACCES':
      return new MeshError(
        'SOCKET_FORBIDDEN',
        `cannot reach the daemon: ${path} exists, permission denied for uid ${process.getuid?.()}`,
        { cause: error },
      )
    case 'ABORT_ERR':
      return new MeshError('TIMEOUT', 'no answer within the time allowed', { cause: error })
    default:
      return because(`${code ?? error.message} on ${path}`, 'meshd doctor')
  }
}

function parse(text: string): unknown {
  try {
    return text === '' ? null : JSON.parse(text)
  } catch (cause) {
    throw new MeshError('INVALID_ANSWER', 'the answer of the daemon is no JSON', { cause })
  }
}

function failure(value: unknown, status: number): MeshError {
  const { code, detail, hint } = (value ?? {}) as Partial<Problem>
  if (typeof code !== 'string' || !isProblemCode(code) || typeof detail !== 'string')
    return new MeshError('INVALID_ANSWER', `the daemon answered ${status} without a problem`)
  return new MeshError(code, detail, typeof hint === 'string' ? { hint } : {})
}
