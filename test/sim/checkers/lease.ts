/** Permission to allow at all, and how long without a word: S3 (Q3), Q1, Q2. */
import type { Event } from '../history.ts'
import type { Book } from './book.ts'
import type { Invariant } from './checker.ts'
import { Voices } from './voices.ts'

export const S3: Invariant = {
  id: 'S3',
  says: 'an allow has a lease: enough witnesses answered lately, each with a state that is held whole',
  begin({ book, fail, met }) {
    const voices = new Voices(book)
    return (event) => {
      voices.see(event)
      if (event.node === null || event.ev !== 'answer' || event.effect !== 'allow') return
      const { node, req } = event
      const root = book.roots.get(event.root ?? 0)
      if (root === undefined) return fail(`n${node} allowed ${req} under no root`)
      const { read, stalenessMs } = root.lease
      const counted = voices.countedBy(node, root, event, stalenessMs)
      if (read > 1 || event.speaks !== root.version || !root.witnesses.includes(node)) met()
      if (counted < read) fail(`n${node} allowed ${req} with ${counted} of ${read} voices`)
    }
  },
}

/** When each statement was committed: enough witnesses of one root hold it and speak. */
export class Commits {
  readonly at = new Map<number, number>()
  readonly #book: Book
  /** Statement → root version → witnesses. */
  readonly #holders = new Map<number, Map<number, Set<number>>>()
  /** Node → in which life it was seen to speak, under which root, and how much it held then. */
  readonly #spoke = new Map<number, string>()

  constructor(book: Book) {
    this.#book = book
  }

  see(event: Event): void {
    if (event.node === null) return
    if ((event.ev === 'heard' || event.ev === 'printed') && event.speaks !== null)
      this.#speaks(event.node, event.inc, event.speaks, event.t)
    if (event.ev === 'accept' && event.speaks !== null)
      this.#holds(event.statement, event.speaks, event.node, event.t)
    if (event.ev === 'announce' && event.counts)
      for (const each of event.held) this.#holds(each, event.root, event.node, event.t)
    if (event.ev === 'restore')
      for (const [statement, versions] of this.#holders)
        if (!event.held.includes(statement))
          for (const holders of versions.values()) holders.delete(event.node)
  }

  /** What it accepted while it was silent counts from when it speaks. */
  #speaks(node: number, inc: number, version: number, t: number): void {
    const { accepted } = this.#book.page(node)
    const now = `${inc}/${version}/${accepted.size}`
    if (this.#spoke.get(node) === now) return
    this.#spoke.set(node, now)
    for (const each of accepted) this.#holds(each, version, node, t)
  }

  #holds(statement: number, version: number, node: number, t: number): void {
    const root = this.#book.roots.get(version)
    if (this.at.has(statement) || root === undefined || !root.witnesses.includes(node)) return
    const versions = this.#holders.get(statement) ?? new Map<number, Set<number>>()
    this.#holders.set(statement, versions)
    const holders = versions.get(version) ?? new Set()
    versions.set(version, holders)
    holders.add(node)
    if (holders.size >= root.lease.write) this.at.set(statement, t)
  }
}

export const Q1: Invariant = {
  id: 'Q1',
  says: 'nothing is allowed that a revocation covers which was committed staleness and two skews ago',
  begin({ book, fail, met }) {
    const commits = new Commits(book)
    const boundMs = () => {
      const bounds = [...book.roots.values()].map(
        ({ lease }) => lease.stalenessMs + 2 * lease.skewMs,
      )
      return Math.max(...bounds)
    }
    return (event) => {
      commits.see(event)
      if (event.ev !== 'answer' || event.node === null) return
      const called = book.calls.get(event.req)
      if (called === undefined) return
      for (const [number, committedMs] of commits.at) {
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
