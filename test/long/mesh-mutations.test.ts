/** Planted bugs that show only in few worlds, after a while, or in a test of their own. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { firstOf, planted, upTo, verdictOf } from '../sim/mutant.ts'
import { MUTATIONS } from '../sim/mutations.ts'

const SEEDS = 60

for (const mutation of MUTATIONS.filter(({ quick }) => !quick)) {
  const { id, name, by } = mutation
  test(`found: ${name} (${id})`, async (t) => {
    if ('test' in by) {
      assert.equal(await verdictOf(by, null), 'passes')
      assert.equal(await verdictOf(by, mutation), 'fails')
      return
    }
    const run = await planted(mutation)
    const found = await firstOf(run, by.checker, [by.seed, ...upTo(SEEDS)])
    assert.notEqual(found, null, `${by.checker} found nothing in ${SEEDS} seeds`)
    t.diagnostic(`seed ${found}`)
  })
}
