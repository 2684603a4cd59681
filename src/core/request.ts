/**
 * What a caller asks: the body of an AuthZEN evaluation, read into the terms
 * that checks and policies use (INTERFACE 6). Unknown members are ignored.
 */
import type { Entity } from './command.ts'
import type { RecordId } from './id.ts'
import type { JsonObject } from './json.ts'

export interface Request {
  /** For whom, as the caller says; null for the caller itself. */
  readonly subject: Entity | null
  readonly action: string
  readonly resource: Entity
  /** `action.properties`: `.args` to predicates, `context.args` to Cedar. */
  readonly args: JsonObject
  /** Claims, `context.request` to Cedar: {context, subject, resource}, where the last two are properties. */
  readonly context: JsonObject
  readonly cause: RecordId | null
  readonly traceparent: string | null
  /** sha256 (hex) of the canonical JSON of everything above that is judged. */
  readonly digest: string
}
