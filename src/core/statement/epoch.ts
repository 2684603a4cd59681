/** The operator's word that a node's log was retired and a new one opened, or that a boot check is overruled (design 4, 5). */
import type { Did } from '../keys.ts'
import type { Common } from './common.ts'

export interface Epoch extends Common {
  readonly type: 'epoch'
  readonly node: Did
  /** Of the log that follows; of a node's statements the highest counts. */
  readonly epoch: number
  /** The retired log as it was last seen: size, and 64 hex digits. null when nobody knows it. */
  readonly previousSize: number | null
  readonly previousRootHash: string | null
  /** Whether the node may finish its boot check without the answers it lacks. */
  readonly overrules: boolean
}
