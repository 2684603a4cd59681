/** The simulation is tested too: bugs that are planted in the program must be found, most of them by the first seed. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { firstOf, MUTATIONS, planted } from './mutations.ts'

const SEEDS = 12

for (const mutation of MUTATIONS.filter(({ quick }) => quick))
  test(`found: ${mutation.name}`, async (t) => {
    const run = await planted(mutation)
    const found = await firstOf(run, mutation, SEEDS)
    assert.notEqual(found, null, `${mutation.by} found nothing in ${SEEDS} seeds`)
    t.diagnostic(`seed ${found}`)
  })
