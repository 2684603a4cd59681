/** After the heal: L1, L2, L4; and what no fault of the world explains. */
import { PROBE } from '../people.ts'
import type { Book } from './book.ts'
import type { Invariant } from './checker.ts'

/** How long before the end a valid request must have been allowed, on every node. */
const LATELY_MS = 4_000

export const L1: Invariant = {
  id: 'L1',
  says: 'once everything is mended, all nodes have one governance',
  begin({ fail, met }) {
    const digests = new Map<number, string>()
    return (event) => {
      if (event.ev === 'healed' && event.node !== null) digests.set(event.node, event.digest)
      if (event.ev !== 'phase' || event.phase !== 'end') return
      if (digests.size > 1) met()
      if (new Set(digests.values()).size > 1) fail(`digests: ${[...digests].join('  ')}`)
    }
  },
}

export const L2: Invariant = {
  id: 'L2',
  says: 'what any node accepted reaches all of them',
  begin({ book, fail, met }) {
    const wanted = new Set<number>()
    return (event) => {
      if (event.ev === 'phase' && event.phase === 'heal')
        for (const { accepted } of book.pages.values())
          for (const each of accepted) wanted.add(each)
      if (event.ev !== 'healed') return
      met()
      const held = new Set(event.held)
      const lacks = [...wanted].filter((each) => !held.has(each) && !mayLack(book, each))
      if (lacks.length > 0) fail(`n${event.node} lacks ${lacks.join()}`)
    }
  },
}

/** What a newer version replaces: who heard of that first never accepts it. */
export function mayLack({ laws }: Book, statement: number): boolean {
  return laws[statement]?.what.type === 'policy'
}

export const L4: Invariant = {
  id: 'L4',
  says: 'once everything is mended, valid requests are allowed everywhere',
  begin({ book, fail, met }) {
    const allowed = new Map<number, number>()
    const denied = new Map<number, string>()
    return (event) => {
      if (event.ev === 'answer' && event.node !== null) {
        if (book.calls.get(event.req)?.asked.action !== PROBE.action) return
        if (event.effect === 'allow') allowed.set(event.node, event.t)
        else denied.set(event.node, event.reason ?? '')
      }
      if (event.ev !== 'healed' || event.node === null) return
      met()
      if ((allowed.get(event.node) ?? 0) < event.t - LATELY_MS)
        fail(
          `n${event.node} allows nothing: ${denied.get(event.node)}; ${event.why ?? 'lease held'}`,
        )
    }
  },
}

export const NO_PROBLEM: Invariant = {
  id: 'P',
  says: 'nodes start, and decisions end with an answer',
  begin({ fail, met }) {
    return (event) => {
      if (event.ev === 'boot') met()
      if (event.ev === 'problem') fail(`n${event.node}: ${event.says}`)
    }
  },
}
