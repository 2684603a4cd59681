/**
 * Many worlds of whole nodes, on all cores: those that found something before,
 * and as many more as fit into SIM_SECONDS. Each failing one is printed with
 * how to see it again.
 */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { test } from 'node:test'
import { Pool } from '../sim/pool.ts'
import { sweep } from '../sim/sweep.ts'

const SECONDS = Number(process.env['SIM_SECONDS'] ?? 300)
const FROM = Number(process.env['SIM_FROM'] ?? 1)
/** For the last worlds, however busy the machine is. */
const LIMIT_MS = 2 * SECONDS * 1000 + 300_000

function keptSeeds(): number[] {
  const lines = readFileSync(new URL('../sim/seeds.txt', import.meta.url), 'utf8').split('\n')
  return lines.filter((line) => /^\d/.test(line)).map((line) => Number.parseInt(line, 10))
}

test('no seed finds anything, and all that is checked came up', {
  timeout: LIMIT_MS,
}, async (t) => {
  await using pool = new Pool(availableParallelism())
  const beganMs = performance.now()
  const endMs = beganMs + SECONDS * 1000
  const kept = keptSeeds()
  assert.ok(kept.length > 0)
  const next = (soFar: number) => {
    if (soFar < kept.length) return kept[soFar] ?? null
    return performance.now() < endMs ? FROM + soFar - kept.length : null
  }
  const { seeds, twice, failed, unsteady, unmet } = await sweep({ pool, next })
  const minutes = (performance.now() - beganMs) / 60_000
  t.diagnostic(`${seeds} seeds, ${twice} of them twice, ${(seeds / minutes).toFixed(0)} a minute`)
  const found = failed.flatMap(({ swarm, findings }) =>
    findings.map(({ id, says }) => `${id}: ${says}   npm run sim -- --seed ${swarm.seed} --trace`),
  )
  assert.deepEqual(found, [])
  assert.deepEqual(unsteady, [], 'one seed is one history, on every thread')
  assert.deepEqual(unmet, [], 'all that is checked came up')
})
