/**
 * Packs what is old, a pack at a time, while nobody waits for the disk; and at
 * the latest when much has gathered. The newest records are asked for most, and
 * stay as they were written.
 */
import {
  PACK_BACKLOG_MAX,
  PACK_IDLE_MS,
  PACK_NEWEST,
  PACK_PAUSE_MS,
  PACK_RECORDS,
} from '../core/limits.ts'
import type { LogValues } from './log-values.ts'

export interface Packed {
  readonly log: LogValues
  readonly size: number
}

export class Packer {
  readonly #now: () => Packed
  readonly #timer: NodeJS.Timeout
  #working: Promise<void> | null = null
  /** Since the last pack was begun. */
  #batches = 0
  #holds = 0
  #stopped = false

  /** @param now what is open now */
  constructor(now: () => Packed) {
    this.#now = now
    this.#timer = setTimeout(() => this.#work(), PACK_IDLE_MS).unref()
  }

  /** A batch was written: others may follow it soon. */
  batched(): void {
    this.#batches += 1
    if (this.#backlog() >= PACK_BACKLOG_MAX) this.#work()
    else this.#timer.refresh()
  }

  /** No pack is made during this. */
  async held<T>(run: () => Promise<T>): Promise<T> {
    this.#holds += 1
    await this.#working
    try {
      return await run()
    } finally {
      this.#holds -= 1
      this.#timer.refresh()
    }
  }

  stop(): void {
    this.#stopped = true
    clearTimeout(this.#timer)
  }

  #backlog(): number {
    const { log, size } = this.#now()
    return size - PACK_NEWEST - log.packed
  }

  #work(): void {
    if (this.#working !== null || this.#holds > 0 || this.#stopped) return
    if (this.#backlog() < PACK_RECORDS) return
    const { log } = this.#now()
    const before = log.packed
    this.#batches = 0
    this.#working = log
      .pack()
      // The handle is poisoned then; everything is still where it was.
      .catch(() => {})
      .finally(() => {
        this.#working = null
        if (this.#stopped || log.packed === before) return
        if (this.#batches > 0) this.#timer.refresh()
        else setTimeout(() => this.#work(), PACK_PAUSE_MS).unref()
      })
  }
}
