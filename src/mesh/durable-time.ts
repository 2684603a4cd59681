/**
 * The largest time that is durable here, that of the newest record: now is
 * never before it, and a wall clock that says so is not believed (Q5).
 */
import { parseRecord } from '../core/record.ts'
import type { Log } from './log.ts'
import type { LogReader } from './log-reader.ts'
import type { Clock } from './ports.ts'

export class DurableTime {
  #ms: number

  private constructor(ms: number) {
    this.#ms = ms
  }

  static async open(log: Log, reader: LogReader, clock: Clock): Promise<DurableTime> {
    const [newest] = await reader.newest(null, 1)
    const time = new DurableTime(newest === undefined ? 0 : parseRecord(newest.bytes).time)
    // Its time was written a moment ago: now is as late, and cheaper than reading it back.
    log.onDurable(() => time.#advance(clock.wallMs()))
    return time
  }

  get ms(): number {
    return this.#ms
  }

  #advance(ms: number): void {
    this.#ms = Math.max(this.#ms, ms)
  }
}
