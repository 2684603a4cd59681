/**
 * Many worlds of whole nodes, on all cores: those that found something before,
 * then as many more as fit into SIM_SECONDS, SIM_SEEDS at most; and small ones.
 * Each failing one is printed with how to see it again.
 */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { type TestContext, test } from 'node:test'
import { Pool } from '../sim/pool.ts'
import type { Size } from '../sim/swarm.ts'
import { sweep } from '../sim/sweep.ts'

const SECONDS = Number(process.env['SIM_SECONDS'] ?? 240)
const SEEDS = Number(process.env['SIM_SEEDS'] ?? 100)
const FROM = Number(process.env['SIM_FROM'] ?? 1)
/** Of small worlds, for each whole one: in half of the time. */
const SMALL = 3
/** For the last worlds, however busy the machine is. */
const LIMIT_MS = 2 * SECONDS * 1000 + 300_000

function keptSeeds(): number[] {
  const lines = readFileSync(new URL('../sim/seeds.txt', import.meta.url), 'utf8').split('\n')
  return lines.filter((line) => /^\d/.test(line)).map((line) => Number.parseInt(line, 10))
}

interface Asked {
  readonly first: readonly number[]
  readonly seeds: number
  readonly seconds: number
  readonly size: Size
  readonly rerun: string
}

async function findsNothing(
  t: TestContext,
  { first, seeds: atMost, seconds, size, rerun }: Asked,
): Promise<readonly string[]> {
  await using pool = new Pool(availableParallelism())
  const beganMs = performance.now()
  const endMs = beganMs + seconds * 1000
  const next = (soFar: number) => {
    if (soFar < first.length) return first[soFar] ?? null
    const more = soFar - first.length
    return more < atMost && performance.now() < endMs ? FROM + more : null
  }
  const { seeds, twice, failed, unsteady, unmet } = await sweep({ pool, next, size: () => size })
  const minutes = (performance.now() - beganMs) / 60_000
  t.diagnostic(`${seeds} seeds, ${twice} of them twice, ${(seeds / minutes).toFixed(0)} a minute`)
  const found = failed.flatMap(({ swarm, findings }) =>
    findings.map(({ id, says }) => `${id}: ${says}   ${rerun} --seed ${swarm.seed} --trace`),
  )
  assert.deepEqual(found, [])
  assert.deepEqual(unsteady, [], 'one seed is one history, on every thread')
  return unmet
}

test('no world finds anything, and all that is checked comes up', {
  timeout: LIMIT_MS,
}, async (t) => {
  const first = keptSeeds()
  assert.ok(first.length > 0)
  const of = {
    seeds: SEEDS,
    seconds: SECONDS,
    size: 'whole' as const,
    rerun: 'npm run sim -- --size whole',
  }
  const unmet = await findsNothing(t, { first, ...of })
  assert.deepEqual(unmet, [], 'all that is checked came up')
})

test('no small world finds anything', { timeout: LIMIT_MS }, async (t) => {
  const of = { size: 'small' as const, rerun: 'npm run sim -- --size small' }
  await findsNothing(t, { first: [], seeds: SMALL * SEEDS, seconds: SECONDS / 2, ...of })
})
