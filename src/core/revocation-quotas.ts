/**
 * How many links those who made them may take back (row 129). Whoever holds a
 * link can make as many below it as he likes, and keys to sign them with, so
 * they are counted below each link of the chain that leads to them:
 *
 *     issuer ──A── ann ──B── bob ──C── cy     C, taken back by bob, counts below A and below B
 *              1,000     500                  half as many with each step, so that one of
 *                                             those whom ann gave something cannot use up hers
 *
 * One more than there may be, and the link above is over: it counts as revoked,
 * with everything below, for good. Those that show it are its proof, and further
 * ones are left out. Below a link that is over nothing grows, so what is over is
 * a function of the set, whatever the order of arrival and whichever were kept.
 */
import { type Conclusion, overKey } from './conclusion.ts'
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

export class RevocationQuotas {
  readonly #kept = new Map<string, Revocation[]>()
  /** Paths that are over, and below nothing else that is. */
  readonly #over = new Set<string>()
  /** By link or issuer, of all that ever were over: the one that was too many. */
  readonly #ends = new Map<Cid | Did, Revocation>()
  readonly #max: number

  constructor(max = ISSUER_REVOCATIONS_MAX) {
    this.#max = max
  }

  /** Counts one that nothing covers; gives what is over by it, the highest of it; null for nothing. */
  put(revocation: Revocation): Conclusion | null {
    let highest: Group | null = null
    for (const group of groupsOf(revocation, this.#max)) {
      const kept = this.#kept.get(group.path) ?? []
      kept.push(revocation)
      this.#kept.set(group.path, kept)
      if (kept.length <= group.max) continue
      if (!this.#ends.has(group.end)) this.#ends.set(group.end, revocation)
      highest ??= group
    }
    return highest === null ? null : this.#close(highest)
  }

  /** Whether what it revokes is below something that is over: then it changes nothing. */
  covers(revocation: Revocation): boolean {
    if (this.#over.size === 0) return false
    return groupsOf(revocation, this.#max).some(({ path }) => this.#over.has(path))
  }

  /** The one that was too many below a link, or of an issuer; null when there is none. */
  over(end: Cid | Did): Revocation | null {
    return this.#ends.get(end) ?? null
  }

  #close({ path }: Group): Conclusion {
    const proof = (this.#kept.get(path) ?? []).map(({ id }) => id)
    const below = [...this.#over].filter((each) => each.startsWith(`${path} `))
    for (const each of below) this.#over.delete(each)
    this.#over.add(path)
    return { key: overKey(path), proof, instead: below.map(overKey) }
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
