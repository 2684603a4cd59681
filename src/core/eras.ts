/**
 * Eras of the lease: runs of roots with the same witnesses and the same terms.
 * Within an era quorums meet whatever else a root changes; from one to the next
 * the witnesses hand over (FAULTS 1.2, note 4).
 *
 *     root      v1  v2  v3  v4  v5
 *     witnesses ab  ab  abc abc abc
 *     staleness 60  60  60  60  30
 *     era       1───┘   3───┘   5
 */
import { assert } from './assert.ts'
import type { Did } from './keys.ts'
import type { Root } from './statement/root.ts'

export interface Era {
  /** Version of its first root; that is its name. */
  readonly from: number
  readonly witnesses: Root['witnesses']
  readonly lease: Root['lease']
}

/** Of a chain of roots, which is never edited: every look at the lease asks for it. */
const known = new WeakMap<readonly Root[], readonly Era[]>()

/** Oldest first. @param roots the chain, version 1 first */
export function erasOf(roots: readonly Root[]): readonly Era[] {
  const eras = known.get(roots) ?? makeEras(roots)
  known.set(roots, eras)
  return eras
}

function makeEras(roots: readonly Root[]): readonly Era[] {
  const eras: Era[] = []
  for (const { version, witnesses, lease } of roots) {
    const last = eras.at(-1)
    if (last === undefined || !sameTerms(last, { witnesses, lease }))
      eras.push({ from: version, witnesses, lease })
  }
  return eras
}

/** The era of the newest root. @param roots at least one */
export function currentEra(roots: readonly Root[]): Era {
  const era = erasOf(roots).at(-1)
  assert(era !== undefined, 'a mesh has a root')
  return era
}

/** How many witnesses of an era must have closed it before one of the next may speak: they meet every commit and leave no lease. */
export function closersNeeded({ witnesses, lease }: Era | Terms): number {
  return witnesses.length - Math.min(lease.read, lease.write) + 1
}

/**
 * How many other witnesses of an era must tell a witness what it may have
 * forgotten: they meet every commit it took part in (design 4) and, where read
 * and write are both wide, every handover as well.
 */
function rememberersNeeded({ witnesses, lease }: Era): number {
  const { read, write } = lease
  return Math.max(witnesses.length - write + 1, Math.min(read, write))
}

/** Which other witnesses of an era have to tell a node what it may have forgotten, and how many of them. */
export function rememberersOf(
  era: Era,
  self: Did,
): { readonly of: readonly Did[]; readonly need: number } {
  const { witnesses, lease } = era
  const of = witnesses.filter((witness) => witness !== self)
  const need = witnesses.includes(self)
    ? rememberersNeeded(era)
    : witnesses.length - lease.write + 1
  return { of, need: Math.min(need, of.length) }
}

/** Of the next root: another era begins unless all of it is the same. */
export interface Terms {
  readonly witnesses: readonly string[]
  readonly lease: Era['lease']
}

export function sameTerms(a: Terms, b: Terms): boolean {
  const fields = ['read', 'write', 'faults', 'stalenessMs', 'skewMs'] as const
  return (
    a.witnesses.length === b.witnesses.length &&
    a.witnesses.every((each) => b.witnesses.includes(each)) &&
    fields.every((field) => a.lease[field] === b.lease[field])
  )
}
