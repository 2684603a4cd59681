/**
 * One comparison with one peer, repeated until everything that it held when
 * the comparison began is held here; what it lacks is pushed on the way.
 *
 *     compare → roots → walk, fetch, walk, fetch … → push, and again if its tree changed meanwhile
 *
 * The peer may lie. Every claim is checked against the claim above it, every
 * id it lists must be served, and all of it ends within SYNC_ROUNDS_MAX: then
 * the pull fails. Nothing is remembered against an id that a liar named, so
 * the next peer can still bring it (rows 133-134).
 */
import { formatEnvelope } from '../core/dsse.ts'
import type { StatementId } from '../core/id.ts'
import type { Did } from '../core/keys.ts'
import { PUSH_BYTES_MAX, SYNC_IDS_MAX, SYNC_ROUNDS_MAX } from '../core/limits.ts'
import { Malformed } from '../core/malformed.ts'
import { MeshError } from '../core/problems.ts'
import type { Network, Random } from './ports.ts'
import { idOfKey, Walk } from './reconcile.ts'
import type { Statements } from './statements.ts'
import {
  formatSyncRequest,
  parseSyncAnswer,
  type Summary,
  type SyncAnswer,
  type SyncRequest,
  type Top,
} from './sync-frames.ts'
import type { Leaf, TreeName } from './sync-parts.ts'

export interface PullPorts {
  readonly network: Network
  readonly statements: Statements
  readonly random: Random
  /** Hash of the address records held here. */
  addresses(): string
}

/** What one pull cost and brought. */
export interface Cost {
  rounds: number
  sentBytes: number
  receivedBytes: number
  learned: number
}

type Said<S extends SyncAnswer['say']> = Extract<SyncAnswer, { say: S }>

export class Pull {
  readonly cost: Cost = { rounds: 0, sentBytes: 0, receivedBytes: 0, learned: 0 }
  readonly #peer: Did
  readonly #ports: PullPorts
  readonly #signal: AbortSignal
  /** Leaves of the peer whose signatures are merged here, though its own set differs from ours. */
  readonly #merged = new Set<string>()

  constructor(peer: Did, ports: PullPorts, signal: AbortSignal) {
    this.#peer = peer
    this.#ports = ports
    this.#signal = signal
  }

  /**
   * Resolves with what the peer said last, once everything it held is held here.
   * @throws MeshError INVALID_ANSWER when it lies, WRONG_MESH, UNREACHABLE, TIMEOUT
   */
  async effective(): Promise<Said<'summary'>> {
    for (;;) {
      const said = await this.#compare()
      await this.#roots(said.summary)
      const top = said.tops.find(({ tree }) => tree === 'envelopes')
      if (top === undefined) return said
      if (await this.#settle(top, said.summary.envelopes)) return said
    }
  }
}
