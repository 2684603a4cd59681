/**
 * What a token says beside its authority, signed with it:
 *
 *   {"once": true, "depth": 2, "gov": {"ticket": "CHG-790"}, "by": {"person": "alice"}}
 *
 * `once` and `depth` are enforced; `gov` and `by` are shown and recorded, no more.
 */
import type { JsonObject } from './json.ts'

/** Under which governance a token was made, and what for. */
export interface MetaGov {
  readonly mesh?: string
  readonly root?: number
  readonly ticket?: string
  readonly purpose?: string
}

/** Who made it. */
export interface MetaBy {
  readonly person?: string
  readonly team?: string
}

export interface Meta {
  /** Good for one allow. */
  readonly once: boolean
  /** How many further delegations may follow; null leaves it to the links above. */
  readonly depth: number | null
  /** The same as it was signed. */
  readonly json: JsonObject
}
