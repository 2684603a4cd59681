/** Planted bugs that show only in few worlds, or after a while. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { firstOf, MUTATIONS, planted } from '../sim/mutations.ts'

const SEEDS = 60

for (const mutation of MUTATIONS.filter(({ quick }) => !quick))
  test(`found: ${mutation.name}`, async (t) => {
    const run = await planted(mutation)
    const found = await firstOf(run, mutation, SEEDS)
    assert.notEqual(found, null, `${mutation.by} found nothing in ${SEEDS} seeds`)
    t.diagnostic(`seed ${found}`)
  })
