/** When what was said to a mesh binds all of it. */
import type { Event } from '../history.ts'
import type { Book } from './book.ts'

/** When each statement was committed: enough witnesses of one root hold it and speak. */
export class Commits {
  readonly at = new Map<number, number>()
  readonly #book: Book
  /** Statement → root version → witnesses. */
  readonly #holders = new Map<number, Map<number, Set<number>>>()

  constructor(book: Book) {
    this.#book = book
  }

  see(event: Event): void {
    if (event.node === null) return
    if (event.ev === 'accept' && event.speaks !== null)
      this.#holds(event.statement, event.speaks, event.node, event.t)
    if (event.ev === 'announce' && event.counts)
      for (const each of event.held) this.#holds(each, event.root, event.node, event.t)
    if (event.ev === 'restore')
      for (const [statement, versions] of this.#holders)
        if (!event.held.includes(statement))
          for (const holders of versions.values()) holders.delete(event.node)
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
