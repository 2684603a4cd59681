/**
 * The second look: what may have changed since an allow was judged, asked
 * again after its record is durable and before it is answered, and as long as
 * what it allowed runs (design 4).
 */
import { checkStanding, distrustDenial } from './checks/governance.ts'
import { type LeaseUnder, leaseDenial } from './checks/lease.ts'
import { formatRef } from './checks/policy.ts'
import { type Coverage, coveringDenial, NO_ISSUER, originDenial } from './checks/revocation.ts'
import type { RecordId } from './id.ts'
import type { Judgement } from './judgement.ts'
import type { Did } from './keys.ts'
import type { LeaseStatus } from './lease.ts'
import { shorter } from './matter.ts'
import type { Governed } from './presented.ts'
import type { Denial } from './reasons.ts'

/** The state of the moment at which an allow is about to be answered, or goes on running. */
export interface Fresh {
  readonly governance: Governed
  readonly lease: LeaseStatus
  readonly leaseWithin: (stalenessMs: number) => LeaseStatus
  readonly nowMs: number
  readonly monotonicMs: number
  /** The allow's own record, once it runs: an execution can be revoked by its id. */
  readonly execution: RecordId | null
}

/** What may have changed since an allow was judged: standing, lease, revocations, freezes, and the end of the artifact. */
export function recheck(judgement: Judgement, fresh: Fresh): Denial | null {
  const { coverage, expiresMs } = judgement
  const { governance, nowMs, monotonicMs, execution } = fresh
  const executions = execution === null ? coverage.executions : [...coverage.executions, execution]
  return (
    expiry(expiresMs, nowMs) ??
    issuerDenial(coverage, governance) ??
    checkStanding(governance, coverage.node, nowMs) ??
    distrustDenial(governance, restingOn(coverage)) ??
    leaseDenial(leaseNow(judgement, fresh), monotonicMs) ??
    coveringDenial(governance, { ...coverage, executions }, nowMs)
  )
}

function expiry(expiresMs: number | null, nowMs: number): Denial | null {
  if (expiresMs !== null && nowMs < expiresMs) return null
  return { code: 'EXPIRED', detail: 'the artifact has ended' }
}

/** In whose word it and its ancestors trust. */
function restingOn({ principals, inherited }: Coverage): readonly Did[] {
  return [...principals, ...inherited.nodes, ...inherited.principals]
}

/** What was allowed has an issuer; if it had none, doubt denies. */
function issuerDenial({ issuers: [first] }: Coverage, governance: Governed): Denial | null {
  return first === undefined ? NO_ISSUER : originDenial(governance, [first])
}

function leaseNow({ stalenessMs, policies }: Judgement, fresh: Fresh): LeaseUnder {
  if (stalenessMs === null) return { lease: fresh.lease, policy: null }
  const [ref] = policies
  const lease = shorter(fresh.lease, fresh.leaseWithin(stalenessMs))
  return { lease, policy: ref === undefined ? null : formatRef(ref) }
}

/** Monotonic time until which an allow may be acted on: the lease as it stands now, or the artifact's end. null without a lease. */
export function leaseUntilMs(judgement: Judgement, fresh: Fresh): number | null {
  const { lease } = leaseNow(judgement, fresh)
  if (!lease.held || judgement.expiresMs === null) return null
  return Math.min(lease.untilMs, fresh.monotonicMs + judgement.expiresMs - fresh.nowMs)
}
