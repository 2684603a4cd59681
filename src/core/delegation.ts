/**
 * One link of an artifact: a UCAN 1.0 delegation under meshd's strict profile (FACTS 6).
 */
import type { Cid } from './id.ts'
import type { JsonObject } from './json.ts'
import type { Did } from './keys.ts'
import type { Predicate } from './predicate.ts'

export interface Delegation {
  readonly cid: Cid
  /** The whole token, canonical: `82 58 40 <signature> <signed part>`. */
  readonly bytes: Uint8Array
  readonly iss: Did
  readonly aud: Did
  /** The issuer that the chain begins with. */
  readonly sub: Did
  readonly cmd: string
  readonly pol: readonly Predicate[]
  readonly nonce: Uint8Array
  readonly expS: number
  readonly nbfS: number | null
  /** Good for one allow (meta.once). */
  readonly once: boolean
  /** How many further delegations may follow; null leaves it to the links above (meta.depth). */
  readonly depth: number | null
  readonly meta: JsonObject
}
