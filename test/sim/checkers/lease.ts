/** Permission to allow at all, and how long without a word: S3 (Q3), Q9, Q1, Q2. */
import type { Book } from './book.ts'
import type { Invariant } from './checker.ts'

export const S3: Invariant = {
  id: 'S3',
  says: 'an allow has a lease: enough witnesses answered lately, each with a state that is held whole',
  begin({ book, fail, met }) {
    return (event) => {
      if (event.node === null || event.ev !== 'answer' || event.effect !== 'allow') return
      const { node, req } = event
      const root = book.roots.get(event.root ?? 0)
      if (root === undefined) return fail(`n${node} allowed ${req} under no root`)
      const { read, stalenessMs } = root.lease
      const counted = book.voices.countedBy(node, root, event, stalenessMs)
      if (read > 1 || event.speaks !== root.version || !root.witnesses.includes(node)) met()
      if (counted < read) fail(`n${node} allowed ${req} with ${counted} of ${read} voices`)
    }
  },
}

export const Q9: Invariant = {
  id: 'Q9',
  says: 'what a bundle is stricter with is allowed with the fresher lease that it asks for',
  begin({ book, fail, met }) {
    return (event) => {
      if (event.node === null || event.ev !== 'answer' || event.effect !== 'allow') return
      const { node, req } = event
      const strict = book.strictAt(node, event.policy)
      const root = book.roots.get(event.root ?? 0)
      if (strict === null || root === undefined) return
      if (strict.action !== book.calls.get(req)?.asked.action) return
      const { read, stalenessMs } = root.lease
      if (strict.ms < stalenessMs) met()
      const counted = book.voices.countedBy(node, root, event, Math.min(strict.ms, stalenessMs))
      if (counted < read)
        fail(`n${node} allowed ${req} with ${counted} of ${read} voices, under ${strict.ms} ms`)
    }
  },
}

export const Q1: Invariant = {
  id: 'Q1',
  says: 'nothing is allowed that a revocation covers which was committed staleness and two skews ago',
  begin({ book, fail, met }) {
    const boundMs = () => {
      const bounds = [...book.roots.values()].map(
        ({ lease }) => lease.stalenessMs + 2 * lease.skewMs,
      )
      return Math.max(...bounds)
    }
    return (event) => {
      if (event.ev !== 'answer' || event.node === null) return
      const called = book.calls.get(event.req)
      if (called === undefined) return
      for (const [number, committedMs] of book.commits.at) {
        const law = book.laws[number]
        if (law === undefined || !book.covers(law, called.asked, event.record?.id ?? null)) continue
        if (!book.page(event.node).accepted.has(number)) met()
        const late = event.t - committedMs
        if (event.effect === 'allow' && late > boundMs())
          fail(
            `n${event.node} allowed ${event.req} ${late.toFixed(0)} ms after statement ${number} was committed`,
          )
      }
    }
  },
}

export const Q2: Invariant = {
  id: 'Q2',
  says: 'what a node signs is durable there, and never goes back',
  begin({ book, fail, met }) {
    const said = new Map<string, { readonly held: readonly number[]; readonly inc: number }>()
    return (event) => {
      if (event.ev !== 'announce' || event.node === null) return
      const { node, held, volatile, inc } = event
      const { accepted, restores } = book.page(node)
      if (volatile.length > 0) fail(`n${node} signed ${volatile.join()}, which is not on its disk`)
      const unknown = held.filter((each) => !accepted.has(each))
      if (unknown.length > 0) fail(`n${node} signed ${unknown.join()}, which it did not accept`)
      const key = `${node}/${restores}`
      const before = said.get(key)
      said.set(key, { held, inc })
      if (before === undefined || before.held === held) return
      if (before.inc !== inc) met()
      const now = new Set(held)
      const gone = before.held.filter((each) => !now.has(each) && !disarmable(book, each))
      if (gone.length > 0) fail(`n${node} signed ${gone.join()} before, and no more`)
    }
  },
}

/** A newer root may take force from a policy. */
function disarmable(book: Book, number: number): boolean {
  return book.laws[number]?.what.type === 'policy'
}
