/**
 * One policy bundle out of all statements about it (design 2, merge).
 *
 *   v6 ── v7 ── v8 observe       in force: v7; in its shadow: v8
 *   v6 ── v7a ┐
 *     └── v7b ┴ v8               v7 is a conflict until v8 names both
 *   v6 ── v7 (disarmed)          denies: nothing ever falls back to v6
 *
 * Versions move one at a time from a version that once had its signatures, so a
 * stolen key cannot jump ahead of everybody (rows 62, 63).
 */
import type { Force } from './force.ts'
import type { BundleState } from './governance.ts'
import { type StatementId, shortId } from './id.ts'
import type { ChainRoot } from './root-chain.ts'
import type { Policy } from './statement/policy.ts'

export interface BundleInput {
  readonly bundle: string
  /** All that are known, whatever their force. */
  readonly policies: Iterable<{ readonly policy: Policy; readonly force: Force }>
  readonly chain: readonly ChainRoot[]
}

export interface FoldedBundle {
  /** null when nothing about it is effective or demanded. */
  readonly state: BundleState | null
  readonly effective: ReadonlySet<StatementId>
  readonly conflicting: ReadonlySet<StatementId>
  /** Disarmed ones that deny the bundle: governance depends on them too. */
  readonly blocking: ReadonlySet<StatementId>
}

type Carried = readonly { readonly policy: Policy; readonly force: Force }[]

export function foldBundle({ bundle, policies, chain }: BundleInput): FoldedBundle {
  const carried = rooted(policies, chain)
  const versions = carried.filter(({ force }) => force.kind === 'held').map(({ policy }) => policy)
  const top = versions.at(-1)?.version ?? 0
  const floor = floorOf(bundle, chain)
  const blocking = blockingOf(bundle, carried, top, chain)
  const conflicting = conflictsOf(versions)
  const conflict = conflictText(conflicting) ?? blockText(blocking) ?? floorText(floor, top) ?? null
  const effective = new Set(versions.map(({ id }) => id))
  const ids = (found: readonly Policy[]) => new Set(found.map(({ id }) => id))
  const groups = { effective, conflicting: ids(conflicting), blocking: ids(blocking) }
  if (versions.length === 0 && conflict === null) return { state: null, ...groups }
  const inForce = conflict === null ? newest(versions, 'enforce') : null
  const shadow = conflict === null ? newest(versions, 'observe') : null
  const observed = shadow !== null && shadow.version > (inForce?.version ?? 0) ? shadow : null
  return { state: { bundle, inForce, observed, conflict, versions }, ...groups }
}

/** Those that had their signatures, each after one that had, oldest first. */
function rooted(policies: BundleInput['policies'], chain: readonly ChainRoot[]): Carried {
  const ids = new Map<StatementId, number>()
  return [...policies]
    .filter(({ force }) => force.kind === 'held' || force.kind === 'disarmed')
    .sort((a, b) => a.policy.version - b.policy.version || (a.policy.id < b.policy.id ? -1 : 1))
    .filter(({ policy: { id, version, previous, bundle } }) => {
      const after = previous.every((each) => ids.get(each) === version - 1)
      if (!after && !chain.some((each) => vouches(each, id, bundle, version))) return false
      ids.set(id, version)
      return true
    })
}

/** What a version follows may be disarmed, and gone: a root that keeps it, or sets the floor that it stands on, is enough. */
function vouches({ root, keeps }: ChainRoot, id: StatementId, bundle: string, version: number) {
  const floor = root.floors.get(bundle)
  return keeps.has(id) || version === floor || version - 1 === floor
}

/** The highest that any root demanded; 0 for none. */
function floorOf(bundle: string, chain: readonly ChainRoot[]): number {
  return Math.max(0, ...chain.map(({ root }) => root.floors.get(bundle) ?? 0))
}

/** Disarmed above all that is effective. */
function blockingOf(
  bundle: string,
  carried: Carried,
  top: number,
  chain: readonly ChainRoot[],
): readonly Policy[] {
  return carried.flatMap(({ policy, force }) =>
    policy.version > top && mayBlock(bundle, force, chain) ? policy : [],
  )
}

/**
 * Whether a disarmed version still matters: neither the root that disarmed it nor a later one
 * sets a floor for its bundle. Such a one belongs into the fold, also when it turns up later.
 */
export function mayBlock(bundle: string, force: Force, chain: readonly ChainRoot[]): boolean {
  if (force.kind !== 'disarmed') return false
  return floorOf(bundle, chain.slice(force.by.version - 1)) === 0
}

/** All effective ones of a version that has several, unless the next one names them all. */
function conflictsOf(versions: readonly Policy[]): readonly Policy[] {
  const byVersion = Map.groupBy(versions, ({ version }) => version)
  const enforced = newest(versions, 'enforce')?.version
  return [...byVersion].flatMap(([version, group]) => {
    if (group.length === 1) return []
    const next = byVersion.get(version + 1) ?? []
    const resolved = next.some(({ previous }) => group.every(({ id }) => previous.includes(id)))
    // Of several in force nobody says which one, also when what follows only observes.
    return resolved && version !== enforced ? [] : group
  })
}

function newest(versions: readonly Policy[], mode: Policy['mode']): Policy | null {
  return versions.findLast((each) => each.mode === mode) ?? null
}

function conflictText(conflicting: readonly Policy[]): string | null {
  const [first] = conflicting
  if (first === undefined) return null
  const { version } = first
  const ids = conflicting.filter((each) => each.version === version).map(({ id }) => id)
  const names = ids.map((id) => shortId('pol', id)).join(' and ')
  return `${names} are both version ${version}; a version ${version + 1} that names both resolves it`
}

function blockText(blocking: readonly Policy[]): string | null {
  const last = blocking.at(-1)
  if (last === undefined) return null
  return `version ${last.version} lost its signers with a new trust root; sign a version ${last.version + 1}`
}

function floorText(floor: number, top: number): string | null {
  if (top >= floor) return null
  const found = top === 0 ? 'there is none' : `the newest is ${top}`
  return `the trust root asks for version ${floor} or later, and ${found}`
}
