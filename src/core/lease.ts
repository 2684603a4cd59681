/** The freshness lease as a decision sees it (design 4). */
import type { Did } from './keys.ts'

export interface LeaseStatus {
  readonly held: boolean
  /** Whose voices count now, this node itself among them if it is a checked witness. */
  readonly witnesses: readonly Did[]
  readonly need: number
  readonly of: number
  /** Monotonic time; 0 when not held. */
  readonly untilMs: number
  /** This node's wall clock against the median of the witnesses'; null when none answered. */
  readonly clockOffsetMs: number | null
  readonly clockTrusted: boolean
  /** Why it is not held; null when it is. */
  readonly why: string | null
}
