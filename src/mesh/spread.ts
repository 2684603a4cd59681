/**
 * Spreads what was just learned: pushed to neighbours on sync streams and
 * published by gossip, whichever is faster (design 9, network). Both are
 * accelerators: what they lose, sync brings.
 *
 * What stops is spread as soon as it was verified, beside the disk: it is
 * signed by others, and whoever gets it verifies it again. Everything else only
 * once it is durable and applied here: what a caller is told has failed is then
 * nowhere else either.
 */
import { formatEnvelope } from '../core/dsse.ts'
import type { StatementId } from '../core/id.ts'
import type { Did } from '../core/keys.ts'
import { GOSSIP_BYTES_MAX, PUSH_BYTES_MAX, PUSH_PEERS_MAX, SYNC_IDS_MAX } from '../core/limits.ts'
import type { Network, Random } from './ports.ts'
import type { Brought, Statements } from './statements.ts'
import { formatSyncRequest } from './sync-frames.ts'

export interface SpreadPorts {
  readonly statements: Pick<Statements, 'onChange' | 'onStop'>
  readonly network: Pick<Network, 'ask' | 'peers' | 'publish'>
  readonly random: Random
}

export class Spread {
  readonly #network: SpreadPorts['network']
  readonly #random: Random
  /** What waits for the answer to the push before it, by peer. A peer is in here while it is being pushed to. */
  readonly #waiting = new Map<Did, Map<StatementId, Uint8Array>>()

  private constructor({ statements, network, random }: SpreadPorts) {
    this.#network = network
    this.#random = random
    statements.onStop((brought) => this.#spread(brought))
    statements.onChange((learned) => !learned.early && this.#spread(learned))
  }

  static open(ports: SpreadPorts): Spread {
    return new Spread(ports)
  }

  /** The peer holds this statement: it need not be pushed there. */
  knows(peer: Did, id: StatementId): void {
    this.#waiting.get(peer)?.delete(id)
  }

  #spread({ id, envelope, from, via }: Brought): void {
    // A difference found by sync was spread by others before; its announcement tells the neighbours.
    if (via === 'sync') return
    const bytes = formatEnvelope(envelope)
    for (const peer of this.#neighbours(from)) this.#push(peer, id, bytes)
    // What came by gossip is passed on by gossip already.
    if (via !== 'gossip' && bytes.length <= GOSSIP_BYTES_MAX)
      this.#network.publish('statements', bytes)
  }

  /** All of them for what begins here; a few for what is passed on, and never back to the sender. */
  #neighbours(from: Did | null): Did[] {
    const peers = this.#network.peers().map(({ peer }) => peer)
    const others = peers.filter((peer) => peer !== from)
    if (from === null || others.length <= PUSH_PEERS_MAX) return others
    const first = this.#random.integer(others.length)
    return [...others.slice(first), ...others].slice(0, PUSH_PEERS_MAX)
  }

  #push(peer: Did, id: StatementId, bytes: Uint8Array): void {
    const waiting = this.#waiting.get(peer)
    if (waiting === undefined) {
      const first = new Map([[id, bytes]])
      this.#waiting.set(peer, first)
      void this.#pushAll(peer, first)
    } else if (waiting.size < SYNC_IDS_MAX) waiting.set(id, bytes)
  }

  /** One push at a time to a peer: what is learned meanwhile goes together in the next. */
  async #pushAll(peer: Did, waiting: Map<StatementId, Uint8Array>): Promise<void> {
    // What one group commit applied is told in one go; the turn lets all of it in.
    await Promise.resolve()
    try {
      while (waiting.size > 0) {
        const blobs = take(waiting)
        await this.#network.ask(peer, 'sync', formatSyncRequest({ ask: 'push', blobs }))
      }
    } catch {
      // A peer that cannot be pushed to learns of it by gossip or sync; nothing is owed to it here.
    } finally {
      this.#waiting.delete(peer)
    }
  }
}

/** As many as fit into one frame, oldest first: at least one. */
function take(waiting: Map<StatementId, Uint8Array>): readonly Uint8Array[] {
  const blobs: Uint8Array[] = []
  let sizeBytes = 0
  for (const [id, bytes] of waiting) {
    if (blobs.length > 0 && sizeBytes + bytes.length > PUSH_BYTES_MAX) break
    waiting.delete(id)
    blobs.push(bytes)
    sizeBytes += bytes.length
  }
  return blobs
}
