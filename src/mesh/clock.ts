/**
 * Whether time can be trusted (Q5). Wall clocks step, drift and stop; here
 * they can only take a lease away, never give or lengthen one.
 */
import type { Did } from '../core/keys.ts'
import { CLOCK_STEP_MS_MIN, LEASE_PAUSE_MS } from '../core/limits.ts'
import type { Clock } from './ports.ts'

export interface Trust {
  /** This node's wall clock less the median of the witnesses'; null when none answered lately. */
  readonly offsetMs: number | null
  readonly trusted: boolean
}

export class ClockWatch {
  readonly #clock: Clock
  readonly #floorMs: () => number
  readonly #offsets = new Map<Did, { readonly offsetMs: number; readonly atMs: number }>()
  #last: { readonly wallMs: number; readonly monotonicMs: number; readonly bootMs: number } | null =
    null

  /** @param floorMs the largest durable time: now is never before it */
  constructor(clock: Clock, floorMs: () => number) {
    this.#clock = clock
    this.#floorMs = floorMs
  }

  /** What happened to time since the last look, one sentence; null when nothing did. */
  look(skewMs: number): string | null {
    const [wallMs, bootMs] = [this.#clock.wallMs(), this.#clock.bootMs()]
    const monotonicMs = this.#clock.monotonicMs()
    const last = this.#last
    this.#last = { wallMs, monotonicMs, bootMs }
    if (last === null) return null
    const ranMs = monotonicMs - last.monotonicMs
    if (ranMs > LEASE_PAUSE_MS) return `this process did not run for ${Math.round(ranMs)} ms`
    const stepMsMax = Math.max(skewMs, CLOCK_STEP_MS_MIN)
    // By itself, since a step back within it may hide it from the wall clock.
    const sleptMs = Math.round(bootMs - last.bootMs - ranMs)
    if (sleptMs > stepMsMax) return `this machine slept for ${sleptMs} ms`
    // Where nothing else tells of a sleep it shows as a step too: only the wall clock went on.
    const stepMs = Math.round(wallMs - last.wallMs - ranMs)
    if (Math.abs(stepMs) <= stepMsMax) return null
    return `the clock stepped by ${stepMs} ms`
  }

  /** What a witness's answer showed of its clock. */
  note(witness: Did, offsetMs: number): void {
    this.#offsets.set(witness, { offsetMs, atMs: this.#clock.monotonicMs() })
  }

  forget(): void {
    this.#offsets.clear()
  }

  /** By the median of the other witnesses that answered within the staleness. */
  trust(witnesses: readonly Did[], skewMs: number, stalenessMs: number): Trust {
    const since = this.#clock.monotonicMs() - stalenessMs
    const offsets = witnesses.flatMap((witness) => {
      const known = this.#offsets.get(witness)
      return known === undefined || known.atMs < since ? [] : [known.offsetMs]
    })
    const offsetMs = medianOf(offsets)
    const agreed = offsetMs === null || Math.abs(offsetMs) <= skewMs
    // Behind what is on disk already, only a witness can say that this is the right time.
    const behind = this.#clock.wallMs() < this.#floorMs() - skewMs
    return { offsetMs, trusted: agreed && (!behind || offsetMs !== null) }
  }
}

/** The middle one; of two middle ones the smaller difference: one wrong clock of two is not blamed on this node. */
function medianOf(offsets: readonly number[]): number | null {
  if (offsets.length === 0) return null
  const sorted = [...offsets].sort((a, b) => a - b)
  const low = sorted[Math.floor((sorted.length - 1) / 2)] ?? 0
  const high = sorted[Math.floor(sorted.length / 2)] ?? 0
  return Math.abs(low) <= Math.abs(high) ? low : high
}
