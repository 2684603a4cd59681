/**
 * Promises that must answer by a time: one timer for all of them, instead of
 * one for each. Nearly all are answered long before; then nothing is done for them.
 */
import type { Clock } from './ports.ts'

interface Waiting {
  readonly endsMs: number
  readonly late: () => void
}

export class Deadlines {
  readonly #clock: Clock
  readonly #waiting = new Set<Waiting>()
  /** When the timer ends, monotonic; infinite while there is none. */
  #wakeMs = Number.POSITIVE_INFINITY
  #sooner = new AbortController()

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** What the promise gives, or `late` at that monotonic time. */
  within<T>(promise: Promise<T>, endsMs: number): Promise<T | 'late'> {
    if (endsMs <= this.#clock.monotonicMs()) return Promise.resolve('late')
    return new Promise((resolve, reject) => {
      const waiting: Waiting = { endsMs, late: () => resolve('late') }
      this.#waiting.add(waiting)
      promise.then(
        (value) => {
          this.#waiting.delete(waiting)
          resolve(value)
        },
        (error: unknown) => {
          this.#waiting.delete(waiting)
          reject(error)
        },
      )
      this.#wakeBy(endsMs)
    })
  }

  #wakeBy(endsMs: number): void {
    if (endsMs >= this.#wakeMs) return
    const asleep = this.#wakeMs !== Number.POSITIVE_INFINITY
    this.#wakeMs = endsMs
    if (asleep) this.#sooner.abort()
    else void this.#tick()
  }

  async #tick(): Promise<void> {
    while (this.#wakeMs !== Number.POSITIVE_INFINITY) {
      this.#sooner = new AbortController()
      // Whole milliseconds: a rest smaller than what the clock tells apart would never pass.
      const leftMs = Math.ceil(this.#wakeMs - this.#clock.monotonicMs())
      await this.#clock.sleep(Math.max(1, leftMs), this.#sooner.signal)
      this.#endDue()
    }
  }

  #endDue(): void {
    const nowMs = this.#clock.monotonicMs()
    let nextMs = Number.POSITIVE_INFINITY
    for (const waiting of this.#waiting) {
      if (waiting.endsMs > nowMs) nextMs = Math.min(nextMs, waiting.endsMs)
      else {
        this.#waiting.delete(waiting)
        waiting.late()
      }
    }
    this.#wakeMs = nextMs
  }
}
