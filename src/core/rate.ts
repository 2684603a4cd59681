/** How often a peer may ask, in each second: what is cheap for one question is not for ten thousand. */
import type { Did } from './keys.ts'
import { PEERS_MAX } from './limits.ts'

const WINDOW_MS = 1000

export class Rate {
  readonly #clock: { monotonicMs(): number }
  readonly #max: number
  #beganMs: number
  readonly #asked = new Map<Did, number>()

  /** @param max questions of one peer in a second */
  constructor(clock: { monotonicMs(): number }, max: number) {
    this.#clock = clock
    this.#max = max
    this.#beganMs = clock.monotonicMs()
  }

  /** Counts the question; false for one too many. */
  allows(peer: Did): boolean {
    const nowMs = this.#clock.monotonicMs()
    if (nowMs - this.#beganMs >= WINDOW_MS) {
      this.#beganMs = nowMs
      this.#asked.clear()
    }
    const count = (this.#asked.get(peer) ?? 0) + 1
    if (count > this.#max || this.#asked.size > PEERS_MAX) return false
    this.#asked.set(peer, count)
    return true
  }
}
