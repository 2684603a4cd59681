/**
 * What the checks may read of a request and its artifact: null is what an
 * earlier check did not let pass, so no later one can read it by mistake.
 */
import { NOTHING_INHERITED } from './ancestry.ts'
import type { LeaseUnder } from './checks/lease.ts'
import { askPolicies, formatRef, type PolicyFinding, policiesInForce } from './checks/policy.ts'
import type { Coverage } from './checks/revocation.ts'
import { principalFor, spokenFor } from './checks/runtime.ts'
import { type NameOf, NEEDS_ARTIFACT, NEEDS_REQUEST } from './checks/wording.ts'
import { Derived } from './derived.ts'
import { meshdOf, viewOf } from './facts.ts'
import type { RecordId } from './id.ts'
import type { Asked } from './invocation.ts'
import type { JsonObject } from './json.ts'
import type { JudgeInput } from './judgement.ts'
import { type Did, isDid } from './keys.ts'
import type { LeaseStatus } from './lease.ts'
import { DERIVED_REMEMBERED_MAX } from './limits.ts'
import { type Broken, checkParent, type VerifiedParent } from './lineage.ts'
import { Malformed } from './malformed.ts'
import { policyInput } from './policy.ts'
import type { VerifiedArtifact } from './presented.ts'
import type { Request } from './request.ts'

/** What the checks may read: null is what an earlier one did not let pass. */
export interface Matter {
  readonly request: Request | null
  readonly artifact: VerifiedArtifact | null
  /** The request, and what the invocation says, with a caller that names itself as nobody else. */
  readonly asked: Asked | null
  readonly signed: Asked | null
  /** The one object that every predicate must hold on. */
  readonly view: JsonObject | null
  readonly finding: PolicyFinding | null
  readonly lineage: LineageFinding
}

/** The execution that it descends from, as the request and the invocation name it; and what is proven of it. */
interface LineageFinding {
  readonly cause: RecordId | null
  /** null where none is named, or an earlier check did not let pass what names it. */
  readonly parent: VerifiedParent | Broken | null
}

export function matterOf(input: JudgeInput, artifact: VerifiedArtifact | null): Matter {
  const { nameOf } = input
  const request = input.request instanceof Malformed ? null : input.request
  const invocation = artifact?.invocation ?? null
  const { asked, view, finding } =
    request === null ? NO_GROUND : groundOf(input, request, invocation?.iss ?? null)
  const signed = invocation === null ? null : own(invocation.asked, invocation.iss, nameOf)
  const lineage = lineageOf(input, request, artifact)
  return { request, artifact, asked, signed, view, finding, lineage }
}

/** What follows from a request and from who asks it, whatever the artifact grants: it is asked again and again. */
type Ground = Pick<Matter, 'asked' | 'view' | 'finding'>

const NO_GROUND: Ground = { asked: null, view: null, finding: null }
const grounds = new Derived<Ground>(DERIVED_REMEMBERED_MAX)

function groundOf(input: JudgeInput, request: Request, invoker: Did | null): Ground {
  const { caller, facts, governance, policy, nameOf } = input
  // Without an artifact the kernel may still say who asks: policies can be looked at.
  const who = invoker ?? caller.principal
  const others = [facts, governance.bundles, policy, policy.loaded, nameOf, invoker, who]
  return grounds.of(request, others, () => {
    const meshd = meshdOf(facts)
    const asked = invoker === null ? null : own(request, invoker, nameOf)
    const view = asked === null || invoker === null ? null : viewOf(asked, invoker, meshd)
    if (who === null) return { asked, view, finding: null }
    const principal = principalFor(request, who, nameOf)
    const finding = askPolicies(governance, policy, policyInput(request, principal, meshd))
    return { asked, view, finding }
  })
}

/** With a caller that names itself as nobody else. */
function own(asked: Asked, did: Did, nameOf: NameOf): Asked {
  const { action, resource, args } = asked
  return { action, resource, subject: spokenFor(asked, did, nameOf), args }
}

const UNSIGNED: Broken = {
  condition: 'receipt',
  detail: 'the invocation does not name the cause that the request names',
}
const NOT_SOUGHT = { kind: 'none', detail: 'no receipt of it was sought' } as const

/** A cause counts if the invoker signed it: a header alone could hang an execution on anybody's. */
function lineageOf(
  { governance, nowMs, parent }: JudgeInput,
  request: Request | null,
  artifact: VerifiedArtifact | null,
): LineageFinding {
  const named = request?.cause ?? null
  const cause = artifact?.invocation.cause ?? named
  if (artifact === null || cause === null) return { cause, parent: null }
  const { links, invocation } = artifact
  if (invocation.cause === null || (named !== null && named !== cause))
    return { cause, parent: UNSIGNED }
  const chain = [...links.map(({ iss }) => iss), invocation.iss]
  const child = { chain, governance, nowMs }
  return { cause, parent: checkParent(cause, parent ?? NOT_SOUGHT, child) }
}

/** The lease under the node's own bound, or under the shorter one of a permit. */
export function leaseUnder(input: JudgeInput, finding: PolicyFinding | null): LeaseUnder {
  const stalenessMs = finding?.answer?.stalenessMs ?? null
  const ref = finding?.answer?.determining[0]
  if (stalenessMs === null || ref === undefined) return { lease: input.lease, policy: null }
  return { lease: shorter(input.lease, input.leaseWithin(stalenessMs)), policy: formatRef(ref) }
}

/** INVARIANT: a policy can shorten a lease and never lengthen it. */
export function shorter(own: LeaseStatus, asked: LeaseStatus): LeaseStatus {
  return own.held && (!asked.held || asked.untilMs < own.untilMs) ? asked : own
}

const coverages = new Derived<Coverage>(DERIVED_REMEMBERED_MAX)

export function coverageOf(input: JudgeInput, matter: Matter): Coverage {
  const { request, artifact, asked, lineage } = matter
  if (request === null || artifact === null || asked === null || lineage.cause !== null)
    return makeCoverage(input, matter)
  const { governance, caller, facts } = input
  const others = [artifact.links, asked, governance.bundles, caller, facts]
  return coverages.of(request, others, () => makeCoverage(input, matter))
}

function makeCoverage({ governance, facts, caller }: JudgeInput, matter: Matter): Coverage {
  const { request, artifact, asked } = matter
  const { cause, parent } = matter.lineage
  const links = artifact?.links ?? []
  const other = asked?.subject?.type === 'principal' ? asked.subject.id : ''
  const chain = links.flatMap(({ iss, aud }) => [iss, aud])
  const local = caller.principal === null ? [] : [caller.principal]
  return {
    action: request?.action ?? null,
    resource: request?.resource ?? null,
    links: links.map(({ cid }) => cid),
    issuers: links.map(({ iss }) => iss),
    principals: [...new Set([...chain, ...local, ...(isDid(other) ? [other] : [])])],
    node: facts.node.id,
    policies: policiesInForce(governance).map(({ bundle, version }) => ({ bundle, version })),
    executions: cause === null ? [] : [cause],
    inherited: parent !== null && 'inherited' in parent ? parent.inherited : NOTHING_INHERITED,
  }
}

export function lacksOf({ request, artifact }: Matter): string | null {
  if (artifact === null) return `${NEEDS_ARTIFACT} for the rest`
  return request === null ? `${NEEDS_REQUEST} for the rest` : null
}
