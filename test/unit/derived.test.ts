/** What follows from the very same things is made once. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { atlas, person } from '../../scripts/vectors/tokens.ts'
import { Derived } from '../../src/core/derived.ts'

test('made again whenever one of the things is another one, though it looks the same', () => {
  const things = [{}, {}, [], []]
  const others = [...things, atlas.did, person(1).did, null]
  const asks = fc.array(fc.tuple(fc.constantFrom(...things), fc.array(fc.constantFrom(...others))))
  fc.assert(
    fc.property(asks, fc.integer({ min: 1, max: 8 }), (asked, max) => {
      const derived = new Derived<readonly unknown[]>(max)
      for (const [first, rest] of asked) {
        const made = derived.of(first, rest, () => [first, ...rest])
        assert.equal(made.length, rest.length + 1)
        for (const [i, thing] of [first, ...rest].entries()) assert.equal(made[i], thing)
      }
    }),
  )
})

test('made twice for what is asked a hundred times: what is met once is not kept', () => {
  const derived = new Derived<number>(16)
  const [first, other] = [{}, {}]
  let made = 0
  for (let i = 0; i < 100; i += 1) derived.of(first, [other, null], () => ++made)
  assert.equal(made, 2)
  for (let i = 0; i < 100; i += 1) derived.of({}, [other, null], () => ++made)
  assert.equal(made, 102)
})
