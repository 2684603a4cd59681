/**
 * Who stands at the door and waits for an admitter: what each says of itself,
 * with its keys proven and nothing else believed. Bounded: of many the one
 * that has not asked for the longest time leaves, and comes back with its next hello.
 */
import type { Did } from '../core/keys.ts'
import { PENDING_PEERS_MAX } from '../core/limits.ts'

export interface PendingPeer {
  readonly peer: Did
  /** As it calls itself: approve by principal, names look alike. */
  readonly name: string
  readonly log: Did
  readonly witness: Did
  /** Its last hello, wall clock. */
  readonly seenMs: number
}

export class PendingPeers {
  /** The one that asked last is the last. */
  readonly #peers = new Map<Did, PendingPeer>()

  put(one: PendingPeer): void {
    this.#peers.delete(one.peer)
    this.#peers.set(one.peer, one)
    const oldest = this.#peers.keys().next().value
    if (this.#peers.size > PENDING_PEERS_MAX && oldest !== undefined) this.#peers.delete(oldest)
  }

  get(peer: Did): PendingPeer | null {
    return this.#peers.get(peer) ?? null
  }

  delete(peer: Did): void {
    this.#peers.delete(peer)
  }

  all(): readonly PendingPeer[] {
    return [...this.#peers.values()]
  }
}
