/** What a judgement rests on, and what it says. */
import type { CheckResult } from './checks/check.ts'
import type { Coverage } from './checks/revocation.ts'
import type { Use } from './checks/time.ts'
import type { NameOf } from './checks/wording.ts'
import type { Facts } from './facts.ts'
import type { Cid } from './id.ts'
import type { Did } from './keys.ts'
import type { LeaseStatus } from './lease.ts'
import type { Parent } from './lineage.ts'
import type { Malformed } from './malformed.ts'
import type { ObservedAnswer, PolicyEngine, PolicyRef } from './policy.ts'
import type { Caller, Governed, Presented } from './presented.ts'
import type { Denial } from './reasons.ts'
import type { Request } from './request.ts'

/** Everything a judgement rests on. */
export interface JudgeInput {
  readonly request: Request | Malformed
  readonly presented: Presented
  /** What proves the execution that it names as its cause; null where none is named. */
  readonly parent: Parent | null
  readonly caller: Caller
  readonly governance: Governed
  readonly facts: Facts
  /** As this node's own bound asks for it. */
  readonly lease: LeaseStatus
  /** The same voices under a shorter bound, for @staleness. */
  readonly leaseWithin: (stalenessMs: number) => LeaseStatus
  /** Whether an invocation or a single-use link was used before, here. */
  readonly seen: (cid: Cid) => boolean
  readonly nowMs: number
  readonly monotonicMs: number
  readonly policy: PolicyEngine
  /** A label for people; no decision rests on it, but for a subject that names the caller itself. */
  readonly nameOf: NameOf
}

export interface Judgement {
  readonly denial: Denial | null
  /** 1 to 11, always. */
  readonly checks: readonly CheckResult[]
  /** Of the last delegation that was presented, verified or not; and of the invocation. */
  readonly artifact: Cid | null
  readonly invocation: Cid | null
  /** Who acts: the signer of the invocation. null while nothing is verified. */
  readonly principal: Did | null
  /** What a later revocation or freeze may cover. */
  readonly coverage: Coverage
  /** Those that determined the answer. */
  readonly policies: readonly PolicyRef[]
  readonly hint: string | null
  readonly observed: ObservedAnswer | null
  readonly lease: LeaseStatus
  /** The policy bound that the lease is held to as long as it runs; null for the node's own alone. */
  readonly stalenessMs: number | null
  /** Whether a determining permit demands that the record is witnessed before the answer. */
  readonly witnessed: boolean
  /** Wall clock: the earliest end of a link. null while nothing is verified. */
  readonly expiresMs: number | null
  /** To reserve before the allow is recorded: the invocation, and single-use links. */
  readonly uses: readonly Use[]
}
