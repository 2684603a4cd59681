/** A bundle can ask for a fresher lease than the root does, and for no older one: Q9. */
import type { Event } from '../history.ts'
import type { Book } from './book.ts'
import type { Invariant } from './checker.ts'
import { Voices } from './voices.ts'

type Answer = Extract<Event, { ev: 'answer' }>

/** What an answer rests on is counted as for S3, within what the permits of its action say as they were made. */
export const Q9: Invariant = {
  id: 'Q9',
  says: 'an allow has a lease within the shortest staleness of its root and of the permits that it rests on',
  begin({ book, fail, met }) {
    const voices = new Voices(book)
    return (event) => {
      voices.see(event)
      if (event.node === null || event.ev !== 'answer' || event.effect !== 'allow') return
      const { node, req } = event
      const root = book.roots.get(event.root ?? 0)
      const asked = asksOf(book, node, event)
      if (root === undefined || asked.length === 0) return
      const { read } = root.lease
      const stalenessMs = Math.min(root.lease.stalenessMs, ...asked)
      const counted = voices.countedBy(node, root, event, stalenessMs)
      if (read > 1 || event.speaks !== root.version || !root.witnesses.includes(node)) met()
      if (counted < read)
        fail(
          `n${node} allowed ${req} with ${counted} of ${read} voices within ${stalenessMs} ms: its permits ask for ${asked.join(' and ')}`,
        )
    }
  },
}

/** By the permits of its action, in the version that decided. */
function asksOf(book: Book, node: number, { req, policy }: Answer): readonly number[] {
  const action = book.calls.get(req)?.asked.action
  return [...book.page(node).accepted].flatMap((number) => {
    const what = book.laws[number]?.what
    if (what?.type !== 'policy' || what.version !== policy) return []
    return what.asks.filter((ask) => ask.action === action).map(({ stalenessMs }) => stalenessMs)
  })
}
