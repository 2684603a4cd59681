/** The judgement of one request: types first. */
import type { CheckResult } from './checks/check.ts'
import type { Entity } from './command.ts'
import type { Facts } from './facts.ts'
import type { Governance } from './governance.ts'
import type { Cid, StatementId } from './id.ts'
import type { Did } from './keys.ts'
import type { LeaseStatus } from './lease.ts'
import type { Malformed } from './malformed.ts'
import type { ObservedAnswer, PolicyEngine, PolicyRef } from './policy.ts'
import type { Caller, Presented } from './presented.ts'
import type { Denial } from './reasons.ts'
import type { Request } from './request.ts'

/** Everything a judgement rests on. */
export interface JudgeInput {
  readonly request: Request | Malformed
  readonly presented: Presented
  readonly caller: Caller
  readonly governance: Governance
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
  readonly nameOf: (did: Did) => string | null
}

/** Something that one allow spends. */
export interface Use {
  readonly cid: Cid
  /** After this it is refused as expired anyway. */
  readonly expiresMs: number
}

/** What a revocation or a freeze may cover: the same for a judgement and for what runs by it. */
export interface Coverage {
  readonly action: string | null
  readonly resource: Entity | null
  readonly links: readonly Cid[]
  /** Signers of links. */
  readonly issuers: readonly Did[]
  /** Everyone in the chain, the caller, and an asserted subject that is a principal. */
  readonly principals: readonly Did[]
  readonly node: Did
  readonly bundles: readonly BundleRef[]
}

export interface BundleRef {
  readonly bundle: string
  readonly version: number
  readonly id: StatementId
}

export interface Judgement {
  readonly denial: Denial | null
  /** 1 to 11, always; the record adds 12. */
  readonly checks: readonly CheckResult[]
  /** Cid of the last delegation; of what was presented, verified or not. */
  readonly artifact: Cid | null
  readonly invocation: Cid | null
  /** Who acts: the signer of the invocation. null while nothing is verified. */
  readonly principal: Did | null
  readonly covers: Coverage
  readonly policies: readonly PolicyRef[]
  readonly hint: string | null
  /** The bound that the lease was held to, and must be held to as long as it runs. */
  readonly stalenessMs: number
  /** Monotonic; the lease or the artifact, whichever ends first. null without either. */
  readonly leaseUntilMs: number | null
  /** Wall clock: the earliest end of a link. null while nothing is verified. */
  readonly expiresMs: number | null
  /** To reserve before the allow is recorded: the invocation, and single-use links. */
  readonly uses: readonly Use[]
  readonly observed: ObservedAnswer | null
}
