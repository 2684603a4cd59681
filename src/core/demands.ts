/**
 * The checks of a chain against the one fact object: scope, runtime,
 * environment, governance. A predicate belongs to the first of runtime (with
 * node), env and gov that it mentions, and to scope if it mentions none; so
 * each is judged by exactly one of these checks, and none by nobody.
 */
import { checkNarrowing } from './chain.ts'
import { commandOf, covers, formatEntity } from './command.ts'
import { formatPredicate, seenBy } from './condition.ts'
import type { Delegation } from './delegation.ts'
import { Derived } from './derived.ts'
import { whomOf } from './facts.ts'
import { holds } from './holds.ts'
import type { Asked, Invocation } from './invocation.ts'
import { formatJson, type JsonObject } from './json.ts'
import type { Did } from './keys.ts'
import { DERIVED_REMEMBERED_MAX, PREDICATE_STEPS_MAX } from './limits.ts'
import { type Predicate, selectorsOf } from './predicate.ts'
import type { Denial, ReasonCode } from './reasons.ts'
import { describe, formatScope } from './scope.ts'

type Links = readonly Delegation[]
/** Failed predicates that one denial spells out. */
const SHOWN_MAX = 3

type Kind = 'runtime' | 'env' | 'gov' | 'scope'

/** Check 4: the invocation is for this node, and predicates over `.meshd.runtime` and `.meshd.node` hold. */
export function checkRuntime(
  links: Links,
  invocation: Invocation | null,
  self: Did,
  view: JsonObject,
): Denial | null {
  if (invocation !== null && invocation.aud !== self) {
    return { code: 'RUNTIME_MISMATCH', detail: 'the invocation is for another node' }
  }
  return checkKind(links, 'runtime', view, 'RUNTIME_MISMATCH')
}

/** Check 5: predicates over `.meshd.env`. */
export function checkEnvironment(links: Links, view: JsonObject): Denial | null {
  return checkKind(links, 'env', view, 'ENVIRONMENT_FAILED')
}

/** Check 7, as far as the artifact demands something: predicates over `.meshd.gov`. */
export function checkGovernance(links: Links, view: JsonObject): Denial | null {
  return checkKind(links, 'gov', view, 'GOVERNANCE_MISMATCH')
}

/** Check 9: what is asked lies inside every link's command and predicates, and no link is wider than the one above. */
export function checkScope(links: Links, asked: Asked, view: JsonObject): Denial | null {
  return scopes.of(links, [asked, view], () => scopeDenial(links, asked, view))
}

/** Pure, and asked again with every question of an artifact that is held. */
const scopes = new Derived<Denial | null>(DERIVED_REMEMBERED_MAX)

function scopeDenial(links: Links, asked: Asked, view: JsonObject): Denial | null {
  const wider = checkNarrowing(links)
  if (wider !== null) return wider
  const inside = links.every(({ cmd }) => covers(cmd, commandOf(asked.action)))
  const failed = failing(links, 'scope', view)
  if (inside && failed.length === 0) return null
  return { code: 'SCOPE_EXCEEDED', detail: scopeDetail(links, asked, inside, failed, view) }
}

function scopeDetail(
  links: Links,
  asked: Asked,
  inside: boolean,
  failed: readonly Predicate[],
  view: JsonObject,
): string {
  const scope = describe(links)
  const about = (root: string) => failed.some((p) => mentions(p, root))
  if (!inside || about('action')) {
    return `asked ${asked.action}, granted ${scope.actions.join(', ') || 'nothing'}`
  }
  if (about('resource')) {
    return `asked ${asked.action} on ${formatEntity(asked.resource)}, granted ${formatScope(scope)}`
  }
  return expectation(failed, view)
}

/** What is told of the caller's executable: core/facts.ts. */
export const EXECUTABLE_FIELDS: readonly string[] = ['exe', 'path', 'attested']

