/**
 * Handover: how witnesses pass from the terms of one root to the next (design
 * 9; FAULTS 1.2, note 4). An old witness that holds the new root says so and
 * never speaks under the old one again: it closes. A new witness speaks once
 * it holds whole the states of enough witnesses that closed: it opens. Then
 * every commit of the old quorum is inside whatever the new one says, and old
 * leases die by their own staleness.
 *
 *     governance/handover   {"closed":3,"opened":3}
 *
 * A number names an era by its first root version. INVARIANT: both only grow,
 * and are durable before they are told; a witness closes only an era that it
 * had opened, so whoever closed carries all that was committed before.
 */
import { utf8 } from '../core/bytes.ts'
import { closersNeeded, type Era, erasOf } from '../core/eras.ts'
import { formatJson, parseCanonical } from '../core/json.ts'
import type { Did } from '../core/keys.ts'
import { BOOT_RETRY_MS, FRAME_BYTES_MAX, HANDOVER_REST_MS } from '../core/limits.ts'
import { integer, object } from '../core/shape.ts'
import type { Challenges, StateSource } from './challenge.ts'
import { Pace } from './pace.ts'
import type { Clock, Network, Put, Store } from './ports.ts'

export interface HandoverPorts {
  readonly network: Network
  readonly clock: Clock
  readonly store: Store
  readonly statements: StateSource
  readonly challenges: Pick<Challenges, 'ask' | 'reach'>
  /** A node that may have forgotten something closes and opens nothing. */
  readonly boot: { readonly done: boolean; onDone(listener: () => void): void }
  persist(puts: readonly Put[]): Promise<void>
}

interface Place {
  readonly opened: number
  readonly closed: number
}

const VERSION = integer(0, Number.MAX_SAFE_INTEGER)
const READ = object({ closed: VERSION, opened: VERSION })

export class Handover {
  readonly #ports: HandoverPorts
  readonly #pace: Pace
  /** As it is on disk. */
  #place: Place
  /** Which era each node closed up to, with its state held whole here. */
  readonly #closers = new Map<Did, number>()
  readonly #asking = new Set<Did>()

  private constructor(ports: HandoverPorts, place: Place) {
    this.#ports = ports
    this.#place = place
    this.#pace = new Pace(ports.clock)
    ports.statements.onChange(() => this.#pace.wake())
    ports.boot.onDone(() => this.#pace.wake())
  }

  static async open(ports: HandoverPorts): Promise<Handover> {
    const kept = await ports.store.get('governance', 'handover')
    const place =
      kept === null ? { opened: 0, closed: 0 } : READ(parseCanonical(kept, FRAME_BYTES_MAX), '')
    return new Handover(ports, place)
  }

  get opened(): number {
    return this.#place.opened
  }

  get closed(): number {
    return this.#place.closed
  }

  /** What this witness waits for before it speaks; null when it waits for nothing. */
  get why(): string | null {
    const pair = this.#wanted().at(-1)
    if (pair === undefined) return null
    const { before, era } = pair
    const have = this.#closersOf(before, era, this.#place.closed)
    return `handover: ${have} of ${closersNeeded(before)} witnesses closed what came before root v${era.from}`
  }

  /** Closes and opens as soon as it may. Returns when the signal aborts. */
  async run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      if (this.#ports.boot.done) {
        await this.#advance()
        for (const peer of this.#unasked()) void this.#ask(peer, signal)
      }
      await this.#pace.wait(this.#rests ? HANDOVER_REST_MS : BOOT_RETRY_MS, signal)
    }
  }

  /** Whether nothing is to be done before a new root, or the end of the boot check. */
  get #rests(): boolean {
    return !this.#ports.boot.done || (this.#wanted().length === 0 && this.#isWhere(this.#next()))
  }

  #isWhere({ opened, closed }: Place): boolean {
    return this.#place.opened === opened && this.#place.closed === closed
  }

  async #advance(): Promise<void> {
    const next = this.#next()
    if (this.#isWhere(next)) return
    const value = utf8(formatJson({ closed: next.closed, opened: next.opened }))
    try {
      await this.#ports.persist([{ space: 'governance', key: 'handover', value }])
    } catch {
      // Not durable, so not said: the log opens its store anew, and the next round tries again.
      return
    }
    this.#place = next
  }

  /** Goes through the eras, oldest first; one that it cannot open yet it does not close either. */
  #next(): Place {
    let { opened, closed } = this.#place
    const eras = this.#eras()
    for (const [at, era] of eras.entries()) {
      if (!this.#speaksIn(era)) continue
      if (era.from > opened && this.#mayOpen(eras[at - 1], era, closed)) opened = era.from
      const after = eras[at + 1]
      if (opened === era.from && after !== undefined) closed = Math.max(closed, after.from)
    }
    return { opened, closed }
  }

  #mayOpen(before: Era | undefined, era: Era, closed: number): boolean {
    return before === undefined || this.#closersOf(before, era, closed) >= closersNeeded(before)
  }

  /** @param closed this node's own, which counts as well */
  #closersOf(before: Era, era: Era, closed: number): number {
    const closedBy = (node: Did) =>
      node === this.#ports.network.self ? closed : (this.#closers.get(node) ?? 0)
    return before.witnesses.filter((witness) => closedBy(witness) >= era.from).length
  }

  #eras(): readonly Era[] {
    return erasOf(this.#ports.statements.governance.roots)
  }

  #speaksIn(era: Era): boolean {
    return era.witnesses.includes(this.#ports.network.self)
  }

  /** The eras that it would speak in and has not opened, each with the one before. */
  #wanted(): { readonly before: Era; readonly era: Era }[] {
    const eras = this.#eras()
    return eras.flatMap((era, at) => {
      const before = eras[at - 1]
      const waits = before !== undefined && this.#speaksIn(era) && era.from > this.#place.opened
      return waits ? [{ before, era }] : []
    })
  }

  #unasked(): Did[] {
    const wanted = this.#wanted().flatMap(({ before, era }) =>
      before.witnesses.filter((witness) => (this.#closers.get(witness) ?? 0) < era.from),
    )
    const { self } = this.#ports.network
    return [...new Set(wanted)].filter((peer) => peer !== self && !this.#asking.has(peer))
  }

  async #ask(peer: Did, signal: AbortSignal): Promise<void> {
    const { challenges } = this.#ports
    this.#asking.add(peer)
    try {
      const { answer } = await challenges.ask(peer, { ids: [], own: false }, signal)
      // One that may have forgotten what it said has not closed anything yet.
      if (!answer.checked || answer.closed <= (this.#closers.get(peer) ?? 0)) return
      await challenges.reach(answer, signal)
      this.#closers.set(peer, answer.closed)
      this.#pace.wake()
    } catch {
      // Asked again in the next round: until enough have closed, this witness stays silent.
    } finally {
      this.#asking.delete(peer)
    }
  }
}
