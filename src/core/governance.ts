/**
 * Governance: what all effective statements together say. Equal sets give
 * equal governance, whatever the order of arrival (design 2, merge).
 */
import type { Cid, RecordId, StatementId } from './id.ts'
import type { Did } from './keys.ts'
import type { Epoch } from './statement/epoch.ts'
import type { Evidence } from './statement/evidence.ts'
import type { Freeze } from './statement/freeze.ts'
import type { Member } from './statement/member.ts'
import type { Policy } from './statement/policy.ts'
import type { Revocation } from './statement/revocation.ts'
import type { Root } from './statement/root.ts'

export interface BundleState {
  readonly bundle: string
  /** The highest enforcing version. */
  readonly inForce: Policy | null
  /** A higher observing one. */
  readonly observed: Policy | null
  /** Why this bundle denies everything; null when it does not. */
  readonly conflict: string | null
  /** All effective ones, oldest first. */
  readonly versions: readonly Policy[]
}

export interface Revocations {
  readonly size: number
  link(cid: Cid): Revocation | null
  did(kind: 'principal' | 'node' | 'issuer', did: Did): Revocation | null
  policy(bundle: string, version: number): Revocation | null
  execution(record: RecordId): Revocation | null
  /** Whether more were taken back above what it revokes than there may be: it would be left out, and changes nothing. */
  covers(revocation: Revocation): boolean
}

/** A log with two histories. */
export interface Equivocation {
  readonly evidence: Evidence
  /** Whether a root lifted it: then its node counts again once it keeps another log. */
  readonly lifted: boolean
}

export interface Governance {
  /** Id of root version 1; null while none is pinned. */
  readonly mesh: StatementId | null
  /** The newest effective root; null before it arrived. */
  readonly root: Root | null
  /** The chain to it, version 1 first. */
  readonly roots: readonly Root[]
  /** Effective roots of one version that contradict each other; [] when none do. */
  readonly disputed: readonly StatementId[]
  readonly members: ReadonlyMap<Did, Member>
  readonly bundles: ReadonlyMap<string, BundleState>
  /** By scopeKey. */
  readonly freezes: ReadonlyMap<string, Freeze>
  readonly revocations: Revocations
  /** The newest word on each node's log. */
  readonly epochs: ReadonlyMap<Did, Epoch>
  /** By the name of the log (checkpoint.ts). */
  readonly evidence: ReadonlyMap<string, Equivocation>
  /** Whose word, log and keys count for nothing, and why. */
  readonly distrusted: ReadonlyMap<Did, Evidence>
  /** 64 hex digits: equal digests are equal governance. */
  readonly digest: string
  /** What stops over it and is not in its digest yet (stops.ts), sorted; [] in what a fold says. */
  readonly arriving: readonly StatementId[]
  /** Effective statements, roots included; what several prove together counts as one. */
  readonly size: number
}
