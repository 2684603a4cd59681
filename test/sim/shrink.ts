/**
 * Makes a world that found something smaller, for who must understand it: kinds
 * of faults are left out one by one, then single faults, then requests, as long
 * as the same checker still finds something.
 */
import { type Less, NOTHING, WEATHER_KINDS } from './less.ts'
import type { Outcome } from './mesh-run.ts'

/** Worlds that are run for one that is shrunk. */
const TRIES_MAX = 120

export interface Shrunk {
  readonly less: Less
  readonly outcome: Outcome
  readonly tries: number
}

/** @param run stops at the first finding */
export async function shrink(
  found: Outcome,
  run: (less: Less) => Promise<Outcome>,
): Promise<Shrunk> {
  const id = found.findings[0]?.id
  let [best, outcome, tries] = [NOTHING, found, 0]
  const holds = async (less: Less): Promise<boolean> => {
    if (tries >= TRIES_MAX) return false
    tries += 1
    const tried = await run(less)
    if (!tried.findings.some((each) => each.id === id)) return false
    ;[best, outcome] = [less, tried]
    return true
  }
  for (const kind of new Set([...found.faults.map((each) => each.kind), ...WEATHER_KINDS]))
    await holds({ ...best, kinds: [...best.kinds, kind] })
  await drop(
    () => outcome.faults.map(({ number }) => number),
    (numbers) => holds({ ...best, faults: [...best.faults, ...numbers] }),
  )
  await drop(
    () => outcome.calls,
    (calls) => holds({ ...best, calls: [...best.calls, ...calls] }),
  )
  return { less: best, outcome, tries }
}

/** Halves, quarters, and so on, to single ones. */
async function drop(
  left: () => readonly number[],
  holds: (some: readonly number[]) => Promise<boolean>,
): Promise<void> {
  for (let size = Math.ceil(left().length / 2); size >= 1; size = size === 1 ? 0 : size >> 1) {
    for (let at = 0; at < left().length; ) {
      const some = left().slice(at, at + size)
      if (!(await holds(some))) at += size
    }
  }
}
