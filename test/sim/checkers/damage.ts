/** What a flipped bit of a disk may lead to: S6. */
import type { Invariant } from './checker.ts'

export const S6: Invariant = {
  id: 'S6',
  says: 'no byte that was not verified decides anything or is announced: what was flipped is repaired, denied or seals the log',
  begin({ fail, met }) {
    /** Node → its life that read something else than what was written. */
    const misled = new Map<number, number>()
    /** Node → its life that was told of a damaged record, and when. */
    const warned = new Map<number, { readonly inc: number; readonly t: number }>()
    return (event) => {
      const { node, inc, t, ev } = event
      if (node === null) return
      if (ev === 'unopened') met()
      if (ev === 'read') {
        met()
        if (event.gave === 'wrong') misled.set(node, inc)
        else if (event.what === 'record' && warned.get(node)?.inc !== inc)
          warned.set(node, { inc, t })
      }
      if (ev === 'repaired') warned.delete(node)
      const acts =
        ev === 'ready' || ev === 'announce' || (ev === 'answer' && event.effect === 'allow')
      if (acts && misled.get(node) === inc)
        fail(`n${node} goes on (${ev}), and read what had never been written`)
      const { inc: life, t: since } = warned.get(node) ?? { inc: -1, t: 0 }
      if (ev === 'answer' && event.effect === 'allow' && life === inc && t > since)
        fail(`n${node} allowed ${event.req}, and a record of its log is damaged`)
    }
  },
}
