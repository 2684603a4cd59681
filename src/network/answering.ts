/**
 * The answers that are made for each peer: so many at once, of what comes
 * faster each in its place, and long ones count more (L6).
 */
import type { Did } from '../core/keys.ts'
import {
  ASK_UNIT_BYTES,
  ASKS_PER_PEER_MAX,
  ASKS_PER_PEER_PER_S,
  BUSY_MS,
  STATE_ASKS_PER_PEER_PER_S,
} from '../core/limits.ts'
import type { Clock, Protocol } from '../mesh/ports.ts'
import { Spacing } from './spacing.ts'

export interface Place {
  /** One of too many at once: that is its answer. */
  readonly busy: boolean
  /** Until it is its turn. */
  readonly waitMs: number
  /** It is over. @param bytes of the question and of its answer, as far as there were any */
  end(bytes: number): void
}

export class Answering {
  readonly #counts = new Map<Did, number>()
  readonly #leases: Spacing
  readonly #others: Spacing

  constructor(clock: Pick<Clock, 'monotonicMs'>) {
    // The lease for itself: whoever syncs a lot is still heard when it is at stake.
    this.#leases = new Spacing(clock, STATE_ASKS_PER_PEER_PER_S)
    this.#others = new Spacing(clock, ASKS_PER_PEER_PER_S)
  }

  /** One more question of the peer. */
  begin(peer: Did, protocol: Protocol): Place {
    const count = this.#counts.get(peer) ?? 0
    this.#counts.set(peer, count + 1)
    const spacing = protocol === 'state' ? this.#leases : this.#others
    const busy = count >= ASKS_PER_PEER_MAX
    const waitMs = busy ? BUSY_MS : spacing.waitMs(peer)
    const end = (bytes: number) => {
      this.#ended(peer)
      spacing.charge(peer, Math.floor(bytes / ASK_UNIT_BYTES))
    }
    return { busy, waitMs, end }
  }

  #ended(peer: Did): void {
    const left = (this.#counts.get(peer) ?? 1) - 1
    if (left > 0) this.#counts.set(peer, left)
    else this.#counts.delete(peer)
  }
}
