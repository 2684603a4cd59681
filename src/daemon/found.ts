/** Founds a mesh from nothing: what `meshd init --mesh` asks for (design 9). */
import type { StatementId } from '../core/id.ts'
import type { Signer } from '../core/keys.ts'
import type { Config } from './schema.ts'

export interface FoundOptions {
  readonly config: Config
  /** The name of the mesh. */
  readonly mesh: string
  readonly stalenessMs: number
  /** In every role of root v1. */
  readonly founder: Signer
  /** Whose principal `me` is. */
  readonly uid: number
  readonly nowMs: number
}

export interface Founded {
  readonly mesh: StatementId
  readonly policy: {
    readonly bundle: string
    readonly version: number
    readonly mode: 'enforce' | 'observe'
    readonly id: StatementId
  }
}

/** Makes the admitter key, root v1, this node's membership, the starter policy and the key of `me`, all durable before it resolves. */
export declare function foundMesh(options: FoundOptions): Promise<Founded>
