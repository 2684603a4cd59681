/**
 * Spreads what was just learned, two ways (design 9, network). Both are
 * accelerators: what they lose, sync brings.
 *
 *     gossip   reaches everybody, at once; what came by it goes on by it
 *     push     on sync streams, to a few and a little later, in case gossip is
 *              broken; what came by it first goes on by it. What is too long
 *              for gossip is pushed at once, to more
 *
 * A burst shares messages and pushes, for each costs what it costs.
 *
 * What stops is spread as soon as it was verified, beside the disk: it is
 * signed by others, and whoever gets it verifies it again. Everything else only
 * once it is durable and applied here: what a caller is told has failed is then
 * nowhere else either.
 */
import { formatEnvelope } from '../core/dsse.ts'
import type { StatementId } from '../core/id.ts'
import type { Did } from '../core/keys.ts'
import {
  GOSSIP_BYTES_MAX,
  GOSSIP_PAUSE_MS,
  GOSSIP_STATEMENTS_MAX,
  PUSH_BESIDE_GOSSIP_MS,
  PUSH_BESIDE_GOSSIP_PEERS,
  PUSH_BYTES_MAX,
  PUSH_PEERS_MAX,
  SYNC_IDS_MAX,
} from '../core/limits.ts'
import type { Clock, Network, Random } from './ports.ts'
import type { Brought, Statements } from './statements.ts'
import { formatSyncRequest } from './sync-frames.ts'

export interface SpreadPorts {
  readonly statements: Pick<Statements, 'onChange' | 'onStop'>
  readonly network: Pick<Network, 'ask' | 'peers' | 'publish'>
  readonly clock: Pick<Clock, 'sleep'>
  readonly random: Random
}

type Waiting = Map<StatementId, Uint8Array>

/** Bytes of a message beside its statements: the line before them, and the length before each. */
const FRAME_BYTES = formatSyncRequest({ ask: 'push', blobs: [] }).length
const LENGTH_BYTES = 4

export class Spread {
  readonly #network: SpreadPorts['network']
  readonly #clock: SpreadPorts['clock']
  readonly #random: Random
  /** What waits for the answer to the push before it, by peer. A peer is in here while it is being pushed to. */
  readonly #pushing = new Map<Did, Waiting>()
  /** What waits for the next message of gossip. */
  readonly #unpublished: Waiting = new Map()
  #publishing = false

  private constructor({ statements, network, clock, random }: SpreadPorts) {
    this.#network = network
    this.#clock = clock
    this.#random = random
    statements.onStop((brought) => this.#spread(brought))
    statements.onChange((learned) => !learned.early && this.#spread(learned))
  }

  static open(ports: SpreadPorts): Spread {
    return new Spread(ports)
  }

  #spread({ id, envelope, from, via }: Brought): void {
    // A difference found by sync was spread by others before; its announcement tells the neighbours.
    // What came by gossip is passed on by gossip already.
    if (via === 'sync' || via === 'gossip') return
    const bytes = formatEnvelope(envelope)
    const long = FRAME_BYTES + LENGTH_BYTES + bytes.length > GOSSIP_BYTES_MAX
    if (!long && via !== 'push') this.#publish(id, bytes)
    const others = this.#others(from)
    if (!long) this.#pushTo(others.slice(0, PUSH_BESIDE_GOSSIP_PEERS), id, bytes, via === 'push')
    else this.#pushTo(from === null ? others : others.slice(0, PUSH_PEERS_MAX), id, bytes, true)
  }

  /** Neighbours, from anywhere in the list; never the one that brought it. */
  #others(from: Did | null): Did[] {
    const others = this.#network
      .peers()
      .map(({ peer }) => peer)
      .filter((peer) => peer !== from)
    const first = this.#random.integer(Math.max(1, others.length))
    return [...others.slice(first), ...others.slice(0, first)]
  }

  #publish(id: StatementId, bytes: Uint8Array): void {
    if (this.#unpublished.size >= SYNC_IDS_MAX) return
    this.#unpublished.set(id, bytes)
    if (!this.#publishing) void this.#publishAll()
  }

  /** The first one at once; what comes in the moment after it goes together in the next message. */
  async #publishAll(): Promise<void> {
    this.#publishing = true
    while (this.#unpublished.size > 0) {
      const blobs = take(this.#unpublished, GOSSIP_BYTES_MAX, GOSSIP_STATEMENTS_MAX)
      this.#network.publish('statements', formatSyncRequest({ ask: 'push', blobs }))
      await this.#clock.sleep(GOSSIP_PAUSE_MS)
    }
    this.#publishing = false
  }

  #pushTo(peers: readonly Did[], id: StatementId, bytes: Uint8Array, now: boolean): void {
    for (const peer of peers) {
      const waiting = this.#pushing.get(peer)
      if (waiting === undefined) {
        const first = new Map([[id, bytes]])
        this.#pushing.set(peer, first)
        void this.#pushAll(peer, first, now ? 0 : PUSH_BESIDE_GOSSIP_MS)
      } else if (waiting.size < SYNC_IDS_MAX) waiting.set(id, bytes)
    }
  }

  /** One push at a time to a peer: what is learned meanwhile goes together in the next. */
  async #pushAll(peer: Did, waiting: Waiting, afterMs: number): Promise<void> {
    // What one group commit applied is told in one go; this lets all of it in.
    if (afterMs === 0) await Promise.resolve()
    else await this.#clock.sleep(afterMs)
    try {
      while (waiting.size > 0) {
        const blobs = take(waiting, PUSH_BYTES_MAX, SYNC_IDS_MAX)
        await this.#network.ask(peer, 'sync', formatSyncRequest({ ask: 'push', blobs }))
      }
    } catch {
      // A peer that cannot be pushed to learns of it by gossip or sync; nothing is owed to it here.
    } finally {
      this.#pushing.delete(peer)
    }
  }
}

/** As many as fit into one frame, oldest first: at least one. */
function take(waiting: Waiting, bytesMax: number, countMax: number): readonly Uint8Array[] {
  const blobs: Uint8Array[] = []
  let sizeBytes = FRAME_BYTES
  for (const [id, bytes] of waiting) {
    sizeBytes += LENGTH_BYTES + bytes.length
    if (blobs.length > 0 && (sizeBytes > bytesMax || blobs.length >= countMax)) break
    waiting.delete(id)
    blobs.push(bytes)
  }
  return blobs
}
