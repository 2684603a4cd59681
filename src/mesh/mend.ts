/**
 * Puts damaged records back (design 5). A record that is not what was written
 * seals the log, and nothing is allowed. Its tile still says which hash it had;
 * so a mirror that holds it need not be believed, and what it gives is written
 * where it was.
 *
 * INVARIANT: the log is opened again after all of it was read, and not before.
 */
import { equalBytes } from '../core/bytes.ts'
import type { Did } from '../core/keys.ts'
import { MEND_RETRY_MS, MENDED_MAX, READ_RECORDS } from '../core/limits.ts'
import { leafHash } from '../core/merkle.ts'
import { MeshError } from '../core/problems.ts'
import type { Log } from './log.ts'
import type { LogAnswer, LogRequest } from './log-frames.ts'
import { Pace } from './pace.ts'
import type { Clock, Network, Store } from './ports.ts'

export interface MendPorts {
  readonly network: Pick<Network, 'peers'>
  readonly clock: Clock
  readonly store: Pick<Store, 'least' | 'mend' | 'node' | 'records'>
  readonly log: Pick<
    Log,
    'tree' | 'epoch' | 'sealed' | 'mendable' | 'onSealed' | 'settled' | 'unseal'
  >
  /** @throws MeshError when the peer does not answer */
  ask(peer: Did, request: LogRequest, signal: AbortSignal): Promise<LogAnswer>
  /** Told of records that were put back, once the log is open again. */
  mended(indexes: readonly number[]): void
}

export class Mend {
  readonly #ports: MendPorts
  readonly #pace: Pace
  #mended: readonly number[] = []

  constructor(ports: MendPorts) {
    this.#ports = ports
    this.#pace = new Pace(ports.clock)
    ports.log.onSealed(() => this.#pace.wake())
  }

  /** Records that were put back since the start. */
  get mended(): readonly number[] {
    return this.#mended
  }

  /** Mends what it can, until the signal. */
  async run(signal: AbortSignal): Promise<void> {
    const { log } = this.#ports
    while (!signal.aborted) {
      if (log.mendable) await this.#mend(signal)
      await this.#pace.wait(MEND_RETRY_MS, signal)
    }
  }

  async #mend(signal: AbortSignal): Promise<void> {
    const { log, mended } = this.#ports
    await log.settled()
    try {
      const indexes = await this.#damaged(signal)
      for (const index of indexes) if (!(await this.#putBack(index, signal))) return
      if (signal.aborted || (await this.#damaged(signal)).length > 0) return
      // Sealed for something else meanwhile, which no mirror mends.
      if (!log.mendable) return
      this.#mended = [...this.#mended, ...indexes]
      log.unseal()
      mended(indexes)
    } catch (error) {
      // The disk gives less than its tiles, or fails: it stays sealed, and is looked at again.
      if (!(error instanceof MeshError)) throw error
    }
  }

  /** Of the whole log, the first so many. */
  async #damaged(signal: AbortSignal): Promise<readonly number[]> {
    const { store, log } = this.#ports
    const found: number[] = []
    for (let at = store.least; at < log.tree.size && !signal.aborted; at += READ_RECORDS) {
      const end = Math.min(at + READ_RECORDS, log.tree.size)
      if (await this.#isGood(at, end - at)) continue
      for (let index = at; index < end; index += 1)
        if (!(await this.#isGood(index, 1))) found.push(index)
      if (found.length > MENDED_MAX)
        throw new MeshError('LOG_DAMAGED', `more than ${MENDED_MAX} records are damaged`)
    }
    return found
  }

  async #isGood(first: number, count: number): Promise<boolean> {
    try {
      await this.#ports.store.records(first, count)
      return true
    } catch (error) {
      if (error instanceof MeshError && error.code === 'LOG_DAMAGED') return false
      throw error
    }
  }

  async #putBack(index: number, signal: AbortSignal): Promise<boolean> {
    const { store, network, log } = this.#ports
    const hash = await store.node(0, index)
    for (const { peer } of network.peers()) {
      const record = await this.#ask(peer, log.epoch, index, signal)
      if (record === null || !equalBytes(leafHash(record), hash)) continue
      await store.mend(index, record)
      return true
    }
    return false
  }

  /** null where there is no copy, or nobody answers. */
  async #ask(
    peer: Did,
    epoch: number,
    first: number,
    signal: AbortSignal,
  ): Promise<Uint8Array | null> {
    try {
      const answer = await this.#ports.ask(peer, { ask: 'copy', epoch, first, count: 1 }, signal)
      return answer.say === 'records' ? (answer.records[0] ?? null) : null
    } catch (error) {
      // It is away: the next one is asked.
      if (error instanceof MeshError) return null
      throw error
    }
  }
}
