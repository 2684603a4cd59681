/**
 * Many worlds of whole nodes: as many seeds as fit into SIM_SECONDS, at least
 * those that found something before. Each failing one is printed with how to
 * see it again.
 */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { INVARIANTS } from '../sim/checkers/checkers.ts'
import { runSeed } from '../sim/mesh-run.ts'

const SECONDS = Number(process.env['SIM_SECONDS'] ?? 120)
const FROM = Number(process.env['SIM_FROM'] ?? 1)

function keptSeeds(): number[] {
  const lines = readFileSync(new URL('../sim/seeds.txt', import.meta.url), 'utf8').split('\n')
  return lines.filter((line) => /^\d/.test(line)).map((line) => Number.parseInt(line, 10))
}

test('no seed finds anything, and each check had something to check', async (t) => {
  const met = new Map<string, number>()
  const found: string[] = []
  const endMs = performance.now() + SECONDS * 1000
  const kept = keptSeeds()
  assert.ok(kept.length > 0)
  let seeds = 0
  for (let next = FROM; seeds < kept.length || performance.now() < endMs; seeds++) {
    const seed = kept[seeds] ?? next++
    const outcome = await runSeed(seed)
    for (const [id, times] of outcome.met) met.set(id, (met.get(id) ?? 0) + times)
    for (const { id, says } of outcome.findings)
      found.push(`${id}: ${says}   node scripts/sim.ts --seed ${seed} --trace`)
  }
  t.diagnostic(`${seeds} seeds`)
  assert.deepEqual(found, [])
  for (const { id } of INVARIANTS) assert.ok((met.get(id) ?? 0) > 0, `${id} had nothing to check`)
})
