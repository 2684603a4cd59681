/**
 * What is proven against logs, one statement for each: many may prove the same,
 * and a flood of them takes one place. Of several that counts which a root
 * lifted, then the smallest id: a function of the set and the chain of roots.
 */
import type { Equivocation } from './governance.ts'
import type { StatementId } from './id.ts'
import type { Did } from './keys.ts'
import type { Epoch } from './statement/epoch.ts'
import type { Evidence } from './statement/evidence.ts'

export class FoldedEvidence {
  readonly #lifts: ReadonlySet<StatementId>
  readonly #byLog = new Map<string, Evidence>()
  #view: ReadonlyMap<string, Equivocation> | null = null

  /** @param lifts ids that some root of the chain lifts */
  constructor(lifts: ReadonlySet<StatementId>) {
    this.#lifts = lifts
  }

  /** Gives the one that is left out from now on, perhaps this one; null when there is none. */
  add(evidence: Evidence): Evidence | null {
    const known = this.#byLog.get(evidence.origin) ?? null
    if (known?.id === evidence.id) return null
    if (known !== null && !this.#beats(evidence, known)) return evidence
    this.#byLog.set(evidence.origin, evidence)
    this.#view = null
    return known
  }

  /** Whether another one about the same log counts instead of it. */
  covers(evidence: Evidence): boolean {
    const known = this.#byLog.get(evidence.origin)
    return known !== undefined && known.id !== evidence.id && !this.#beats(evidence, known)
  }

  /** By the name of the log. */
  get view(): ReadonlyMap<string, Equivocation> {
    this.#view ??= new Map(
      [...this.#byLog]
        .sort(([a], [b]) => (a < b ? -1 : 1))
        .map(([origin, evidence]) => [origin, { evidence, lifted: this.#lifts.has(evidence.id) }]),
    )
    return this.#view
  }

  #beats(one: Evidence, other: Evidence): boolean {
    const [a, b] = [this.#lifts.has(one.id), this.#lifts.has(other.id)]
    return a === b ? one.id < other.id : a
  }
}

/**
 * On whom nothing rests, and by which evidence. Lifting alone brings nobody
 * back: the log with two histories would go on, and one more is easily signed.
 */
export function distrustedBy(
  evidence: ReadonlyMap<string, Equivocation>,
  epochs: ReadonlyMap<Did, Epoch>,
): ReadonlyMap<Did, Evidence> {
  const distrusted = new Map<Did, Evidence>()
  for (const { evidence: proven, lifted } of evidence.values()) {
    const retired = (epochs.get(proven.node)?.epoch ?? 0) > proven.epoch
    if ((lifted && retired) || distrusted.has(proven.node)) continue
    distrusted.set(proven.node, proven)
  }
  return distrusted
}
