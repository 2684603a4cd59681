/** How witnesses pass from one root to the next, counted from what they said, held and heard alone: the second half of Q6. */
import type { LeaseTerms } from '../../../src/core/statement/root.ts'
import type { Event, Law } from '../history.ts'
import type { Book, RootLaw } from './book.ts'

type Heard = Extract<Event, { ev: 'heard' }>

/** Roots with the same witnesses and the same terms, one after the other. */
export interface Era {
  readonly number: number
  readonly witnesses: readonly number[]
  readonly lease: LeaseTerms
}

/** What a witness told a node. */
interface Told {
  readonly held: readonly number[]
  readonly era: number
  /** The newest era in which it may have spoken by then; -1 for none. */
  opened: number
}

const TERMS = ['read', 'write', 'faults', 'stalenessMs', 'skewMs'] as const

export class Handovers {
  readonly #book: Book
  readonly eras: Era[] = []
  /** Version → era. */
  readonly #eraOf = new Map<number, number>()
  readonly #states = new Map<string, readonly number[]>()
  /** Node → witness → digest → what it told. */
  readonly #told = new Map<number, Map<number, Map<string, Told>>>()
  readonly #opened = new Map<number, number>()

  constructor(book: Book) {
    this.#book = book
  }

  made({ what, lease }: Law): void {
    if (what.type !== 'root' || lease === null) return
    const last = this.eras.at(-1)
    if (last === undefined || !same(last, { ...what, lease }))
      this.eras.push({ number: this.eras.length, witnesses: what.witnesses, lease })
    this.#eraOf.set(what.version, this.eras.length - 1)
  }

  of(version: number): Era | null {
    return this.eras[this.#eraOf.get(version) ?? -1] ?? null
  }

  see(event: Event): void {
    if (this.eras.length < 2 || event.node === null) return
    if (event.ev === 'announce') this.#states.set(event.digest, event.held)
    if (event.ev === 'heard' && event.counts) this.#heard(event, event.node)
  }

  /** Whether it may speak in the era, by what it heard. */
  mayOpen(node: number, era: Era): boolean {
    return this.#openedBy(node, era.number) >= era.number
  }

  /** It holds the new root, so it is silent under the old one; it spoke there, so it holds what was committed; and all of that is held here. */
  #closes({ held, era, opened }: Told, { number }: Era, node: number): boolean {
    if (era < number || opened < number - 1) return false
    const { accepted } = this.#book.page(node)
    return held.every((each) => accepted.has(each))
  }

  #heard({ from, digest, root }: Heard, node: number): void {
    const era = this.#eraOf.get(root) ?? 0
    const held = this.#states.get(digest)
    if (era === 0 || held === undefined) return
    const witnesses = this.#told.get(node) ?? new Map<number, Map<string, Told>>()
    this.#told.set(node, witnesses)
    const told = witnesses.get(from) ?? new Map<string, Told>()
    witnesses.set(from, told)
    const known = told.get(digest) ?? { held, era, opened: -1 }
    told.set(digest, known)
    // What it opened later than the era before its own closes no more.
    if (known.opened < era - 1) known.opened = this.#openedBy(from, era)
  }

  #toldBy(node: number, witness: number): readonly Told[] {
    return [...(this.#told.get(node)?.get(witness)?.values() ?? [])]
  }

  /** The newest era, up to this one, that it may have opened: one after the other, as far as they are its own. */
  #openedBy(node: number, upTo: number): number {
    let opened = this.#opened.get(node) ?? -1
    for (const era of this.eras.slice(opened + 1, upTo + 1)) {
      if (!era.witnesses.includes(node)) continue
      const before = this.eras[era.number - 1]
      if (before !== undefined && this.closersOf(node, era) < neededOf(before)) continue
      opened = era.number
      this.#opened.set(node, opened)
    }
    return opened
  }

  /** How many closed what came before the era, as far as the node knows. */
  closersOf(node: number, era: Era): number {
    const before = this.eras[era.number - 1]
    const closed = (witness: number) =>
      witness === node
        ? (this.#opened.get(node) ?? -1) >= era.number - 1
        : this.#toldBy(node, witness).some((told) => this.#closes(told, era, node))
    return before?.witnesses.filter(closed).length ?? 0
  }
}

/** So many that fewer than any quorum are left. */
function neededOf({ witnesses, lease }: Era): number {
  return witnesses.length - fewestOf(lease) + 1
}

export function fewestOf({ read, write }: LeaseTerms): number {
  return Math.min(read, write)
}

function same(a: Era, b: Pick<RootLaw, 'witnesses' | 'lease'>): boolean {
  const places = new Set(b.witnesses)
  return (
    a.witnesses.length === places.size &&
    a.witnesses.every((each) => places.has(each)) &&
    TERMS.every((term) => a.lease[term] === b.lease[term])
  )
}
