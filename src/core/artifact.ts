/**
 * The artifact: links from an issuer to the holder, closed or not by an
 * invocation, in one line (UCAN Container v0.1.0, header `C`).
 */
import type { Delegation } from './delegation.ts'
import type { Cid } from './id.ts'
import type { Invocation } from './invocation.ts'

export interface Artifact {
  /** Root first, at least one. */
  readonly links: readonly Delegation[]
  readonly invocation: Invocation | null
  /** Of the last delegation: what the artifact is called. */
  readonly cid: Cid
}
