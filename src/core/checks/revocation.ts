/**
 * Check 11: no revocation and no freeze covers the request, or anything that
 * it rests on. The same question is asked again before every answer, and of
 * everything that runs.
 */
import { type Inherited, NOTHING_INHERITED } from '../ancestry.ts'
import { commandOf, covers, type Entity, parseResource } from '../command.ts'
import { globMatches, parseGlob } from '../glob.ts'
import { type Cid, type RecordId, shortId } from '../id.ts'
import type { Did } from '../keys.ts'
import type { Governed } from '../presented.ts'
import type { Denial } from '../reasons.ts'
import { type Freeze, type Scope, scopeKey } from '../statement/freeze.ts'
import type { Revocation } from '../statement/revocation.ts'
import { stripControls } from '../text.ts'
import { type CheckResult, failed, passed, unknown } from './check.ts'

/** What a revocation or a freeze may cover. */
export interface Coverage {
  readonly action: string | null
  readonly resource: Entity | null
  readonly links: readonly Cid[]
  /** Signers of links. */
  readonly issuers: readonly Did[]
  /** Everyone in the chain, the caller, and an asserted subject that is a principal. */
  readonly principals: readonly Did[]
  readonly node: Did
  /** In force when it was judged. */
  readonly policies: readonly { readonly bundle: string; readonly version: number }[]
  /** Itself, once it runs, and its cause. */
  readonly executions: readonly RecordId[]
  /** What it descends from: what ends any of it ends this too. */
  readonly inherited: Inherited
}

/** @param lacks what the coverage could not be made of; null when it is whole */
export function checkRevocation(
  governance: Governed,
  coverage: Coverage,
  nowMs: number,
  lacks: string | null,
): CheckResult {
  const denial = coveringDenial(governance, coverage, nowMs)
  if (denial !== null) return failed('revocation', denial)
  if (lacks !== null) return unknown('revocation', lacks)
  const frozen = [...governance.freezes.values()].filter((each) => each.frozen).length
  const { size } = governance.revocations
  return passed('revocation', `none of ${size} revocations, ${frozen} freezes apply`)
}

/** null when nothing covers it. */
export function coveringDenial(
  governance: Governed,
  coverage: Coverage,
  nowMs: number,
): Denial | null {
  for (const revocation of revocationsOf(governance, coverage))
    if (nowMs < revocation.untilMs) return revoked(revocation)
  const freeze = freezeOf(governance, coverage)
  if (freeze !== null) return frozen(freeze)
  return inheritedDenial(governance, coverage.inherited, nowMs)
}

/** The same of what it descends from; null when nothing covers that. */
export function inheritedDenial(
  governance: Governed,
  inherited: Inherited,
  nowMs: number,
): Denial | null {
  if (inherited === NOTHING_INHERITED) return null
  const { ancestors, nodes, origins, issuers, links, principals } = inherited
  const { revocations, freezes } = governance
  const found = [
    ...ancestors.map((id) => revocations.execution(id)),
    ...links.map((cid) => revocations.link(cid)),
    ...principals.map((did) => revocations.did('principal', did)),
    ...issuers.map((did) => revocations.did('issuer', did)),
    ...nodes.map((did) => revocations.did('node', did)),
  ]
  for (const each of found) if (each !== null && nowMs < each.untilMs) return revoked(each)
  const scopes: readonly Scope[] = [
    ...nodes.map((did) => ({ kind: 'node', did }) as const),
    ...principals.map((did) => ({ kind: 'principal', did }) as const),
  ]
  for (const scope of scopes) {
    const freeze = freezes.get(scopeKey(scope))
    if (freeze?.frozen === true) return frozen(freeze)
  }
  return originDenial(governance, origins)
}

/** A root that drops an issuer disarms what that key gave, also what runs by it. */
export function originDenial({ root }: Governed, origins: readonly Did[]): Denial | null {
  const keys = root?.roles.issuer.keys ?? []
  if (origins.every((key) => keys.includes(key))) return null
  return NO_ISSUER
}

export const NO_ISSUER: Denial = {
  code: 'ISSUER_UNTRUSTED',
  detail: 'the issuer is no longer one',
}

function revoked(revocation: Revocation): Denial {
  return { code: 'REVOKED', detail: shortStatement('rev', revocation) }
}

function frozen(freeze: Freeze): Denial {
  return { code: 'FROZEN', detail: shortStatement('frz', freeze) }
}

function* revocationsOf(
  { revocations }: Governed,
  { links, issuers, principals, node, policies, executions }: Coverage,
): Iterable<Revocation> {
  const found = [revocations.did('node', node)]
  for (const cid of links) found.push(revocations.link(cid))
  for (const did of principals) found.push(revocations.did('principal', did))
  for (const did of issuers) found.push(revocations.did('issuer', did))
  for (const { bundle, version } of policies) found.push(revocations.policy(bundle, version))
  for (const id of executions) found.push(revocations.execution(id))
  for (const each of found) if (each !== null) yield each
}

function freezeOf(governance: Governed, coverage: Coverage): Freeze | null {
  if (governance.freezes.size === 0) return null
  const { principals, node, action, resource } = coverage
  const named: readonly Scope[] = [
    { kind: 'mesh' },
    { kind: 'node', did: node },
    ...principals.map((did) => ({ kind: 'principal', did }) as const),
  ]
  for (const scope of named) {
    const freeze = governance.freezes.get(scopeKey(scope))
    if (freeze?.frozen === true) return freeze
  }
  for (const freeze of governance.freezes.values()) {
    if (freeze.frozen && matches(freeze.scope, action, resource)) return freeze
  }
  return null
}

/** An action pattern covers what a grant of it would; a resource pattern is `type:id`, with `*` in the id. */
function matches(scope: Scope, action: string | null, resource: Entity | null): boolean {
  if (scope.kind === 'action') {
    if (scope.pattern === '*') return true
    return action !== null && covers(commandOf(scope.pattern), commandOf(action))
  }
  if (scope.kind !== 'resource' || resource === null) return false
  const { type, id } = parseResource(scope.pattern)
  // Case of a type is no way around a freeze.
  if (type.toLowerCase() !== resource.type.toLowerCase()) return false
  return globMatches(parseGlob(id), resource.id)
}

/** `rev_0a77e4c1 "planner compromised"` */
export function shortStatement(tag: 'rev' | 'frz', statement: Revocation | Freeze): string {
  const short = shortId(tag, statement.id)
  const { message } = statement
  return message == null ? short : `${short} "${stripControls(message)}"`
}
