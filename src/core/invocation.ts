/**
 * The closing of an artifact: a UCAN 1.0 invocation, by which the last
 * audience says what it asks for, of which node, and proves that it has its key.
 */
import type { Entity } from './command.ts'
import type { Cid, RecordId } from './id.ts'
import type { JsonObject } from './json.ts'
import type { Did } from './keys.ts'

/** What is asked: the `args` of the token. */
export interface Asked {
  readonly action: string
  readonly resource: Entity
  /** For whom, when that is not the one who signs. */
  readonly subject: Entity | null
  readonly args: JsonObject
}

export interface Invocation {
  readonly cid: Cid
  readonly bytes: Uint8Array
  readonly iss: Did
  /** The node that shall decide; no other does. */
  readonly aud: Did
  readonly sub: Did
  readonly cmd: string
  /** As signed; `asked` is the same, read. */
  readonly args: JsonObject
  readonly asked: Asked
  /** The links, root first. */
  readonly prf: readonly Cid[]
  readonly nonce: Uint8Array
  readonly expS: number
  readonly iatS: number | null
  /** The execution that this one descends from. */
  readonly cause: RecordId | null
  readonly meta: JsonObject
}
