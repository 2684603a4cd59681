/** The trust root: who may sign what, who witnesses, and how fresh a lease must be (design 2). */
import type { StatementId } from '../id.ts'
import type { Did } from '../keys.ts'

export const ROLES = ['root', 'policy', 'issuer', 'revoker', 'admitter', 'breakglass'] as const
export type RoleName = (typeof ROLES)[number]

export interface Role {
  readonly keys: readonly Did[]
  readonly threshold: number
}

export interface LeaseTerms {
  readonly read: number
  readonly write: number
  readonly faults: number
  readonly stalenessMs: number
  readonly skewMs: number
}

export interface Root {
  readonly type: 'root'
  readonly id: StatementId
  /** The name of the mesh; its id is that of version 1. */
  readonly mesh: string
  readonly version: number
  /** null for version 1. */
  readonly previous: StatementId | null
  readonly issuedMs: number
  readonly expiresMs: number
  readonly roles: Readonly<Record<RoleName, Role>>
  /** Nodes, by their principals. */
  readonly witnesses: readonly Did[]
  readonly lease: LeaseTerms
  readonly limits: { readonly artifactTtlMs: number }
  /** Statements of keys that this root drops, which keep their force. */
  readonly keeps: readonly StatementId[]
  /** Bundle → the version below which it denies until it is signed anew. */
  readonly floors: ReadonlyMap<string, number>
  readonly message: string | null
}
