/**
 * Re-hashes the whole log in the background, slowly, over and over: a record
 * that nobody reads is checked all the same, and damage seals the log before
 * somebody needs what is gone (FACTS 4, rule 4).
 */
import { SCRUB_INTERVAL_MS, SCRUB_PAUSE_MS, SCRUB_RECORDS } from '../core/limits.ts'
import { MeshError } from '../core/problems.ts'
import type { Log } from './log.ts'
import type { Clock, Store } from './ports.ts'

export interface ScrubPorts {
  readonly log: Pick<Log, 'tree' | 'epoch' | 'seal' | 'sealed' | 'probe'>
  readonly store: Store
  readonly clock: Clock
}

export class Scrub {
  readonly #ports: ScrubPorts
  #at = 0
  #epoch: number
  #finished = false

  private constructor(ports: ScrubPorts) {
    this.#ports = ports
    this.#epoch = ports.log.epoch
  }

  static open(ports: ScrubPorts): Scrub {
    return new Scrub(ports)
  }

  /** Of this round, whole percent; 100 between rounds. */
  get percent(): number {
    const { size } = this.#ports.log.tree
    return this.#finished || size === 0 ? 100 : Math.floor((100 * this.#at) / size)
  }

  /** Until the signal. A sealed log is not looked at: what it holds is doubted already. */
  async run(signal: AbortSignal): Promise<void> {
    const { clock, log } = this.#ports
    while (!signal.aborted) {
      if (log.sealed === null) await this.#step()
      const pauseMs = this.#finished ? SCRUB_INTERVAL_MS : SCRUB_PAUSE_MS
      await clock.sleep(pauseMs, signal)
      if (this.#finished) this.#begin()
    }
  }

  #begin(): void {
    this.#at = 0
    this.#finished = false
  }

  async #step(): Promise<void> {
    const { log, store } = this.#ports
    if (log.epoch !== this.#epoch) {
      this.#epoch = log.epoch
      this.#begin()
    }
    this.#at = Math.max(this.#at, store.least)
    const count = Math.min(SCRUB_RECORDS, log.tree.size - this.#at)
    try {
      await store.records(this.#at, count)
    } catch (error) {
      if (!(error instanceof MeshError)) throw error
      // Anything but damage passes: the log opens its store anew, and this step is repeated.
      if (error.code === 'LOG_DAMAGED') log.seal(error.message, true)
      else await log.probe()
      return
    }
    this.#at += count
    this.#finished = this.#at >= log.tree.size
  }
}
