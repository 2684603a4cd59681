/**
 * The PolicyEngine port, and how a request becomes Cedar's (INTERFACE 6):
 *
 *   principal   type::"id" of the subject; principal::"<did:key>" for the caller itself
 *   action      Action::"tool:read"
 *   resource    type::"id"
 *   context     {args, request, meshd}: arguments, claims, and what the node measured
 *
 * Attributes of entities come from signed static entities alone: nothing that
 * a caller sends becomes one.
 */
import type { Entity } from './command.ts'
import { type Sha256Id, type StatementId, sha256Hex } from './id.ts'
import { objectOf } from './ipld.ts'
import type { Json, JsonObject } from './json.ts'
import type { Did } from './keys.ts'
import type { Request } from './request.ts'
import { isList, isMap } from './selector.ts'
import type { Policy } from './statement/policy.ts'

/** Judges by the bundles in force. Synchronous, and it never throws: what goes wrong inside is POLICY_ERROR. */
export interface PolicyEngine {
  /** Ids of the enforcing policies that decide now, in order; the judge compares them with those in force. */
  readonly loaded: readonly StatementId[]
  /** The shortest @staleness of a permit that may decide now; null when none has one. A lease is kept that fresh. */
  readonly shortestStalenessMs: number | null
  /** Whether a bundle that decides now, or is judged beside those, may look at what the caller runs. */
  readonly readsExecutables: boolean
  /** Takes over all bundles at once. A bundle that does not compile denies what it could have judged: everything. */
  load(enforced: readonly Policy[], observed: readonly Policy[]): void
  decide(input: PolicyInput): PolicyAnswer
  /** Strict validation and the bundle's own tests; [] is good. */
  check(policy: Policy): readonly PolicyProblem[]
}

/** What the bundles in force call by name: where a search looks. In order, each once; none is more than a candidate. */
export interface PolicyCatalog {
  readonly loaded: readonly StatementId[]
  /** Static entities, as a request calls them. */
  readonly entities: readonly Entity[]
  /** Actions that a schema declares; `*` is none that can be asked for. */
  readonly actions: readonly string[]
}

export interface PolicyInput {
  readonly principal: Entity
  readonly action: string
  readonly resource: Entity
  /** {args, request, meshd} */
  readonly context: JsonObject
}

/** One policy of one version, by its @id. */
export interface PolicyRef {
  readonly bundle: string
  readonly version: number
  readonly policy: string
}

type PolicyCode = 'POLICY_NO_PERMIT' | 'POLICY_FORBID' | 'POLICY_ERROR'

export interface PolicyAnswer {
  readonly decision: 'allow' | 'deny'
  /** null exactly when it allows. */
  readonly code: PolicyCode | null
  /** Permits of an allow, forbids of POLICY_FORBID: what asks for the strictest staleness first, then by their names. */
  readonly determining: readonly PolicyRef[]
  /** Why it is POLICY_ERROR, one line each. */
  readonly errors: readonly string[]
  /** Bundles whose schema knows the action; the others neither permit nor forbid. */
  readonly applied: readonly string[]
  /** The strictest @staleness of the determining permits. */
  readonly stalenessMs: number | null
  /** Whether a determining permit has @require("witnessed"). */
  readonly witnessed: boolean
  readonly hint: string | null
  /** What the observed versions would have said beside the enforcing ones they would replace; null if there are none. */
  readonly observed: ObservedAnswer | null
}

export interface ObservedAnswer {
  readonly decision: 'allow' | 'deny'
  readonly code: PolicyCode | null
  readonly determining: readonly PolicyRef[]
}

export interface PolicyProblem {
  /** `ci.cedar:12`, `tests/ci.test.yaml:41`, or a file alone. */
  readonly where: string
  readonly says: string
  readonly kind: 'syntax' | 'schema' | 'rule' | 'test'
}

/** The input of one request. @param principal the subject, with the caller itself by its key and never by a name. @param meshd of meshdOf */
export function policyInput(request: Request, principal: Entity, meshd: JsonObject): PolicyInput {
  return {
    principal,
    action: request.action,
    resource: request.resource,
    context: objectOf([
      ['args', cedarValue(request.args)],
      ['request', cedarValue(request.context)],
      ['meshd', cedarFacts(meshd)],
    ]),
  }
}

/** What was made of the node's facts, which many requests share. */
const made = new WeakMap<JsonObject, Json>()

function cedarFacts(meshd: JsonObject): Json {
  const known = made.get(meshd)
  if (known !== undefined) return known
  const value = cedarValue(meshd)
  made.set(meshd, value)
  return value
}

/** The principal of who speaks for itself. */
export function principalOf(did: Did): Entity {
  return { type: 'principal', id: did }
}

/** Cedar has no null, which is left out, and no fractions, which are their decimal text (FACTS 5.1). */
export function cedarValue(value: Json): Json {
  if (typeof value === 'number') return Number.isInteger(value) ? value : String(value)
  if (isList(value)) return value.filter((each) => each !== null).map(cedarValue)
  if (!isMap(value)) return value
  const kept = Object.entries(value).filter(([, each]) => each !== null)
  return objectOf(kept.map(([key, each]) => [key, cedarValue(each)]))
}

/** One name for all policies in force, whatever their order: hex of sha256 over their ids, sorted, one a line. */
export function policyDigest(ids: readonly Sha256Id[]): string {
  return sha256Hex(
    new TextEncoder().encode(
      [...ids]
        .sort()
        .map((id) => `${id}\n`)
        .join(''),
    ),
  )
}
