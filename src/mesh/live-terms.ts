/**
 * Under which terms a lease may still be held somewhere. A witness that speaks
 * in an era proves that enough of the one before fell silent; from then on the
 * leases of older eras die by their own staleness (FAULTS 1.2, note 4). Until
 * they have, what is printed as a bound is the longest of all (Q7).
 */
import { erasOf } from '../core/eras.ts'
import type { LeaseTerms, Root } from '../core/statement/root.ts'

export type LongestTerms = Pick<LeaseTerms, 'stalenessMs' | 'skewMs'>

export class LiveTerms {
  /** The newest era in which somebody is known to speak, and the monotonic time since which it is known. */
  #speaking = { from: 0, sinceMs: 0 }

  /** A witness spoke under the era that begins with this root version. */
  spoke(from: number, nowMs: number): void {
    if (from > this.#speaking.from) this.#speaking = { from, sinceMs: nowMs }
  }

  longest(roots: readonly Root[], nowMs: number): LongestTerms {
    const eras = erasOf(roots)
    const [older, newest] = [eras.slice(0, -1), eras.slice(-1)]
    const longest = (of: typeof eras, field: keyof LongestTerms) =>
      Math.max(0, ...of.map(({ lease }) => lease[field]))
    const diesMs = longest(older, 'stalenessMs') + 2 * longest(older, 'skewMs')
    const { from, sinceMs } = this.#speaking
    const dead = from === newest[0]?.from && nowMs - sinceMs > diesMs
    const live = dead ? newest : eras
    return { stalenessMs: longest(live, 'stalenessMs'), skewMs: longest(live, 'skewMs') }
  }
}
