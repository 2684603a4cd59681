/** What is asked, and what an answer is worth: a well-formed allow is one, and everything else is none. */
import { type Json, type JsonObject, parseJson } from '../core/json.ts'
import { ANSWER_BYTES_MAX, STALENESS_MS_MAX } from '../core/limits.ts'
import { MeshError } from '../core/problems.ts'
import { stripControls } from '../core/text.ts'

export interface Question {
  /** `tool:read` */
  readonly action: string
  /** `repo:acme/docs`: a type, and an id after the first colon. */
  readonly resource: string
  /** What it is done with: `.args` of artifacts, `context.args` of policies. */
  readonly args?: object
  /** Claims: `context.request` of policies. */
  readonly context?: object
  /** For whom, where this caller may say so: `user:dana`. */
  readonly subject?: string
  /** Else the wallet is searched. */
  readonly artifact?: string
  /** The execution that this one descends from; else $MESHD_EXECUTION. */
  readonly cause?: string
}

/** Until `untilMs` of performance.now() it may be acted upon, not longer. */
export interface Allow {
  readonly allow: true
  readonly id: string
  readonly untilMs: number
}

export interface Deny {
  readonly allow: false
  /** A reason code of the daemon; UNREACHABLE, TIMEOUT or INVALID_ANSWER without one. */
  readonly code: string
  readonly reason: string
  /** Of its record; null when there is none. */
  readonly id: string | null
}

export type Decision = Allow | Deny

/** The authorization that was not given, or that ended while it was used. */
export class Denied extends Error {
  override readonly name = 'Denied'
  readonly code: string
  readonly reason: string
  readonly id: string | null
  /** Whether it had begun: then it was stopped. */
  readonly stopped: boolean

  constructor({ code, reason, id }: Omit<Deny, 'allow'>, stopped = false) {
    super(`${code}: ${reason}`)
    this.code = code
    this.reason = reason
    this.id = id
    this.stopped = stopped
  }
}

export function bodyOf({ action, resource, args, context, subject }: Question): string {
  const named = { name: action, ...(args === undefined ? {} : { properties: args }) }
  return JSON.stringify({
    ...{ action: named, resource: entityOf(resource), context },
    ...(subject === undefined ? {} : { subject: entityOf(subject) }),
  })
}

function entityOf(text: string): object {
  const [type = '', ...id] = String(text).split(':')
  return { type, id: id.join(':') }
}

/** Strictly: what could be read in two ways is read in none. @throws MeshError INVALID_ANSWER */
export function objectOf(bytes: Uint8Array): JsonObject {
  let value: Json = null
  try {
    value = parseJson(bytes, ANSWER_BYTES_MAX)
  } catch (cause) {
    throw new MeshError('INVALID_ANSWER', 'the answer of the daemon is no JSON', { cause })
  }
  if (typeof value === 'object' && value !== null && !Array.isArray(value))
    return value as JsonObject
  throw new MeshError('INVALID_ANSWER', 'the answer of the daemon is no object')
}

const ID = /^sha256:[0-9a-f]{64}$/
const CODE = /^[A-Z][A-Z_]{1,63}$/

/** @param askedMs when it was asked, from when its lease counts @throws MeshError INVALID_ANSWER */
export function decisionOf(answer: JsonObject, askedMs: number): Decision {
  const { decision, id, code } = answer
  const named = typeof id === 'string' && ID.test(id)
  if (decision === false && (named || id === null) && typeof code === 'string' && CODE.test(code))
    return { allow: false, code, reason: textOf(answer['detail']), id }
  const leaseMs = spanOf(answer['leaseRemainingMs'])
  if (decision !== true || !named || code !== null || leaseMs === null || obliges(answer))
    throw new MeshError('INVALID_ANSWER', 'the daemon gave no decision that is understood')
  const untilMs = askedMs + leaseMs
  if (performance.now() < untilMs) return { allow: true, id, untilMs }
  return { allow: false, code: 'TIMEOUT', reason: 'the answer came after its own end', id }
}

/** AuthZEN lets an answer oblige whoever acts on it; this one knows no obligation, so there may be none. */
function obliges({ obligations, context }: JsonObject): boolean {
  const within = typeof context === 'object' && context !== null && 'obligations' in context
  return obligations !== undefined || within
}

/** Milliseconds of a lease; null for what none has. */
export function spanOf(value: Json | undefined): number | null {
  return typeof value === 'number' && value >= 0 && value <= STALENESS_MS_MAX ? value : null
}

export function textOf(value: Json | undefined): string {
  return typeof value === 'string' ? stripControls(value) : ''
}
