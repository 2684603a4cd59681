/**
 * Anti-entropy: the truth that gossip only hurries. Peers compare hashes when
 * they connect, when an announcement tells of another digest, and on a timer,
 * and exchange what is missing (design 2, spread).
 *
 * A peer that lied is not asked again for SYNC_PENALTY_MS. It may still ask:
 * what it is answered was signed by others.
 */
import type { Did } from '../core/keys.ts'
import {
  SYNC_INTERVAL_MS,
  SYNC_PENALTY_MS,
  SYNC_PULLS_MAX,
  SYNC_REFUSED_MAX,
} from '../core/limits.ts'
import { Memo } from '../core/memo.ts'
import { MeshError } from '../core/problems.ts'
import type { Announcer } from './announce.ts'
import type { Clock, Network, Random } from './ports.ts'
import { type Cost, Pull } from './pull.ts'
import { Rota } from './rota.ts'
import type { Statements } from './statements.ts'
import { type Addresses, SyncServer } from './sync-server.ts'

export interface SyncPorts {
  readonly network: Pick<Network, 'ask' | 'handle' | 'onPeer' | 'peers'>
  readonly statements: Statements
  readonly addresses: Addresses
  readonly clock: Clock
  readonly random: Random
  /** This start of the node (state-frames.ts). */
  readonly incarnation: string
  /** Told of each comparison: what it cost and brought, and why it failed. For metrics and status pages. */
  readonly pulled?: (peer: Did, cost: Cost, failure: unknown) => void
}

/** Comparisons with one peer: the one that runs, and the one after it that all later callers share. */
interface Line {
  /** Never rejects. */
  readonly running: Promise<void>
  next: Promise<string> | null
}

export class Sync {
  readonly #ports: SyncPorts
  readonly #lines = new Map<Did, Line>()
  /** Until when, in monotonic time, peers that lied are left alone. */
  readonly #penalties = new Map<Did, number>()
  readonly #refused = new Memo<string, number>(SYNC_REFUSED_MAX)
  /** Peers to compare with as soon as there is room, the longest wanted first. */
  readonly #wanted = new Set<Did>()
  /** Resolve the waits of workers that have nobody to compare with. */
  #idle: (() => void)[] = []

  private constructor(ports: SyncPorts) {
    this.#ports = ports
    const server = new SyncServer(ports)
    ports.network.handle('sync', (peer, request) => server.answer(peer, request))
    ports.network.onPeer((peer, greeted) => {
      if (greeted) this.want(peer)
      else server.forget(peer)
    })
  }

  static open(ports: SyncPorts): Sync {
    return new Sync(ports)
  }

  /** An announcement of another digest is a reason to compare, with the neighbour that brought it. */
  follow(announcer: Announcer): void {
    announcer.onHeard((from, { digest }) => {
      if (digest !== this.#ports.statements.governance.digest) this.want(from)
    })
  }

  /** Compares with the peer as soon as there is room, while `run` runs. */
  want(peer: Did): void {
    this.#wanted.add(peer)
    this.#wake()
  }

  /** Whether the peer lied lately. */
  penalised(peer: Did): boolean {
    return (this.#penalties.get(peer) ?? 0) > this.#ports.clock.monotonicMs()
  }

  /**
   * Resolves once everything effective that the peer held when this began is held here, durable;
   * with the incarnation of the peer that held it.
   * Callers that come while one comparison runs share the next, and the signal of the first of them.
   * @throws MeshError INVALID_ANSWER when the peer lies, or did lately; WRONG_MESH, UNREACHABLE, TIMEOUT, STATEMENT_INVALID
   */
  pull(peer: Did, signal: AbortSignal): Promise<string> {
    const line = this.#lines.get(peer)
    if (line === undefined) return this.#begin(peer, signal)
    // The one that runs may have begun before the peer held what this caller waits for.
    line.next ??= line.running.then(() => this.#begin(peer, signal))
    return line.next
  }

  /** Compares on every reason there is, until the signal aborts. */
  async run(signal: AbortSignal): Promise<void> {
    signal.addEventListener('abort', () => this.#wake(), { once: true })
    for (const { peer } of this.#ports.network.peers()) this.want(peer)
    const workers = Array.from({ length: SYNC_PULLS_MAX }, () => this.#work(signal))
    await Promise.all([this.#tick(signal), ...workers])
  }

  async #tick(signal: AbortSignal): Promise<void> {
    const { clock, random, network } = this.#ports
    const rota = new Rota(network, random)
    while (!signal.aborted) {
      await clock.sleep(random.integer(2 * SYNC_INTERVAL_MS), signal)
      const peer = rota.next()
      if (peer !== null) this.want(peer)
    }
  }

  async #work(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      const peer = this.#take()
      // `pulled` is told why one fails; the timer and the next announcement try again.
      if (peer !== null) await this.pull(peer, signal).catch(() => {})
      else await new Promise<void>((resolve) => this.#idle.push(resolve))
    }
  }

  #take(): Did | null {
    for (const peer of this.#wanted) {
      if (this.#lines.has(peer)) continue
      this.#wanted.delete(peer)
      if (!this.penalised(peer)) return peer
    }
    return null
  }

  #wake(): void {
    const idle = this.#idle
    this.#idle = []
    for (const resolve of idle) resolve()
  }

  #begin(peer: Did, signal: AbortSignal): Promise<string> {
    const pull = new Pull(peer, { ...this.#ports, refused: this.#refused }, signal)
    const effective = this.penalised(peer) ? Promise.reject(LIED) : pull.effective()
    const line: Line = { running: this.#finish(peer, pull, effective, signal), next: null }
    this.#lines.set(peer, line)
    void line.running.then(() => {
      if (line.next !== null) return
      this.#lines.delete(peer)
      this.#wake()
    })
    return effective.then(({ incarnation }) => incarnation)
  }

  /** The rest of a comparison, and what it means for the peer. */
  async #finish(
    peer: Did,
    pull: Pull,
    effective: ReturnType<Pull['effective']>,
    signal: AbortSignal,
  ): Promise<void> {
    let failure: unknown = null
    try {
      await pull.rest(await effective)
    } catch (error) {
      // Whoever waits for `effective` is told by it; here it decides whether the peer is asked again.
      failure = error
    }
    if (failure !== null && !signal.aborted && lied(failure)) this.#penalise(peer)
    this.#ports.pulled?.(peer, pull.cost, failure)
  }

  #penalise(peer: Did): void {
    const nowMs = this.#ports.clock.monotonicMs()
    for (const [other, untilMs] of this.#penalties)
      if (untilMs <= nowMs) this.#penalties.delete(other)
    // A refusal because of a penalty is no further lie.
    if (!this.#penalties.has(peer)) this.#penalties.set(peer, nowMs + SYNC_PENALTY_MS)
  }
}

const LIED = new MeshError('INVALID_ANSWER', 'the peer lied to sync a moment ago', {
  hint: 'wait, or ask another peer',
})

/** A false word, or rounds without an end that bring nothing. A disk of our own that takes no more is not the peer's fault. */
function lied(failure: unknown): boolean {
  return failure instanceof MeshError && failure.code === 'INVALID_ANSWER'
}
