/**
 * The table of peers to stay connected with, redialled for ever: libp2p's own
 * reconnection gives up after 31 seconds, and its store forgets (FACTS 3.6).
 * Everything is dialled at once after a start; then each lost peer waits a
 * little longer each time, with jitter, up to a bound.
 */
import type { Did } from '../core/keys.ts'
import {
  PEERS_MAX,
  PENDING_HELLO_INTERVAL_MS,
  REDIAL_MS_MAX,
  REDIAL_MS_MIN,
  STEADY_MS,
} from '../core/limits.ts'
import { MeshError } from '../core/problems.ts'
import type { Clock, Random } from '../mesh/ports.ts'

export interface PeersPorts {
  readonly clock: Clock
  readonly random: Random
  /** Dials and says hello: true when greeted, false when answered otherwise. Rejects UNREACHABLE or TIMEOUT. */
  dial(peer: Did, addresses: readonly string[]): Promise<boolean>
  /** Is it greeted now. */
  greeted(peer: Did): boolean
}

interface Entry {
  readonly peer: Did
  addresses: readonly string[]
  /** The attempt under way; connect() waits for the same one. */
  attempt: Promise<boolean> | null
  waitMs: number
  /** When it was greeted last. */
  sinceMs: number
  /** Ends the wait for the next attempt. */
  wait: AbortController
}

export class Peers {
  readonly #ports: PeersPorts
  readonly #entries = new Map<Did, Entry>()
  /** Of peers in the table and of those that dial us; the oldest goes first. */
  readonly #errors = new Map<Did, string>()
  #running = false

  constructor(ports: PeersPorts) {
    this.#ports = ports
  }

  /** Dials everything at once. Again after a pause. */
  resume(): void {
    this.#running = true
    for (const entry of this.#entries.values()) {
      entry.waitMs = REDIAL_MS_MIN
      this.#later(entry, 0)
    }
  }

  /** Nothing is dialled until resume. */
  pause(): void {
    this.#running = false
    for (const entry of this.#entries.values()) entry.wait.abort()
  }

  /** False, and no more than that, when the table is full: what a peer tells of others is no reason to fail. */
  remember(peer: Did, addresses: readonly string[]): boolean {
    const known = this.#entries.get(peer)
    if (known !== undefined) {
      known.addresses = addresses
      return true
    }
    if (this.#entries.size >= PEERS_MAX) return false
    const entry: Entry = {
      peer,
      addresses,
      attempt: null,
      waitMs: REDIAL_MS_MIN,
      sinceMs: 0,
      wait: new AbortController(),
    }
    this.#entries.set(peer, entry)
    this.#later(entry, 0)
    return true
  }

  forget(peer: Did): void {
    this.#entries.get(peer)?.wait.abort()
    this.#entries.delete(peer)
  }

  /** One attempt, now. */
  async connect(peer: Did, addresses: readonly string[]): Promise<boolean> {
    if (!this.remember(peer, addresses))
      throw new MeshError('TOO_MANY', `${PEERS_MAX} peers are in the table`)
    if (this.#ports.greeted(peer)) return true
    const entry = this.#entries.get(peer)
    if (entry === undefined || !this.#running)
      throw new MeshError('UNREACHABLE', `peer \`${peer}\`: this node is isolated or stopped`)
    entry.wait.abort()
    return this.#attempt(entry)
  }

  /** The peer was greeted, on whichever connection. */
  greeted(peer: Did): void {
    this.#errors.delete(peer)
    const entry = this.#entries.get(peer)
    if (entry !== undefined) entry.sinceMs = this.#ports.clock.monotonicMs()
  }

  /** Its last greeted connection is gone. */
  lost(peer: Did, why: string): void {
    this.failed(peer, why)
    const entry = this.#entries.get(peer)
    if (entry === undefined) return
    const livedMs = this.#ports.clock.monotonicMs() - entry.sinceMs
    if (livedMs >= STEADY_MS) entry.waitMs = REDIAL_MS_MIN
    this.#backOff(entry)
  }

  failed(peer: Did, why: string): void {
    this.#errors.delete(peer)
    // Whoever shows it has named the peer already.
    this.#errors.set(peer, why.replace(`peer \`${peer}\`: `, ''))
    const oldest = this.#errors.keys().next().value
    if (this.#errors.size > PEERS_MAX && oldest !== undefined) this.#errors.delete(oldest)
  }

  lastError(peer: Did): string | null {
    return this.#errors.get(peer) ?? null
  }

  #attempt(entry: Entry): Promise<boolean> {
    entry.attempt ??= this.#dial(entry).finally(() => {
      entry.attempt = null
    })
    return entry.attempt
  }

  async #dial(entry: Entry): Promise<boolean> {
    try {
      const greeted = await this.#ports.dial(entry.peer, entry.addresses)
      if (greeted) return true
      this.failed(entry.peer, 'answered, and did not admit this node')
      // At the door: it asks at a steady pace, and the other side bounds how many may.
      const { random } = this.#ports
      this.#later(entry, PENDING_HELLO_INTERVAL_MS + random.integer(PENDING_HELLO_INTERVAL_MS / 2))
      return false
    } catch (error) {
      // The peer may have come by itself meanwhile: of two dials at once, one connection is kept.
      if (this.#ports.greeted(entry.peer)) return true
      // Kept for status pages and told to whoever connects; the table itself never gives up.
      if (error instanceof MeshError) this.failed(entry.peer, error.message)
      this.#backOff(entry)
      throw error
    }
  }

  #backOff(entry: Entry): void {
    const ms = entry.waitMs / 2 + this.#ports.random.integer(entry.waitMs)
    entry.waitMs = Math.min(entry.waitMs * 2, REDIAL_MS_MAX)
    this.#later(entry, Math.min(ms, REDIAL_MS_MAX))
  }

  /** Replaces the wait that is under way. */
  #later(entry: Entry, ms: number): void {
    entry.wait.abort()
    if (!this.#running || this.#entries.get(entry.peer) !== entry) return
    const wait = new AbortController()
    entry.wait = wait
    // sleep never rejects; an aborted wait has a successor, or none is wanted.
    void this.#ports.clock.sleep(ms, wait.signal).then(() => {
      if (wait.signal.aborted || this.#ports.greeted(entry.peer)) return
      // Its failure is kept and followed by the next wait.
      this.#attempt(entry).catch(() => {})
    })
  }
}
