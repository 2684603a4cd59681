import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { LOG_RECORDS_MAX } from '../../src/core/limits.ts'
import type { Hash } from '../../src/core/merkle.ts'
import {
  proveConsistency,
  proveInclusion,
  verifyConsistency,
  verifyInclusion,
} from '../../src/core/proof.ts'
import { row } from '../lab/row.ts'
import { leavesOf, mth, nodesOf, path, proof } from './merkle-model.ts'

const SIZE = 40
const LEAVES = leavesOf(SIZE)
const first = (size: number) => LEAVES.slice(0, size)
const leafAt = (index: number) => LEAVES[index] as Hash

test('an inclusion proof is the PATH of the RFC, and holds, at every index of every size', () => {
  for (let size = 1; size <= SIZE; size++) {
    const [root, read] = [mth(first(size)), nodesOf(first(size))]
    for (let index = 0; index < size; index++) {
      const made = proveInclusion(index, size, read)
      assert.deepEqual(made, path(index, first(size)))
      assert.ok(verifyInclusion(leafAt(index), index, size, made, root))
    }
  }
})

test('a consistency proof is the PROOF of the RFC, and holds, between every two sizes', (t) => {
  for (let n = 0; n <= SIZE; n++) {
    for (let m = 0; m <= n; m++) {
      const made = proveConsistency(m, n, nodesOf(first(n)))
      assert.deepEqual(made, m === 0 || m === n ? [] : proof(m, first(n)))
      assert.ok(verifyConsistency(m, mth(first(m)), n, mth(first(n)), made))
    }
  }
  row(t, 69, '0 differ from the RFC')
})

/** Bit flips, hashes dropped, doubled and added. */
function tampered(made: readonly Hash[], at: number, how: number): readonly Hash[] {
  const i = made.length === 0 ? 0 : at % made.length
  const hash = made[i]
  const stray = leafAt(at % SIZE)
  if (how === 0 || hash === undefined) return made.toSpliced(i, 0, stray)
  if (how === 1) return made.toSpliced(i, 1)
  if (how === 2) return made.with(i, hash.with(at % 32, (hash[at % 32] ?? 0) ^ (1 << (at % 8))))
  return made.toSpliced(i, 0, hash)
}

const size = fc.integer({ min: 1, max: SIZE })

test('no changed inclusion proof holds, nor for another leaf, index, or root', (t) => {
  fc.assert(
    fc.property(size, fc.nat(), fc.nat(), fc.integer({ min: 0, max: 3 }), (n, where, at, how) => {
      const index = where % n
      const [leaf, root] = [leafAt(index), mth(first(n))]
      const made = proveInclusion(index, n, nodesOf(first(n)))
      assert.ok(!verifyInclusion(leaf, index, n, tampered(made, at, how), root))
      assert.ok(!verifyInclusion(leafAt((index + 1) % SIZE), index, n, made, root))
      assert.ok(!verifyInclusion(leaf, index, n, made, root.toReversed()))
      const other = at % n
      assert.equal(verifyInclusion(leaf, other, n, made, root), other === index)
    }),
    { numRuns: 500 },
  )
  row(t, 69, '0 wrong verdicts')
})

test('no changed consistency proof holds, nor of a log that was rewritten', (t) => {
  fc.assert(
    fc.property(size, fc.nat(), fc.nat(), fc.integer({ min: 0, max: 3 }), (n, where, at, how) => {
      const m = where % (n + 1)
      const [old, root] = [mth(first(m)), mth(first(n))]
      const made = proveConsistency(m, n, nodesOf(first(n)))
      assert.ok(!verifyConsistency(m, old, n, root, tampered(made, at, how)))
      if (m === 0) return
      const rewritten = first(n).with(at % m, leafAt(SIZE - 1).toReversed())
      const forged = proveConsistency(m, n, nodesOf(rewritten))
      assert.ok(!verifyConsistency(m, old, n, mth(rewritten), forged))
      assert.ok(!verifyConsistency(m, mth(rewritten.slice(0, m)), n, root, made))
    }),
    { numRuns: 500 },
  )
  row(t, 69, '0 changed consistency proofs hold')
})

test('whatever a peer sends, the answer is no and nothing is thrown', (t) => {
  const hash = fc.uint8Array({ minLength: 30, maxLength: 33 })
  const number = fc.oneof(
    fc.integer({ min: -2, max: 9 }),
    fc.constantFrom(Number.NaN, 1.5, 2 ** 32, 2 ** 53, Infinity, LOG_RECORDS_MAX),
  )
  fc.assert(
    fc.property(
      number,
      number,
      hash,
      hash,
      fc.array(hash, { maxLength: 70 }),
      (a, b, x, y, hashes) => {
        assert.equal(verifyInclusion(x, a, b, hashes, y), false)
        const trivial = a === b && hashes.length === 0 && Buffer.from(x).equals(Buffer.from(y))
        if (!trivial) assert.equal(verifyConsistency(a, x, b, y, hashes), false)
      },
    ),
    { numRuns: 500 },
  )
  row(t, 69, '0 wrong verdicts, 0 thrown')
})

test('the largest log is proven with 32-bit arithmetic', (t) => {
  const [leaf] = LEAVES
  assert.ok(leaf !== undefined)
  const read = () => leaf
  assert.equal(proveInclusion(LOG_RECORDS_MAX - 1, LOG_RECORDS_MAX, read).length, 31)
  assert.equal(proveInclusion(0, LOG_RECORDS_MAX, read).length, 32)
  const half = 2 ** 31
  assert.equal(proveConsistency(half, LOG_RECORDS_MAX, read).length, 1)
  assert.equal(proveConsistency(half + 1, LOG_RECORDS_MAX, read).length, 33)
  row(t, 69, '0 wrong verdicts at the bound')
})

test('to prove what is not in a log is a bug', () => {
  assert.throws(() => proveInclusion(1, 1, nodesOf(first(1))), /only what is in a log/)
  assert.throws(() => proveConsistency(2, 1, nodesOf(first(1))), /a log only grows/)
})
