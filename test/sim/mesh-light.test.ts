/** Many small worlds of whole nodes, without a heal: what must never happen does not, whatever a seed draws. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { runSeed } from './mesh-run.ts'

const SEEDS = 100
/** What is checked while things go wrong, and comes up in so many small worlds. */
const CHECKED = [
  'S1',
  'S2',
  'S3',
  'S4',
  'S5',
  'S6',
  'S7',
  'S8',
  'S9',
  'S13',
  'S21',
  'S22',
  'S25',
  'S26',
  'Q1',
  'Q2',
]

test(`nothing is violated in ${SEEDS} small worlds, and all that is checked came up`, async (t) => {
  const met = new Map<string, number>()
  const found: string[] = []
  for (let seed = 1; seed <= SEEDS; seed += 1) {
    const outcome = await runSeed(seed, { size: 'small' })
    for (const [id, times] of outcome.met) met.set(id, (met.get(id) ?? 0) + times)
    for (const { id, says } of outcome.findings)
      found.push(`${id}: ${says}   npm run sim -- --size small --seed ${seed} --trace`)
  }
  assert.deepEqual(found, [])
  for (const id of CHECKED) assert.ok((met.get(id) ?? 0) > 0, `${id} had nothing to check`)
  t.diagnostic(`${met.get('an allow')} allows, ${met.get('Q1')} of them after a commit`)
})
