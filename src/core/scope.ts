/**
 * What a chain of links grants, in the terms that people use: actions,
 * a resource, conditions. A summary for screens, and for refusing a delegation
 * that claims more than there is; decisions rest on the predicates themselves.
 */
import { actionOf, commandOf, covers } from './command.ts'
import { formatPredicate } from './condition.ts'
import type { Delegation } from './delegation.ts'
import { globCovers, parseGlob } from './glob.ts'
import type { Json } from './json.ts'
import type { Did } from './keys.ts'
import { LINKS_MAX } from './limits.ts'
import type { Predicate } from './predicate.ts'

export interface Scope {
  /** `tool:search`, or `*` for all; for a command, all below it too. */
  readonly actions: readonly string[]
  /** `repo:acme/*`; `*` for any; several that must all match when links differ. */
  readonly resources: readonly string[]
  /** `unit = planner.service`, in the order of links. */
  readonly conditions: readonly string[]
  /** The one node that may use it. */
  readonly node: Did | null
  readonly once: boolean
  /** Further delegations that may follow. Negative: there are too many links already. */
  readonly depthLeft: number
  readonly nbfS: number | null
  readonly expS: number
}

/** One link's own words on scope. */
interface Terms {
  readonly cmd: string
  /** Exact names; null leaves it to the command. */
  readonly actions: readonly string[] | null
  readonly type: string | null
  readonly id: string | null
  readonly rest: readonly Predicate[]
}

/** What links say together, which are never edited. */
const described = new WeakMap<readonly Delegation[], Scope>()

/** Sums up the links, root first, at least one. */
export function describe(links: readonly Delegation[]): Scope {
  const known = described.get(links) ?? sumUp(links)
  described.set(links, known)
  return known
}

function sumUp(links: readonly Delegation[]): Scope {
  const terms = links.map(termsOf)
  return {
    actions: actionsOf(terms),
    resources: resourcesOf(terms),
    conditions: [...new Set(terms.flatMap(({ rest }) => rest.map(formatPredicate)))],
    node: boundNode(links),
    once: links.some(({ once }) => once),
    depthLeft: depthLeft(links),
    nbfS: links.reduce<number | null>((most, { nbfS }) => later(most, nbfS), null),
    expS: expiresS(links),
  }
}

/** `tool:search, tool:read on repo:acme/*` */
export function formatScope(scope: Scope): string {
  return `${scope.actions.join(', ') || 'nothing'} on ${scope.resources.join(' and ')}`
}

/** The earliest end of all links. */
export function expiresS(links: readonly Delegation[]): number {
  return links.reduce((least, { expS }) => Math.min(least, expS), Number.POSITIVE_INFINITY)
}

/** How many delegations may still follow the last link; below 0 the chain is too long already. */
export function depthLeft(links: readonly Delegation[]): number {
  return links.reduce(
    (left, { depth }) => Math.min(left - 1, depth ?? Number.POSITIVE_INFINITY),
    LINKS_MAX,
  )
}

/** The node that some link names by `["==", ".meshd.node.id", did]`, not below `not` or `or`. */
export function boundNode(links: readonly Delegation[]): Did | null {
  for (const predicate of links.flatMap(({ pol }) => pol)) {
    if (predicate.op !== '==' || predicate.selector.text !== '.meshd.node.id') continue
    if (isDid(predicate.value)) return predicate.value
  }
  return null
}

function isDid(value: Json): value is Did {
  return typeof value === 'string' && value.startsWith('did:key:z6Mk')
}

/** In which ways the child claims more than the links above it hold; [] if it only narrows. */
export function widen(parents: readonly Delegation[], child: Delegation): readonly string[] {
  const held = describe(parents)
  const above = parents.map(termsOf)
  return [
    ...widenedActions(above, termsOf(child), held),
    ...widenedResource(above, termsOf(child), held),
    ...(child.expS > held.expS ? ['time: it would end after what it is delegated from'] : []),
    ...widenedDepth(child, held),
  ]
}

function widenedActions(above: readonly Terms[], child: Terms, held: Scope): readonly string[] {
  const asked = child.actions ?? [actionOf(child.cmd)]
  const missing = asked.filter((action) => {
    if (child.actions === null) return !above.every((terms) => keepsSome(terms, child.cmd))
    return !above.every((terms) => allows(terms, action))
  })
  if (missing.length === 0) return []
  return [`action: ${missing.join(', ')}; held: ${held.actions.join(', ')}`]
}

