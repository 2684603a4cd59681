/** Whom to ask next, when many are asked the same until they give the answer that is wanted. */
import type { Did } from '../core/keys.ts'
import { SPREAD_ASKS_MAX, SPREAD_POLL_MS } from '../core/limits.ts'

/** Everybody in turn, a bounded number at once; who is slow holds up nobody. */
export class Round {
  readonly #targets: () => readonly Did[]
  readonly #asking = new Set<Did>()
  #asked = new Set<Did>()
  /** When everybody was begun to be asked, the last time. */
  #beganMs: number | null = null

  constructor(targets: () => readonly Did[]) {
    this.#targets = targets
  }

  /** Whether everybody was asked, and answered or failed, at least once. */
  get over(): boolean {
    return this.#asking.size === 0 && this.#targets().every((peer) => this.#asked.has(peer))
  }

  answered(peer: Did): void {
    this.#asking.delete(peer)
  }

  /** Whom to ask now; who failed at once is asked again in the next round, and rounds have a pace. */
  next(nowMs: number): readonly Did[] {
    const free = this.#targets().filter((peer) => !this.#asking.has(peer))
    let due = free.filter((peer) => !this.#asked.has(peer))
    this.#beganMs ??= nowMs
    if (due.length === 0 && nowMs - this.#beganMs >= SPREAD_POLL_MS) {
      this.#beganMs = nowMs
      this.#asked = new Set(this.#asking)
      due = free
    }
    const chosen = due.slice(0, SPREAD_ASKS_MAX - this.#asking.size)
    for (const peer of chosen) {
      this.#asking.add(peer)
      this.#asked.add(peer)
    }
    return chosen
  }
}
