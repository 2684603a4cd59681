/**
 * What is proven against logs, one statement for each: many may prove the same,
 * and a flood of them takes one place. Of several that counts which a root
 * lifted, then the first; that there is one, and whether one is lifted, is a
 * function of the set and the chain of roots (conclusion.ts).
 */
import { type Drawn, forkedKey, NOTHING_DRAWN } from './conclusion.ts'
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

  /** Each statement once. */
  add(evidence: Evidence): Drawn<Evidence> {
    if (this.covers(evidence)) return { ...NOTHING_DRAWN, gone: [evidence] }
    const known = this.#byLog.get(evidence.origin)
    const gone = known === undefined ? [] : [known]
    this.#byLog.set(evidence.origin, evidence)
    this.#view = null
    const key = forkedKey(evidence, this.#lifts.has(evidence.id))
    const instead = gone.map((each) => forkedKey(each, false))
    return { gone, conclusion: { key, proof: [evidence.id], instead } }
  }

  /** Whether another one about the same log counts instead of it. */
  covers(evidence: Evidence): boolean {
    const known = this.#byLog.get(evidence.origin)
    if (known === undefined || known.id === evidence.id) return false
    return this.#lifts.has(known.id) || !this.#lifts.has(evidence.id)
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