/** Whether a link looks at what the caller runs; one that looks at all of `.meshd.runtime` does. */
export function readExecutables(links: Links): boolean {
  return predicatesOf(links, 'runtime').some((predicate) =>
    selectorsOf(predicate).some(({ steps: [root, kind, field] }) => {
      if (root?.kind !== 'key' || kind?.kind !== 'key') return true
      if (root.key !== 'meshd' || kind.key !== 'runtime') return false
      return field?.kind !== 'key' || EXECUTABLE_FIELDS.includes(field.key)
    }),
  )
}

/** What conditions of one kind the links make, for people: `unit = planner.service`. */
export function conditionsOf(links: Links, kind: Kind): readonly string[] {
  return [...new Set(predicatesOf(links, kind).map(formatPredicate))]
}

/** Check 9 too: the invocation asks what the request asks, so what is judged is what was signed, and what runs. */
export function checkAsked(invocation: Invocation, asked: Asked): Denial | null {
  const { asked: signed, iss } = invocation
  const differ = (what: string, was: string): Denial => {
    return { code: 'SCOPE_EXCEEDED', detail: `asked ${what}, signed ${was}` }
  }
  if (signed.action !== asked.action) return differ(asked.action, signed.action)
  // What the daemon signed for a caller is the request's own objects.
  if (
    signed.resource === asked.resource &&
    signed.args === asked.args &&
    sameSubject(signed, asked)
  )
    return null
  const resources = [formatEntity(asked.resource), formatEntity(signed.resource)] as const
  if (resources[0] !== resources[1]) return differ(...resources)
  const subjects = [formatEntity(whomOf(asked, iss)), formatEntity(whomOf(signed, iss))] as const
  if (subjects[0] !== subjects[1]) return differ(...subjects)
  // Canonical: equal texts are equal values.
  if (formatJson(asked.args) === formatJson(signed.args)) return null
  return differ('with these arguments', 'with others')
}

function sameSubject({ subject: one }: Asked, { subject: other }: Asked): boolean {
  return one === other || (one?.type === other?.type && one?.id === other?.id)
}

function checkKind(links: Links, kind: Kind, view: JsonObject, code: ReasonCode): Denial | null {
  const failed = failing(links, kind, view)
  return failed.length === 0 ? null : { code, detail: expectation(failed, view) }
}

function failing(links: Links, kind: Kind, view: JsonObject): readonly Predicate[] {
  const budget = { steps: PREDICATE_STEPS_MAX }
  return predicatesOf(links, kind).filter((p) => !holds(p, view, 'strict', budget))
}

/** The predicates of links, which are never edited, told apart. */
const sorted = new WeakMap<Links, ReadonlyMap<Kind, readonly Predicate[]>>()

function predicatesOf(links: Links, kind: Kind): readonly Predicate[] {
  const known =
    sorted.get(links) ??
    Map.groupBy(
      links.flatMap(({ pol }) => pol),
      kindOf,
    )
  sorted.set(links, known)
  return known.get(kind) ?? []
}

/** `needs unit = planner.service, saw unit other.service` */
function expectation(failed: readonly Predicate[], view: JsonObject): string {
  const texts = failed.map((p) => `needs ${formatPredicate(p)}, saw ${seenBy(p, view)}`)
  const shown = [...new Set(texts)].slice(0, SHOWN_MAX)
  return shown.join('; ')
}

function kindOf(predicate: Predicate): Kind {
  if (mentions(predicate, 'meshd', 'runtime') || mentions(predicate, 'meshd', 'node')) {
    return 'runtime'
  }
  if (mentions(predicate, 'meshd', 'env')) return 'env'
  return mentions(predicate, 'meshd') ? 'gov' : 'scope'
}

function mentions(predicate: Predicate, root: string, below?: string): boolean {
  return selectorsOf(predicate).some(({ steps: [first, second] }) => {
    if (first?.kind !== 'key' || first.key !== root) return false
    return below === undefined || (second?.kind === 'key' && second.key === below)
  })
}
