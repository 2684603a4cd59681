/** The line to the daemon: one call, answered in time and understood, or a failure with its name. */
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import type { JsonObject } from '../core/json.ts'
import { MeshError } from '../core/problems.ts'
import { objectOf, textOf } from './decision.ts'
import { exchange } from './transport.ts'

export interface Line {
  readonly socket: string
  readonly timeoutMs: number
}

/** The system's socket, then the user's own; the first one when neither is there, so that the error can name it. */
export function socketOf({ MESHD_SOCKET, XDG_RUNTIME_DIR }: NodeJS.ProcessEnv): string {
  if (MESHD_SOCKET) return MESHD_SOCKET
  const system = '/run/meshd/meshd.sock'
  const own = XDG_RUNTIME_DIR ? join(XDG_RUNTIME_DIR, 'meshd', 'meshd.sock') : system
  return [system, own].find((path) => existsSync(path)) ?? system
}

export interface Call {
  readonly method: 'GET' | 'POST'
  readonly path: string
  readonly body: string | null
  readonly headers?: Readonly<Record<string, string>>
}

/** @throws MeshError UNREACHABLE, TIMEOUT, INVALID_ANSWER; NOT_FOUND where the daemon says that */
export async function ask(line: Line, call: Call, signal?: AbortSignal): Promise<JsonObject> {
  const late = AbortSignal.timeout(line.timeoutMs)
  const over = signal === undefined ? late : AbortSignal.any([signal, late])
  const { headers = {} } = call
  const asked = { ...call, headers, socketPath: line.socket, signal: over }
  const answer = await exchange(asked).catch((error: unknown) => {
    throw failureOf(error, line, over)
  })
  const value = objectOf(answer.bytes)
  if (answer.status === 200) return value
  throw refusalOf(answer.status, value)
}

/** Why there was no answer, or only half of one. */
export function failureOf(cause: unknown, { socket }: Line, over: AbortSignal): MeshError {
  if (cause instanceof MeshError) return cause
  if (over.aborted) return new MeshError('TIMEOUT', 'no answer within the time allowed')
  const { code, message } = cause as NodeJS.ErrnoException
  const why = `cannot reach the daemon: ${code ?? message} on ${socket}`
  return new MeshError('UNREACHABLE', why, { cause })
}

/** What an answer says that is none. */
export function refusalOf(status: number, { code, detail }: JsonObject): MeshError {
  const why = `the daemon answered ${status} ${textOf(code)} ${textOf(detail)}`.trim()
  const gone = status === 404 && code === 'NOT_FOUND'
  return new MeshError(gone ? 'NOT_FOUND' : 'INVALID_ANSWER', why)
}
