/**
 * What stands between one life of a node and the world. A process that crashed
 * never hears of what it waited for; one that is stopped hears it when it goes
 * on. Its clocks are its own: the wall clock may be wrong and may step, and
 * the monotonic one stands still while the machine is suspended.
 */
import type { Clock } from '../../src/mesh/ports.ts'
import type { VirtualClock } from './clock.ts'

export class Gate {
  readonly #world: VirtualClock
  #is: 'running' | 'stopped' | 'gone' = 'running'
  #held: (() => void)[] = []

  constructor(world: VirtualClock) {
    this.#world = world
  }

  get gone(): boolean {
    return this.#is === 'gone'
  }

  get running(): boolean {
    return this.#is === 'running'
  }

  /** Runs now; once it goes on, if it is stopped; never, if it is gone. */
  enter(run: () => void): void {
    if (this.#is === 'running') run()
    else if (this.#is === 'stopped') this.#held.push(run)
  }

  through<T>(promise: Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      promise.then(
        (value) => this.enter(() => resolve(value)),
        (error: unknown) => this.enter(() => reject(error)),
      )
    })
  }

  stop(): void {
    if (this.#is === 'running') this.#is = 'stopped'
  }

  /** One after the other, each with all that follows from it. */
  go(): void {
    if (this.#is !== 'stopped') return
    this.#is = 'running'
    for (const run of this.#held.splice(0)) this.#world.after(0, () => this.enter(run))
  }

  kill(): void {
    this.#is = 'gone'
    this.#held = []
  }
}

/** Left over from adding and subtracting fractions of milliseconds. */
const ROUNDING_MS = 1e-6

/** The clocks of one machine; they outlive a crash. */
export class MachineClock {
  readonly world: VirtualClock
  /** Of its wall clock, against true time. */
  offsetMs = 0
  /** For how long it was suspended, so far. */
  suspendedMs = 0
  /** Its wall clock gains so much of each millisecond. */
  #drift = 0
  #driftsFromMs = 0

  constructor(world: VirtualClock) {
    this.world = world
  }

  wallMs(): number {
    return Math.floor(this.world.wallMs() + this.offsetMs + this.#drifted())
  }

  /** @param share 0.1: eleven seconds for ten; negative is slow */
  drift(share: number): void {
    this.offsetMs += this.#drifted()
    this.#drift = share
    this.#driftsFromMs = this.world.monotonicMs()
  }

  #drifted(): number {
    return this.#drift * (this.world.monotonicMs() - this.#driftsFromMs)
  }

  monotonicMs(): number {
    return this.world.monotonicMs() - this.suspendedMs
  }
}

export class GatedClock implements Clock {
  readonly #machine: MachineClock
  readonly #gate: Gate

  constructor(machine: MachineClock, gate: Gate) {
    this.#machine = machine
    this.#gate = gate
  }

  wallMs(): number {
    return this.#machine.wallMs()
  }

  monotonicMs(): number {
    return this.#machine.monotonicMs()
  }

  bootMs(): number {
    return this.#machine.world.monotonicMs()
  }

  sleep(ms: number, signal?: AbortSignal): Promise<void> {
    if (signal?.aborted === true) return Promise.resolve()
    const { world } = this.#machine
    const dueMs = this.monotonicMs() + ms
    return new Promise((resolve) => {
      const early = () => {
        event.run = null
        resolve()
      }
      const look = () => {
        const leftMs = dueMs - this.monotonicMs()
        if (leftMs > ROUNDING_MS) {
          event = world.after(leftMs, enter)
          return
        }
        deaf()
        resolve()
      }
      const enter = () => this.#gate.enter(look)
      let event = world.after(ms, enter)
      const deaf = world.listen(signal, early)
    })
  }
}
