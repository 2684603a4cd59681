/**
 * Time made from a seed: events in order of their moment, nothing moves unless
 * a test advances it. After each event the world settles: every microtask that
 * follows from it has run before the next one begins, so one seed gives one trace.
 */
import { setImmediate as settled } from 'node:timers/promises'
import type { Clock, Random } from '../../src/mesh/ports.ts'

/** mulberry32: small, seeded, good enough to be unlucky with. */
export class Dice implements Random {
  #state: number

  constructor(seed: number) {
    this.#state = seed >>> 0
  }

  /** In [0, 1). */
  unit(): number {
    this.#state = (this.#state + 0x6d2b79f5) | 0
    let t = Math.imul(this.#state ^ (this.#state >>> 15), 1 | this.#state)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32
  }

  integer(below: number): number {
    return Math.floor(this.unit() * below)
  }

  bytes(length: number): Uint8Array {
    return Uint8Array.from({ length }, () => this.integer(256))
  }
}

/** 2026-11-24T14:00:00.000Z, where every world begins. */
export const BEGINNING_MS = 1_795_528_800_000

/** A loop that waits for no time at all is a finding, not a test that hangs. */
const STILL_EVENTS_MAX = 100_000

/** Events that the loop of the process is asked for at once: each of its rounds costs as much as an event. */
const TURNS = 64

export interface Event {
  readonly atMs: number
  readonly order: number
  /** null: it is not waited for any more. */
  run: (() => void) | null
}

export class VirtualClock implements Clock {
  readonly dice: Dice
  #nowMs = 0
  #wallOffsetMs = 0
  #sleptMs = 0
  #order = 0
  /** Events so far at this very moment. */
  #still = 0
  /** A binary heap: by moment, then by order of asking. */
  readonly #events: Event[] = []
  /** Ends what listens to signals. */
  readonly #listening = new Set<() => void>()

  constructor(seed = 1) {
    this.dice = new Dice(seed)
  }

  wallMs(): number {
    return BEGINNING_MS + this.#nowMs + this.#wallOffsetMs
  }

  monotonicMs(): number {
    return this.#nowMs
  }

  bootMs(): number {
    return this.#nowMs + this.#sleptMs
  }

  /** Steps the wall clock alone; negative goes back. */
  stepWall(ms: number): void {
    this.#wallOffsetMs += ms
  }

  /** As a machine that was suspended: the wall clock goes on, and the monotonic one does not. */
  suspend(ms: number): void {
    this.#sleptMs += ms
    this.#wallOffsetMs += ms
  }

  sleep(ms: number, signal?: AbortSignal): Promise<void> {
    if (signal?.aborted === true) return Promise.resolve()
    return new Promise((resolve) => {
      const early = () => {
        event.run = null
        resolve()
      }
      const event = this.after(ms, () => {
        deaf()
        resolve()
      })
      const deaf = this.listen(signal, early)
    })
  }

  /** Calls it when the signal aborts, until what this gives is called. */
  listen(signal: AbortSignal | undefined, heard: () => void): () => void {
    if (signal === undefined) return () => {}
    signal.addEventListener('abort', heard, { once: true })
    const deaf = () => {
      signal.removeEventListener('abort', heard)
      this.#listening.delete(deaf)
    }
    this.#listening.add(deaf)
    return deaf
  }

  /** Nothing happens any more. Node keeps a signal made of others while anybody listens to it, and so a whole world. */
  end(): void {
    for (const deaf of [...this.#listening]) deaf()
    this.#events.length = 0
  }

  /** Runs the event ms from now; what a twin of the network or the disk is made of. */
  after(ms: number, run: () => void): Event {
    const event = { atMs: this.#nowMs + Math.max(0, ms), order: this.#order++, run }
    push(this.#events, event)
    return event
  }

  /** Lets every microtask run. */
  async settle(): Promise<void> {
    await settled()
  }

  /** Moves ms forward, through every event on the way. */
  async advance(ms: number): Promise<void> {
    const endMs = this.#nowMs + ms
    await settled()
    await this.#run(() => this.#step(endMs))
    this.#nowMs = endMs
  }

  /** Moves forward until the promise has settled, at most limitMs; then gives what it gave. */
  async until<T>(promise: Promise<T>, limitMs = 600_000): Promise<T> {
    let done = false
    const mark = () => {
      done = true
    }
    promise.then(mark, mark)
    const endMs = this.#nowMs + limitMs
    await settled()
    await this.#run(() => !done && this.#step(endMs))
    if (!done) throw new Error(`nothing settles it within ${limitMs} ms`)
    return promise
  }

  /** Steps until one says that it was the last. Between two, every microtask runs. */
  #run(step: () => boolean): Promise<void> {
    return new Promise((resolve, reject) => {
      let over = false
      const turn = () => {
        if (over) return
        try {
          over = !step()
          if (over) resolve()
        } catch (error) {
          over = true
          reject(error)
        }
      }
      const turns = () => {
        if (over) return
        for (let i = 0; i < TURNS; i += 1) setImmediate(turn)
        setImmediate(turns)
      }
      turns()
    })
  }

  /** false: nothing happens until then. */
  #step(endMs: number): boolean {
    let next = this.#events[0]
    for (; next?.run === null; next = this.#events[0]) pop(this.#events)
    if (next === undefined || next.atMs > endMs) return false
    pop(this.#events)
    this.#still = next.atMs === this.#nowMs ? this.#still + 1 : 0
    if (this.#still > STILL_EVENTS_MAX) throw new Error(`time stands still at ${this.#nowMs} ms`)
    this.#nowMs = next.atMs
    next.run?.()
    return true
  }
}

const before = (a: Event, b: Event) => a.atMs - b.atMs || a.order - b.order

function push(heap: Event[], event: Event): void {
  heap.push(event)
  for (let at = heap.length - 1; at > 0; ) {
    const parent = (at - 1) >> 1
    if (before(heap[parent] as Event, event) <= 0) return
    heap[at] = heap[parent] as Event
    heap[parent] = event
    at = parent
  }
}

function pop(heap: Event[]): void {
  const last = heap.pop()
  if (last === undefined || heap.length === 0) return
  heap[0] = last
  for (let at = 0; ; ) {
    let least = at
    for (const child of [2 * at + 1, 2 * at + 2])
      if (child < heap.length && before(heap[child] as Event, heap[least] as Event) < 0)
        least = child
    if (least === at) return
    heap[at] = heap[least] as Event
    heap[least] = last
    at = least
  }
}
