/** A node that crashes when all is mended is soon what it was: L3. */
import { SYNC_INTERVAL_MS } from '../../../src/core/limits.ts'
import type { Event } from '../history.ts'
import type { Book } from './book.ts'
import type { Invariant } from './checker.ts'
import { mayLack } from './liveness.ts'

/** From its start until it has done its boot check and allows. */
const READY_MS = 5_000
/** Five comparisons and ten round trips of 6 ms (L1). */
const LEARNS_MS = 5 * SYNC_INTERVAL_MS + 10 * 6

interface Start {
  readonly node: number
  readonly t: number
  /** What the others had accepted by then, and it had not. */
  readonly missed: readonly number[]
  readyMs: number | null
  allows: boolean
  late: boolean
}

export const L3: Invariant = {
  id: 'L3',
  says: 'who crashes when all is mended allows within five seconds of its start, and within L1 has what it missed',
  begin({ book, fail, met }) {
    const starts = new Set<Start>()
    const late = (start: Start) => {
      start.late = true
      const why = start.readyMs === null ? 'has not done its boot check' : 'allows nothing'
      fail(`n${start.node} ${why}, ${READY_MS} ms after its start`)
    }
    const look = (start: Start, event: Event) => {
      const { node, t, missed, readyMs, allows } = start
      const ready = readyMs !== null && allows
      const ends = event.ev === 'phase' && event.phase === 'end'
      if (!ready && !start.late && (ends || event.t > t + READY_MS)) late(start)
      if (!ends && (readyMs === null || event.t <= readyMs + LEARNS_MS)) return
      starts.delete(start)
      const lacks = missed.filter((each) => !book.page(node).accepted.has(each))
      if (lacks.length > 0) fail(`n${node} lacks ${lacks.join()}, which was said while it was down`)
      else if (!start.late) met()
    }
    return (event) => {
      for (const start of starts) {
        look(start, event)
        if (event.node !== start.node) continue
        if (event.ev === 'ready') start.readyMs = event.t
        if (event.ev === 'answer' && event.effect === 'allow') start.allows = true
      }
      if (event.ev !== 'fault' || event.kind !== 'late start' || event.node === null) return
      const { node, t } = event
      const missed = missedBy(book, node)
      starts.add({ node, t, missed, readyMs: null, allows: false, late: false })
    }
  },
}

function missedBy(book: Book, node: number): readonly number[] {
  const { accepted } = book.page(node)
  const all = new Set([...book.pages.values()].flatMap((page) => [...page.accepted]))
  return [...all].filter((each) => !accepted.has(each) && !mayLack(book, each))
}
