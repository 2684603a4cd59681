/**
 * The table of contents of the product: twelve checks, always in this order
 * (design 4). The first that fails names the reason; the independent ones after
 * it still run, so that one look finds all there is to mend. One that rests on
 * a failed check is neither passed nor failed, and nothing is read out of an
 * artifact that is not verified. The twelfth is the record's.
 *
 * Pure and synchronous: everything it rests on is in its input.
 */
import type { CheckResult } from './checks/check.ts'
import { checkEnvironment } from './checks/environment.ts'
import { checkGovernance } from './checks/governance.ts'
import { checkLease, type LeaseUnder } from './checks/lease.ts'
import { checkLineage } from './checks/lineage.ts'
import { checkPolicy } from './checks/policy.ts'
import { checkRequest } from './checks/request.ts'
import { checkRevocation } from './checks/revocation.ts'
import { checkRuntime } from './checks/runtime.ts'
import { checkScope } from './checks/scope.ts'
import { checkSignatures } from './checks/signatures.ts'
import { checkTime, usesOf } from './checks/time.ts'
import { NEEDS_ARTIFACT, NEEDS_REQUEST } from './checks/wording.ts'
import type { JudgeInput, Judgement } from './judgement.ts'
import { coverageOf, lacksOf, leaseUnder, type Matter, matterOf } from './matter.ts'
import type { Denial } from './reasons.ts'
import { expiresS } from './scope.ts'

export type { Use } from './checks/time.ts'
export type { JudgeInput, Judgement } from './judgement.ts'

export function judge(input: JudgeInput): Judgement {
  const { presented, governance, caller, nowMs, monotonicMs, nameOf, facts } = input
  const self = facts.node.id
  const signatures = checkSignatures(presented, governance.root, nameOf)
  const matter = matterOf(input, signatures.artifact)
  const { request, artifact, asked, view, finding } = matter
  const under = leaseUnder(input, finding)
  const coverage = coverageOf(input, matter)

  const checks = [
    checkRequest(input.request, presented),
    signatures.result,
    checkTime(artifact, nowMs, input.seen),
    checkRuntime(artifact, request, view, caller, facts, nameOf),
    checkEnvironment(artifact, view),
    checkLineage(matter, nameOf),
    checkGovernance(governance, self, nowMs, artifact, view, coverage.principals),
    checkLease(under, self, governance.digest, monotonicMs, nameOf),
    checkScope(artifact, asked, matter.signed, view),
    checkPolicy(finding, request === null ? NEEDS_REQUEST : NEEDS_ARTIFACT),
    checkRevocation(governance, coverage, nowMs, lacksOf(matter)),
  ]
  return { ...summary(input, matter, under), denial: firstDenial(checks), checks, coverage }
}

type Summary = Omit<Judgement, 'denial' | 'checks' | 'coverage'>

function summary({ presented }: JudgeInput, matter: Matter, under: LeaseUnder): Summary {
  const { artifact, finding } = matter
  const shown = presented.kind === 'artifact' ? presented : null
  const answer = finding?.answer ?? null
  return {
    artifact: shown?.links.at(-1)?.cid ?? null,
    invocation: shown?.invocation.cid ?? null,
    principal: artifact?.invocation.iss ?? null,
    policies: answer?.determining ?? [],
    hint: answer?.hint ?? null,
    observed: answer?.observed ?? null,
    lease: under.lease,
    stalenessMs: answer?.stalenessMs ?? null,
    witnessed: answer?.witnessed ?? false,
    expiresMs: artifact === null ? null : expiresS(artifact.links) * 1000,
    uses: artifact === null ? [] : usesOf(artifact),
  }
}

/**
 * INVARIANT: no denial means that every check passed. A check that is merely
 * unknown rests on one that failed; were there none, doubt denies.
 */
function firstDenial(checks: readonly CheckResult[]): Denial | null {
  const first = checks.find(({ ok }) => ok === false)
  if (first !== undefined) return { code: first.code ?? 'INTERNAL', detail: first.detail }
  const doubt = checks.find(({ ok }) => ok !== true)
  return doubt === undefined ? null : { code: 'INTERNAL', detail: `${doubt.name}: ${doubt.detail}` }
}
