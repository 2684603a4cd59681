/**
 * How fast the questions of one peer are answered. Who asks faster waits with
 * each in its place: were it refused at once, it would ask again at once, and a
 * refusal takes as long as many an answer.
 */
import type { Did } from '../core/keys.ts'
import { ASK_TIMEOUT_MS, ASKS_UNSPACED, PEERS_MAX } from '../core/limits.ts'
import type { Clock } from '../mesh/ports.ts'

const SECOND_MS = 1000

export class Spacing {
  readonly #clock: Pick<Clock, 'monotonicMs'>
  readonly #everyMs: number
  /** Of each peer, when its next one were begun if they came evenly. */
  readonly #nextMs = new Map<Did, number>()

  constructor(clock: Pick<Clock, 'monotonicMs'>, perSecond: number) {
    this.#clock = clock
    this.#everyMs = SECOND_MS / perSecond
  }

  /** How long this question of the peer has to wait, in milliseconds. It counts. */
  waitMs(peer: Did): number {
    const atMs = this.charge(peer, 1)
    return Math.max(0, atMs - this.#clock.monotonicMs() - (ASKS_UNSPACED - 1) * this.#everyMs)
  }

  /** As so many questions. @returns when that were its turn, if they came evenly */
  charge(peer: Did, questions: number): number {
    const nowMs = this.#clock.monotonicMs()
    const atMs = Math.max(nowMs, this.#nextMs.get(peer) ?? nowMs)
    this.#nextMs.delete(peer)
    // Owed without an end, it kept a peer that is honest again waiting for as long.
    const owedMs = Math.min(atMs - nowMs + questions * this.#everyMs, ASK_TIMEOUT_MS)
    this.#nextMs.set(peer, nowMs + owedMs)
    const oldest = this.#nextMs.keys().next().value
    if (this.#nextMs.size > PEERS_MAX && oldest !== undefined) this.#nextMs.delete(oldest)
    return atMs
  }
}
