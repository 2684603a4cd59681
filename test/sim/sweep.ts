/**
 * Many seeds: as many as are asked for, or as fit into a time. Every fiftieth
 * runs twice, and once on another thread: its history must be the same, or one
 * seed is not one world. What was met is counted over all of them.
 */
import { NOTHING } from './less.ts'
import type { Outcome } from './mesh-run.ts'
import type { Pool } from './pool.ts'
import { type Size, sizeOf } from './swarm.ts'

const TWICE_EVERY = 50
/** So many worlds that are mended in the end meet all that there is to check; in fewer, something may be missing by chance. */
const MEETS_ALL = 250

export interface Swept {
  readonly seeds: number
  /** Run again on another thread. */
  readonly twice: number
  /** Worlds in which something was found. */
  readonly failed: readonly Outcome[]
  /** Seeds that gave two histories. */
  readonly unsteady: readonly number[]
  /** How often each checker and each mark was met. */
  readonly met: ReadonlyMap<string, number>
  /** What was never met, in a run that is long enough to say so. */
  readonly unmet: readonly string[]
}

export interface SweepOptions {
  readonly pool: Pool
  /** Gives the next seed; null ends it. */
  readonly next: (soFar: number) => number | null
  /** Of the world of each seed. */
  readonly size?: (seed: number) => Size
  readonly told?: (outcome: Outcome) => void
}

export async function sweep({ pool, next, told, size = sizeOf }: SweepOptions): Promise<Swept> {
  const met = new Map<string, number>()
  const [failed, unsteady]: [Outcome[], number[]] = [[], []]
  let [seeds, twice, mended] = [0, 0, 0]
  const one = async (seed: number): Promise<void> => {
    const task = { seed, less: NOTHING, once: false, size: size(seed) }
    const first = pool.run(task)
    // Asked for at once, so that another thread has it.
    const again = seed % TWICE_EVERY === 0 ? pool.run(task) : null
    const outcome = await first
    if (outcome.swarm.healMs > 0) mended += 1
    for (const [id, times] of outcome.met) met.set(id, (met.get(id) ?? 0) + times)
    if (outcome.findings.length > 0) failed.push(outcome)
    if (again !== null) {
      twice += 1
      if ((await again).digest !== outcome.digest) unsteady.push(seed)
    }
    told?.(outcome)
  }
  const lane = async (): Promise<void> => {
    for (let seed = next(seeds); seed !== null; seed = next(seeds)) {
      seeds += 1
      await one(seed)
    }
  }
  await Promise.all(Array.from({ length: pool.size }, lane))
  const unmet = mended < MEETS_ALL ? [] : [...met].filter(([, times]) => times === 0)
  return { seeds, twice, failed, unsteady, met, unmet: unmet.map(([id]) => id) }
}
