/** What docs/reliability.md rests on: every invariant has a test that exists, every checker and planted bug a place in it. */
import assert from 'node:assert/strict'
import { existsSync, readFileSync } from 'node:fs'
import { test } from 'node:test'
import { LEASE, LIVENESS, SAFETY } from '../lab/invariants.ts'
import { INVARIANTS } from '../sim/checkers/checkers.ts'
import { MUTATIONS } from '../sim/mutations.ts'

const ALL = [...SAFETY, ...LEASE, ...LIVENESS]

test('the invariants are numbered from 1 on, and each has tests that exist, or says why not', () => {
  const numbered = (letter: string, count: number) =>
    Array.from({ length: count }, (_, at) => `${letter}${at + 1}`)
  assert.deepEqual(
    ALL.map(({ id }) => id),
    [...numbered('S', 26), ...numbered('Q', 9), ...numbered('L', 8)],
  )
  const checkers = new Set(INVARIANTS.map(({ id }) => id))
  for (const { id, checker, tests, gap } of ALL) {
    assert.ok(checker === undefined || checkers.has(checker), `${id}: ${checker} is no checker`)
    assert.ok(tests.length > 0 || gap !== undefined, `${id} has no test, and says not why`)
    for (const file of tests) assert.ok(existsSync(file), `${id}: ${file}`)
  }
})

test('every checker of the simulation checks an invariant', () => {
  for (const { id } of INVARIANTS)
    assert.ok(id === 'P' || ALL.some((each) => each.id === id), `${id} is none`)
})

test('what must find a planted bug is a checker, or a test with that name', () => {
  const checkers = new Set(INVARIANTS.map(({ id }) => id))
  for (const { id, by } of MUTATIONS) {
    if ('checker' in by) assert.ok(checkers.has(by.checker), `${id}: ${by.checker}`)
    // That it has a test of that name is found out when it runs.
    else assert.ok(existsSync(by.test), `${id}: ${by.test}`)
  }
})

test('every edit of a planted bug is of a text that is there once', () => {
  for (const { id, edits } of MUTATIONS)
    for (const { file, from, to } of edits) {
      assert.equal(readFileSync(`src/${file}`, 'utf8').split(from).length, 2, `${id}: ${from}`)
      assert.notEqual(from, to)
    }
})
