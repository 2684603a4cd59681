/** Admits a node: its three keys, its name and labels, until when (design 2). */
import type { Did } from '../keys.ts'
import type { Common } from './common.ts'

export interface Member extends Common {
  readonly type: 'member'
  /** Of its statements the highest counts. */
  readonly version: number
  readonly principal: Did
  /** Signs checkpoints. */
  readonly log: Did
  /** Signs answers and announcements. */
  readonly witness: Did
  readonly name: string
  readonly labels: ReadonlyMap<string, string>
  readonly expiresMs: number
  readonly witnessEligible: boolean
}
