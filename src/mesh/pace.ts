/** A loop's pace: it waits for its time, or for a reason to look at once. */
import type { Clock } from './ports.ts'

/** Nobody reads why: without it an error with its stack would be made for each wait. */
const WOKEN = 'woken'

export class Pace {
  readonly #clock: Clock
  #due = false
  #wake: () => void = () => {}

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** Ends the wait that runs, or the next one if none does. */
  wake(): void {
    this.#due = true
    this.#wake()
  }

  /** Resolves after ms, when woken, or when the signal aborts. */
  async wait(ms: number, signal: AbortSignal): Promise<void> {
    // A turn of the world at least: a loop that wakes itself must not starve everything else.
    if (this.#due) await this.#clock.sleep(0, signal)
    else if (!signal.aborted) {
      const done = new AbortController()
      this.#wake = () => done.abort(WOKEN)
      signal.addEventListener('abort', this.#wake, { once: true })
      await this.#clock.sleep(ms, done.signal)
      signal.removeEventListener('abort', this.#wake)
      this.#wake = () => {}
    }
    this.#due = false
  }
}
