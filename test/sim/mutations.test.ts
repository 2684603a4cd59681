/** The simulation is tested too: bugs that are planted in the program must be found, most of them by the first seed. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { firstOf, planted, upTo } from './mutant.ts'
import { MUTATIONS } from './mutations.ts'

const SEEDS = 30

for (const mutation of MUTATIONS.filter(({ quick }) => quick)) {
  const { id, name, by } = mutation
  test(`found: ${name} (${id})`, async (t) => {
    assert.ok('checker' in by, 'what runs a test takes longer')
    const run = await planted(mutation)
    const found = await firstOf(run, by.checker, [by.seed, ...upTo(SEEDS)])
    assert.notEqual(found, null, `${by.checker} found nothing in ${SEEDS} seeds`)
    t.diagnostic(`seed ${found}`)
  })
}

test('all that are planned are planted, each once', () => {
  const ids = MUTATIONS.map(({ id }) => id)
  const planned = Array.from({ length: 24 }, (_, at) => `B${at + 1}`)
  assert.deepEqual(
    ids.filter((id) => id.startsWith('B')),
    planned,
  )
  assert.equal(new Set(ids).size, ids.length)
})
