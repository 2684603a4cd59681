/** What witnesses answered each node in its present life, and for how long a lease can rest on that (Q3). */
import { LEASE_PAUSE_MS } from '../../../src/core/limits.ts'
import type { Event } from '../history.ts'
import type { Book, RootLaw } from './book.ts'

/** Between two looks at the clocks, which are read in whole milliseconds. */
const MARGIN_MS = 250
/** Of one witness: older ones are of no use by then. */
const KEPT = 20

type Answer = Extract<Event, { ev: 'answer' }>

interface Heard {
  readonly digest: string
  readonly root: number
  readonly asked: number
  readonly dated: number
}

export class Voices {
  readonly #book: Book
  /** Node → witness → what it answered in this life of the node. */
  readonly #heard = new Map<number, Map<number, Heard[]>>()
  readonly #states = new Map<string, readonly number[]>()
  /** Node → its monotonic time when it last went on after a pause: what was asked before counts no more (Q4). */
  readonly #emptied = new Map<number, number>()

  constructor(book: Book) {
    this.#book = book
  }

  see(event: Event): void {
    if (event.ev === 'announce') this.#states.set(event.digest, event.held)
    if (event.node === null) return
    const { node } = event
    if (event.ev === 'boot') {
      this.#heard.set(node, new Map())
      this.#emptied.delete(node)
    }
    if (event.ev === 'resume' && noticed(event.suspended, event.ms, skewMsOf(this.#book)))
      this.#emptied.set(node, event.mono)
    if (event.ev === 'heard' && event.counts) {
      const heard = this.#heard.get(node)?.get(event.from) ?? []
      heard.push(event)
      this.#heard.get(node)?.set(event.from, heard.slice(-KEPT))
    }
  }

  /** How many a lease rests on that lets the node give this answer, within a staleness. */
  countedBy(node: number, root: RootLaw, event: Answer, stalenessMs: number): number {
    const others = root.witnesses.filter(
      (each) =>
        each !== node &&
        !this.#book.distrusts(node, each) &&
        this.#of(node, each, root).some((voice) =>
          this.#fresh(voice, node, root, event, stalenessMs),
        ),
    )
    const self = event.speaks === root.version && root.witnesses.includes(node) ? 1 : 0
    return others.length + self
  }

  /** Monotonic time of the node until which it can hold a lease, whatever else it hears of clocks and states. */
  untilMs(node: number): number {
    const root = this.#book.rootAt(node)
    if (root === null) return 0
    const last = (witness: number) =>
      Math.max(0, ...this.#of(node, witness, root).map(({ asked }) => asked))
    const ends = root.witnesses.map((each) => {
      if (each === node) return Number.POSITIVE_INFINITY
      const asked = last(each)
      return asked === 0 ? 0 : asked + root.lease.stalenessMs
    })
    return ends.sort((a, b) => b - a)[root.lease.read - 1] ?? 0
  }

  #of(node: number, witness: number, root: RootLaw): readonly Heard[] {
    const emptied = this.#emptied.get(node) ?? 0
    const heard = this.#heard.get(node)?.get(witness) ?? []
    return heard.filter((voice) => voice.root === root.version && voice.asked >= emptied)
  }

  #fresh(
    voice: Heard,
    node: number,
    { lease: { skewMs } }: RootLaw,
    { mono, wall }: Answer,
    stalenessMs: number,
  ): boolean {
    if (mono - voice.asked > stalenessMs) return false
    if (wall - voice.dated > stalenessMs + skewMs || voice.dated > wall + skewMs) return false
    const { accepted } = this.#book.page(node)
    return this.#states.get(voice.digest)?.every((each) => accepted.has(each)) === true
  }
}

/** A process that was stopped sees a gap in its time, one that was suspended a step of the wall clock. */
function noticed(suspended: boolean, ms: number, skewMs: number): boolean {
  return ms > (suspended ? skewMs : LEASE_PAUSE_MS) + MARGIN_MS
}

function skewMsOf(book: Book): number {
  return Math.max(...[...book.roots.values()].map(({ lease }) => lease.skewMs))
}
