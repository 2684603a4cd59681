/**
 * Whether the signatures of a statement carry it under a chain of roots
 * (design 2, merge): those of the role, in the root that it names, less the
 * keys that a later root dropped from that role, unless that root keeps it.
 *
 * A retired or stolen key so signs nothing more, however it dates what it signs (row 131).
 */
import { parseDelegation } from './delegation.ts'
import type { Envelope } from './dsse.ts'
import type { Did } from './keys.ts'
import { inRole, roleOf } from './roles.ts'
import type { ChainRoot } from './root-chain.ts'
import type { Role, Root } from './statement/root.ts'
import type { Signed } from './statement/statement.ts'

/** Every statement but a root that counts by its signatures. */
export type Ordinary = Exclude<Signed, Root>

export type Force =
  /** The root it names is not in the chain. */
  | { readonly kind: 'unknown' }
  | { readonly kind: 'short'; readonly missing: number }
  | { readonly kind: 'held' }
  /** It had its signatures, and a root took them away. */
  | { readonly kind: 'disarmed'; readonly by: Root; readonly missing: number }

/** The keys in whose name a statement speaks, before any role is looked at. */
export function speakersOf(statement: Ordinary, envelope: Envelope): readonly Did[] {
  const signers = envelope.signatures.map(({ key }) => key)
  if (statement.type !== 'revocation' || statement.chain.length === 0) return signers
  // The link's own issuer speaks, by the power of the issuer in role that its chain begins with.
  const links = statement.chain.map(parseDelegation)
  const [first, last] = [links[0], links.at(-1)]
  if (first === undefined || last === undefined) return []
  return signers.includes(last.iss) ? [first.iss] : []
}

export function forceOf(
  statement: Ordinary,
  speakers: readonly Did[],
  chain: readonly ChainRoot[],
): Force {
  const own = chain[statement.root - 1]
  if (own === undefined) return { kind: 'unknown' }
  const role = neededRole(statement, own.root)
  const name = roleOf(statement)
  let counting = inRole(role, speakers)
  if (counting.length < role.threshold) {
    return { kind: 'short', missing: role.threshold - counting.length }
  }
  for (let at = statement.root; at < chain.length; at++) {
    const [last, next] = [chain[at - 1], chain[at]]
    if (last === undefined || next === undefined || next.keeps.has(statement.id)) continue
    const [before, after] = [last.root.roles[name].keys, next.root.roles[name].keys]
    counting = counting.filter((key) => after.includes(key) || !before.includes(key))
    const missing = role.threshold - counting.length
    if (missing > 0) return { kind: 'disarmed', by: next.root, missing }
  }
  return { kind: 'held' }
}

/** Any one issuer is enough for a link, and so for taking one back. */
export function neededRole(statement: Ordinary, root: Root): Role {
  const role = root.roles[roleOf(statement)]
  return roleOf(statement) === 'issuer' ? { ...role, threshold: 1 } : role
}
