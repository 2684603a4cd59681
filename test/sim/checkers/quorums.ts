/** Quorums meet, also from one trust root to the next: Q6. */
import type { Event, Law } from '../history.ts'
import type { Invariant, Say } from './checker.ts'
import { type Era, fewestOf, Handovers } from './handover.ts'

type Announced = Extract<Event, { ev: 'announce' }>

/**
 * Of one root: whose quorums need not meet is accepted nowhere. From one to the
 * next (FAULTS.md 1.2, note 4), where witnesses or terms change:
 *
 *   a witness that holds the new root never speaks under the old one again;
 *   a new one speaks once it holds what n - min(read, write) + 1 such old ones held;
 *   from then on too few speak under the old one for any quorum of it,
 *   and nothing is allowed under it later than its staleness and two skews.
 *
 * Who opened and who closed is counted from what nodes said and hold; what they
 * say of it themselves is not looked at.
 */
export const Q6: Invariant = {
  id: 'Q6',
  says: 'quorums meet: in each root, and from one to the next, where new witnesses wait for the old ones',
  begin(say) {
    const turns = new Turns(say)
    return (event) => turns.see(event)
  },
}

class Turns {
  readonly #say: Say
  readonly #handovers: Handovers
  /** Era → when anybody first spoke in it. */
  readonly #beganMs = new Map<Era, number>()
  /** Who spoke in an era after a later one had begun. */
  readonly #late = new Map<Era, Set<number>>()
  /** Which nodes spoke in which eras. */
  readonly #spoke = new Set<string>()
  /** Of what a node said that it holds: the newest root. */
  readonly #newest = new WeakMap<readonly number[], number>()

  constructor(say: Say) {
    this.#say = say
    this.#handovers = new Handovers(say.book)
  }

  see(event: Event): void {
    const { book, fail } = this.#say
    if (event.ev === 'made') this.#handovers.made(event.law)
    if (event.node === null) return
    if (event.ev === 'accept' && !meets(book.laws[event.statement]))
      fail(`n${event.node} accepted ${event.statement}, a root whose quorums need not meet`)
    this.#handovers.see(event)
    if (this.#handovers.eras.length < 2) return
    const { node, t } = event
    if (event.ev === 'announce' && event.counts) this.#announced(event, node)
    if ((event.ev === 'accept' || event.ev === 'answer') && event.speaks !== null)
      this.#speaks(node, event.speaks, t)
    if (event.ev === 'answer' && event.effect === 'allow') this.#allowed(event)
  }

  #announced({ root, held, t }: Announced, node: number): void {
    const newest = this.#newestIn(held)
    if (newest > root) this.#say.fail(`n${node} speaks by root ${root}, and holds ${newest}`)
    this.#speaks(node, root, t)
  }

  #newestIn(held: readonly number[]): number {
    const { laws } = this.#say.book
    const known =
      this.#newest.get(held) ?? Math.max(0, ...held.map((each) => versionOf(laws[each])))
    this.#newest.set(held, known)
    return known
  }

  #speaks(node: number, version: number, t: number): void {
    const era = this.#handovers.of(version)
    if (era === null) return
    if (!era.witnesses.includes(node))
      this.#say.fail(`n${node} speaks by root ${version}, and may not`)
    if (this.#endedMs(era) !== null) this.#tooLate(node, era, version)
    const key = `${node}/${era.number}`
    if (era.number === 0 || this.#spoke.has(key)) return
    this.#spoke.add(key)
    this.#opened(node, era, version)
    if (!this.#beganMs.has(era)) this.#beganMs.set(era, t)
  }

  #opened(node: number, era: Era, version: number): void {
    this.#say.met()
    if (this.#handovers.mayOpen(node, era)) return
    const closed = this.#handovers.closersOf(node, era)
    this.#say.fail(
      `n${node} speaks by root ${version}, and knows of ${closed} that closed what was before`,
    )
  }

  #tooLate(node: number, era: Era, version: number): void {
    const speakers = this.#late.get(era) ?? new Set()
    this.#late.set(era, speakers.add(node))
    if (speakers.size >= fewestOf(era.lease))
      this.#say.fail(
        `${speakers.size} witnesses speak by root ${version}, though a later one took over`,
      )
  }

  #allowed({ node, root, req, t }: Extract<Event, { ev: 'answer' }>): void {
    const era = this.#handovers.of(root ?? 0)
    const endedMs = era === null ? null : this.#endedMs(era)
    if (era === null || endedMs === null) return
    this.#say.met()
    const { stalenessMs, skewMs } = era.lease
    const ms = t - endedMs
    if (ms > stalenessMs + 2 * skewMs)
      this.#say.fail(
        `n${node} allowed ${req} by root ${root}, ${ms.toFixed(0)} ms after a later one took over`,
      )
  }

  /** When one after it began; null while none has. */
  #endedMs({ number }: Era): number | null {
    const later = [...this.#beganMs].filter(([era]) => era.number > number).map(([, ms]) => ms)
    return later.length === 0 ? null : Math.min(...later)
  }
}

function versionOf(law: Law | undefined): number {
  return law?.what.type === 'root' ? law.what.version : 0
}

/** Whether every lease meets every commit in a witness that does not lie; true of what is no root. */
function meets(law: Law | undefined): boolean {
  if (law?.what.type !== 'root' || law.lease === null) return true
  const { read, write, faults } = law.lease
  const of = law.what.witnesses.length
  return read > 0 && write > 0 && read <= of && write <= of && read + write > of + faults
}
