/**
 * How much of this node's time each peer takes for nothing: reading what is
 * malformed, unsigned, or of no use. A peer may take a share of it; one that
 * takes more is not listened to until it has paid that back (FAULTS 37).
 *
 *     100 ms ┤   ╱╲ refused        a flood is heard for 100 ms, and then for
 *            │ ╱╱   ╲╲             20 ms of every second
 *          0 ┼╱────────╲──
 */
import type { Did } from '../core/keys.ts'
import { BURDEN_MS_MAX, BURDEN_SHARE, PEERS_MAX } from '../core/limits.ts'
import type { Verdict } from '../core/verdict.ts'
import type { Clock } from './ports.ts'

interface Debt {
  readonly ms: number
  readonly atMs: number
}

export class Burden {
  readonly #clock: Pick<Clock, 'monotonicMs'>
  /** The one that was blamed last is the last. */
  readonly #debts = new Map<Did, Debt>()

  constructor(clock: Pick<Clock, 'monotonicMs'>) {
    this.#clock = clock
  }

  /** Whether the peer took more than its share. */
  tooMuch(peer: Did): boolean {
    return this.#owed(peer) >= BURDEN_MS_MAX
  }

  /** Looks at something that the peer brought; the time counts unless it was worth it. */
  weigh<T>(peer: Did, look: () => T, worth: (value: T) => boolean): T {
    const beganMs = this.#clock.monotonicMs()
    const value = look()
    if (worth(value)) return value
    const nowMs = this.#clock.monotonicMs()
    const ms = this.#owed(peer) + nowMs - beganMs
    this.#debts.delete(peer)
    this.#debts.set(peer, { ms, atMs: nowMs })
    const oldest = this.#debts.keys().next().value
    if (this.#debts.size > PEERS_MAX && oldest !== undefined) this.#debts.delete(oldest)
    return value
  }

  #owed(peer: Did): number {
    const debt = this.#debts.get(peer)
    if (debt === undefined) return 0
    const paidMs = (this.#clock.monotonicMs() - debt.atMs) * BURDEN_SHARE
    return Math.max(0, debt.ms - paidMs)
  }
}

/** Also what was seen: several neighbours bring the same, and it costs little. */
export function isUseful(verdict: Verdict): boolean {
  return verdict.verdict === 'accept' || verdict.why === 'seen'
}
