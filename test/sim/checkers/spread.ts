/** What is printed of the spread of a statement is true: Q7. */
import type { Asked, Event } from '../history.ts'
import type { Invariant } from './checker.ts'

/** Two times are read, each in whole milliseconds. */
const MARGIN_MS = 5

interface Allowed {
  readonly t: number
  readonly node: number
  readonly asked: Asked
  readonly execution: string | null
}

export const Q7: Invariant = {
  id: 'Q7',
  says: 'who waits for a revocation is shown nobody that did not apply it, no bound before its commit, and none that is passed',
  begin({ book, fail, met }) {
    /** Statement → the nodes that ever accepted it. */
    const applied = new Map<number, Set<number>>()
    /** Statement → the earliest bound that was printed. */
    const bounds = new Map<number, number>()
    const allows: Allowed[] = []
    const applies = (statement: number, node: number) =>
      applied.set(statement, (applied.get(statement) ?? new Set()).add(node))
    const late = ({ t, node, asked, execution }: Allowed, statement: number, bound: number) => {
      const law = book.laws[statement]
      if (t <= bound + MARGIN_MS || law === undefined || !book.covers(law, asked, execution)) return
      fail(
        `n${node} allowed ${asked.req} ${(t - bound).toFixed(0)} ms after what was printed of ${statement}`,
      )
    }
    const shown = (event: Extract<Event, { ev: 'spread' }>) => {
      const { statement, bound, node } = event
      const others = event.applied.filter((each) => applied.get(statement)?.has(each) !== true)
      if (others.length > 0)
        fail(
          `n${node} shows ${statement} applied on n${others.join(', n')}, which never accepted it`,
        )
      if (event.committed !== (bound !== null)) fail(`n${node} prints a bound without a commit`)
      if (bound === null) return
      met()
      if (!book.commits.at.has(statement)) fail(`n${node} prints a bound of ${statement} too soon`)
      if (!event.steady) return
      bounds.set(statement, Math.min(bounds.get(statement) ?? bound, bound))
      for (const allow of allows) late(allow, statement, bound)
    }
    return (event) => {
      if (event.node === null) return
      if (event.ev === 'accept') applies(event.statement, event.node)
      if (event.ev === 'boot' || event.ev === 'restore')
        for (const each of event.held) applies(each, event.node)
      if (event.ev === 'spread') shown(event)
      if (event.ev !== 'answer' || event.effect !== 'allow') return
      const asked = book.calls.get(event.req)?.asked
      if (asked === undefined) return
      const { t, node } = event
      const allow = { t, node, asked, execution: event.record?.id ?? null }
      allows.push(allow)
      for (const [statement, bound] of bounds) late(allow, statement, bound)
    }
  },
}
