/**
 * How many links those who made them may take back (row 129). Whoever holds a
 * link can make as many below it as he likes, and keys to sign them with, so
 * they are counted below each link of the chain that leads to them:
 *
 *     issuer ──A── ann ──B── bob ──C── cy     C, taken back by bob, counts below A and below B
 *              1,000     500                  half as many with each step, so that one of
 *                                             those whom ann gave something cannot use up hers
 *
 * Of all the smallest ids are kept, one more than there may be: that one shows
 * that the link above is over, and it counts as revoked, with everything below.
 * What gave way is covered by that, so nothing is lost that would have denied.
 * A function of the set, whatever the order of arrival.
 */
import { parseDelegation } from './delegation.ts'
import type { Cid } from './id.ts'
import type { Did } from './keys.ts'
import { ISSUER_REVOCATIONS_MAX } from './limits.ts'
import type { Revocation } from './statement/revocation.ts'

/** What is counted together. */
interface Group {
  /** The path to a link from the first one on: a link may hang below several, and what is below each is counted apart. */
  readonly path: string
  /** That link; or, of what an issuer in role took back of its own, that issuer. */
  readonly end: Cid | Did
  readonly max: number
}

/** Ascending ids. */
type Kept = Revocation[]

export class RevocationQuotas {
  readonly #kept = new Map<string, Kept>()
  /** Of each link or issuer the groups that end there. */
  readonly #groups = new Map<Cid | Did, Map<string, Group>>()
  readonly #max: number

  constructor(max = ISSUER_REVOCATIONS_MAX) {
    this.#max = max
  }

  /** Counts one, and gives those that give way: perhaps itself. */
  put(revocation: Revocation): readonly Revocation[] {
    const gone: Revocation[] = []
    // Who is over alone is trimmed alone, before it weighs on those above.
    for (const group of groupsOf(revocation, this.#max).toReversed()) {
      const last = this.#insert(group, revocation)
      if (last === null) continue
      this.#remove(last)
      gone.push(last)
      if (last === revocation) break
    }
    return gone
  }

  /** Whether it would give way at once: what it revokes is below something that is over. */
  covers(revocation: Revocation): boolean {
    return groupsOf(revocation, this.#max).some(({ path, max }) => {
      const last = this.#kept.get(path)?.[max]
      return last !== undefined && last.id < revocation.id
    })
  }

  /** The one that is too many below a link, or of an issuer; null when there is none. */
  over(end: Cid | Did): Revocation | null {
    let first: Revocation | null = null
    for (const { path, max } of this.#groups.get(end)?.values() ?? []) {
      const one = this.#kept.get(path)?.[max]
      if (one !== undefined && (first === null || one.id < first.id)) first = one
    }
    return first
  }

  /** Gives the largest one if there is one more than is kept. */
  #insert(group: Group, revocation: Revocation): Revocation | null {
    const kept = this.#kept.get(group.path) ?? []
    this.#kept.set(group.path, kept)
    const groups = this.#groups.get(group.end) ?? new Map<string, Group>()
    this.#groups.set(group.end, groups.set(group.path, group))
    kept.splice(placeOf(kept, revocation), 0, revocation)
    return kept.length > group.max + 1 ? (kept.at(-1) ?? null) : null
  }

  #remove(revocation: Revocation): void {
    for (const { path, end } of groupsOf(revocation, this.#max)) {
      const kept = this.#kept.get(path) ?? []
      const at = placeOf(kept, revocation)
      if (kept[at]?.id !== revocation.id) continue
      kept.splice(at, 1)
      if (kept.length > 0) continue
      this.#kept.delete(path)
      this.#groups.get(end)?.delete(path)
    }
  }
}

/** From the first link down. */
function groupsOf({ chain }: Revocation, max: number): readonly Group[] {
  const links = chain.map(parseDelegation)
  const [first] = links
  if (first === undefined) return []
  if (links.length === 1) return [{ path: first.iss, end: first.iss, max: ISSUER_REVOCATIONS_MAX }]
  return links.slice(0, -1).map(({ cid }, depth) => ({
    path: links
      .slice(0, depth + 1)
      .map((link) => link.cid)
      .join(' '),
    end: cid,
    max: max >> depth,
  }))
}

/** Where it is, or belongs, among ascending ids. */
function placeOf(kept: Kept, { id }: Revocation): number {
  let [from, to] = [0, kept.length]
  while (from < to) {
    const middle = (from + to) >> 1
    const one = kept[middle]
    if (one !== undefined && one.id < id) from = middle + 1
    else to = middle
  }
  return from
}
