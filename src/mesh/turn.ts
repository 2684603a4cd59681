/** A long piece of work in turns: whatever else waits comes in between, however much there is to do. */
import { TURN_MS } from '../core/limits.ts'
import type { Clock } from './ports.ts'

export class Turn {
  readonly #clock: Pick<Clock, 'monotonicMs' | 'sleep'>
  #beganMs: number

  constructor(clock: Pick<Clock, 'monotonicMs' | 'sleep'>) {
    this.#clock = clock
    this.#beganMs = clock.monotonicMs()
  }

  /** Whether it has lasted long enough: then the next step waits for `next`. */
  get over(): boolean {
    return this.#clock.monotonicMs() - this.#beganMs >= TURN_MS
  }

  /** Resolves after everything else had its turn. */
  async next(): Promise<void> {
    await this.#clock.sleep(0)
    this.#beganMs = this.#clock.monotonicMs()
  }
}
