/** For ever: what it names is void until `until`, after which it would be void anyway (design 2). */
import type { Cid, RecordId } from '../id.ts'
import type { Did } from '../keys.ts'
import type { Common } from './common.ts'

export type Target =
  /** With all that was delegated from it. */
  | { readonly kind: 'link'; readonly cid: Cid }
  | { readonly kind: 'principal' | 'node' | 'issuer'; readonly did: Did }
  | { readonly kind: 'policy'; readonly bundle: string; readonly version: number }
  /** With all that descends from it. */
  | { readonly kind: 'execution'; readonly record: RecordId }

export interface Revocation extends Common {
  readonly type: 'revocation'
  readonly target: Target
  readonly untilMs: number
  /** Of a revocation by the link's own issuer: the link and what is above it up to an issuer in role, root first; else empty. */
  readonly chain: readonly Uint8Array[]
}