function allows({ cmd, actions }: Terms, action: string): boolean {
  return covers(cmd, commandOf(action)) && (actions === null || actions.includes(action))
}

/** A child that names no exact action may leave the list to the links above, as long as something of it is left. */
function keepsSome({ cmd, actions }: Terms, command: string): boolean {
  if (!covers(cmd, command)) return false
  return actions === null || actions.some((each) => covers(command, commandOf(each)))
}

function widenedResource(above: readonly Terms[], child: Terms, held: Scope): readonly string[] {
  const inside = above.every(
    ({ type, id }) =>
      (type === null || child.type === null || type === child.type) &&
      (id === null || child.id === null || globCovers(parseGlob(id), parseGlob(child.id))),
  )
  return inside ? [] : [`resource: ${formatResource(child)}; held: ${held.resources.join(' and ')}`]
}

function widenedDepth(child: Delegation, held: Scope): readonly string[] {
  if (held.depthLeft < 1) return ['depth: no further delegation is allowed']
  if (child.depth === null || child.depth < held.depthLeft) return []
  return [`depth: ${child.depth}; at most ${held.depthLeft - 1}`]
}

function termsOf(link: Delegation): Terms {
  let [actions, type, id]: [readonly string[] | null, string | null, string | null] = [
    null,
    null,
    null,
  ]
  const rest: Predicate[] = []
  for (const p of link.pol) {
    const [names, wantedType, wantedId] = [exactActions(p), typeIn(p), idIn(p)]
    if (names !== null && actions === null) actions = names
    else if (wantedType !== null && type === null) type = wantedType
    else if (wantedId !== null && id === null) id = wantedId
    else rest.push(p)
  }
  return { cmd: link.cmd, actions, type, id, rest }
}

function exactActions(p: Predicate): readonly string[] | null {
  if (p.op === 'or') {
    const names = p.operands.map(exactActions)
    return names.includes(null) ? null : names.flatMap((each) => each ?? [])
  }
  const exact = p.op === '==' && p.selector.text === '.action' && typeof p.value === 'string'
  return exact ? [String(p.value)] : null
}

function typeIn(p: Predicate): string | null {
  const exact = p.op === '==' && p.selector.text === '.resource.type' && typeof p.value === 'string'
  return exact ? String(p.value) : null
}

function idIn(p: Predicate): string | null {
  if ((p.op !== '==' && p.op !== 'like') || p.selector.text !== '.resource.id') return null
  return typeof p.value === 'string' && (p.op === 'like' || !p.value.includes('*')) ? p.value : null
}

/** What is left of the actions when each link has had its say. */
function actionsOf(terms: readonly Terms[]): readonly string[] {
  const narrowest = terms.reduce((least, { cmd }) => (covers(least, cmd) ? cmd : least), '/')
  // Commands that exclude each other leave nothing, whichever of them came first.
  const left = (command: string) => terms.every(({ cmd }) => covers(cmd, command))
  const lists = terms.flatMap(({ actions }) => (actions === null ? [] : [actions]))
  const [first, ...others] = lists
  if (first === undefined) return left(narrowest) ? [actionOf(narrowest)] : []
  return first.filter(
    (action) => left(commandOf(action)) && others.every((list) => list.includes(action)),
  )
}

function resourcesOf(terms: readonly Terms[]): readonly string[] {
  const named = terms.filter(({ type, id }) => type !== null || id !== null)
  const least = named.filter(
    (each, i) =>
      !named.some((other, k) => k !== i && within(other, each) && (k > i || !within(each, other))),
  )
  return least.length === 0 ? ['*'] : least.map(formatResource)
}

function within(inner: Terms, outer: Terms): boolean {
  const type = outer.type === null || outer.type === inner.type
  if (outer.id === null) return type
  return type && inner.id !== null && globCovers(parseGlob(outer.id), parseGlob(inner.id))
}

function formatResource({ type, id }: Terms): string {
  return `${type ?? '*'}:${id ?? '*'}`
}

function later(a: number | null, b: number | null): number | null {
  if (a === null || b === null) return a ?? b
  return Math.max(a, b)
}
