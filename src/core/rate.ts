/** How often somebody may ask, in each second: what is cheap for one question is not for ten thousand. */
import { PEERS_MAX } from './limits.ts'

const WINDOW_MS = 1000

export class Rate {
  readonly #clock: { monotonicMs(): number }
  readonly #max: number
  #beganMs: number
  readonly #asked = new Map<string, number>()

  /** @param max questions of one of them in a second */
  constructor(clock: { monotonicMs(): number }, max: number) {
    this.#clock = clock
    this.#max = max
    this.#beganMs = clock.monotonicMs()
  }

  /** Counts the question; false for one too many. @param who a did, an address: what tells one from another */
  allows(who: string): boolean {
    const nowMs = this.#clock.monotonicMs()
    if (nowMs - this.#beganMs >= WINDOW_MS) {
      this.#beganMs = nowMs
      this.#asked.clear()
    }
    const count = (this.#asked.get(who) ?? 0) + 1
    if (count > this.#max || this.#asked.size > PEERS_MAX) return false
    this.#asked.set(who, count)
    return true
  }
}
