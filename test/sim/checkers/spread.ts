/** What a node shows of the spread of a revocation: Q7. */
import type { Event } from '../history.ts'
import type { Book } from './book.ts'
import type { Invariant, Say } from './checker.ts'
import { Commits } from './lease.ts'

type Printed = Extract<Event, { ev: 'printed' }>
type Answer = Extract<Event, { ev: 'answer' }>

/** What is printed is whole milliseconds. */
const ROUNDED_MS = 1

export const Q7: Invariant = {
  id: 'Q7',
  says: 'what is printed of the spread of a revocation is true: who applied it did, a bound leaves each lease the time that it may still be live after the commit, and nothing that it covers is allowed later',
  begin(say) {
    const prints = new Prints(say)
    return (event) => prints.see(event)
  },
}

class Prints {
  readonly #say: Say
  readonly #book: Book
  readonly #commits: Commits
  /** Node → what it ever accepted: that its disk was set back since does not make it untrue. */
  readonly #accepted = new Map<number, Set<number>>()
  /** Revocation → the earliest true time from which nobody is to allow what it covers, as it was printed. */
  readonly #bounds = new Map<number, number>()
  readonly #allows: Answer[] = []

  constructor(say: Say) {
    this.#say = say
    this.#book = say.book
    this.#commits = new Commits(say.book)
  }

  see(event: Event): void {
    this.#commits.see(event)
    if (event.node === null) return
    if (event.ev === 'accept') this.#of(event.node).add(event.statement)
    if (event.ev === 'boot') for (const each of event.held) this.#of(event.node).add(each)
    if (event.ev === 'printed') this.#printed(event)
    if (event.ev !== 'answer' || event.effect !== 'allow') return
    this.#allows.push(event)
    for (const [statement, boundMs] of this.#bounds) this.#within(event, statement, boundMs)
  }

  #of(node: number): Set<number> {
    const accepted = this.#accepted.get(node) ?? new Set()
    this.#accepted.set(node, accepted)
    return accepted
  }

  #printed({ node, statement, applied, bound, wall, t }: Printed & Event): void {
    const { fail, met } = this.#say
    for (const each of applied)
      if (!this.#of(each).has(statement))
        fail(`n${node} says that n${each} applied ${statement}, and it did not`)
    if (bound === null) return
    met()
    const committedMs = this.#commits.at.get(statement)
    if (committedMs === undefined) {
      fail(`n${node} prints a bound for ${statement}, which is not committed`)
      return
    }
    // Whoever reads it looks at the same clock.
    const boundMs = t + bound - wall
    const earlyMs = committedMs + this.#liveMs() - boundMs
    if (earlyMs > ROUNDED_MS)
      fail(`n${node} prints a bound for ${statement} that is ${earlyMs.toFixed(0)} ms early`)
    if (boundMs >= (this.#bounds.get(statement) ?? Number.POSITIVE_INFINITY)) return
    this.#bounds.set(statement, boundMs)
    for (const allow of this.#allows) this.#within(allow, statement, boundMs)
  }

  /** The shortest, of the roots that there are: who prints may not know the others. */
  #liveMs(): number {
    const roots = [...this.#book.roots.values()]
    return Math.min(...roots.map(({ lease }) => lease.stalenessMs + 2 * lease.skewMs))
  }

  #within({ node, req, record, t }: Answer & Event, statement: number, boundMs: number): void {
    if (t <= boundMs) return
    const [law, called] = [this.#book.laws[statement], this.#book.calls.get(req)]
    if (law === undefined || called === undefined) return
    if (this.#book.covers(law, called.asked, record?.id ?? null))
      this.#say.fail(
        `n${node} allowed ${req} ${(t - boundMs).toFixed(0)} ms after the printed bound of ${statement}`,
      )
  }
}
