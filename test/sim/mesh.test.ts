/**
 * Whole nodes under everything that a seed can do to them: what must hold of
 * decisions, leases, logs and governance is checked over each history, and
 * each check must have had something to check.
 */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { INVARIANTS } from './checkers/checkers.ts'
import { formatEvent } from './history.ts'
import { type Outcome, runSeed } from './mesh-run.ts'
import { sizeOf } from './swarm.ts'

/** In the first one some answers are late, in the fourth one a node lies. */
const SEEDS = [8, 2, 3, 26, 4, 5, 6, 7]
const met = new Map<string, number>()

for (const seed of SEEDS)
  test(`nothing is violated in the world of seed ${seed}`, async () => {
    const outcome = await runSeed(seed)
    for (const [id, times] of outcome.met) met.set(id, (met.get(id) ?? 0) + times)
    assert.equal(outcome.findings.length, 0, shown(outcome))
  })

for (const { id, says } of INVARIANTS)
  test(`${id} was put to the test: ${says}`, () => {
    assert.ok((met.get(id) ?? 0) > 0, 'no world had anything to check')
  })

// In one of a hundred worlds keys and policies are the real ones: Cedar's own order of things is by chance.
for (const seed of [2, 3600])
  test(`one seed gives one history: ${seed}`, async () => {
    const size = sizeOf(seed)
    const [once, again] = [await runSeed(seed, { size }), await runSeed(seed, { size })]
    assert.equal(once.digest, again.digest)
    assert.ok(once.events > 300)
  })

function shown({ swarm, findings, last }: Outcome): string {
  const lines = findings.map(({ id, t, says }) => `${id} at ${t.toFixed(1)} ms: ${says}`)
  const replay = `node scripts/sim.ts --size whole --seed ${swarm.seed} --trace`
  return [...last.map(formatEvent), ...lines, replay].join('\n')
}
