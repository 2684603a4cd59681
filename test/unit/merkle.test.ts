import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { concat } from '../../src/core/bytes.ts'
import { sha256 } from '../../src/core/id.ts'
import { LOG_RECORDS_MAX } from '../../src/core/limits.ts'
import { append, EMPTY, leafHash, nodeHash, peakCount, rootHash } from '../../src/core/merkle.ts'
import { leavesOf, mth } from './merkle-model.ts'

test('the peaks give the root of the definition, at every size', () => {
  let tree = EMPTY
  const leaves = leavesOf(130)
  assert.deepEqual(rootHash(tree), mth([]))
  for (const [i, leaf] of leaves.entries()) {
    tree = append(tree, leaf)
    assert.equal(tree.size, i + 1)
    assert.equal(tree.peaks.length, peakCount(i + 1))
    assert.deepEqual(rootHash(tree), mth(leaves.slice(0, i + 1)))
  }
})

test('a tree is a value: appending leaves the old one as it was', () => {
  const tree = leavesOf(7).reduce(append, EMPTY)
  const before = structuredClone(tree)
  append(tree, leafHash(Uint8Array.of(1)))
  assert.deepEqual(tree, before)
})

test('other records, or another order of them, give another root', () => {
  const records = fc.array(fc.uint8Array({ maxLength: 4 }), { minLength: 2, maxLength: 20 })
  fc.assert(
    fc.property(records, fc.nat(), fc.nat(), (data, a, b) => {
      const [i, j] = [a % data.length, b % data.length]
      const swapped = data
        .with(i, data[j] ?? data[0] ?? new Uint8Array())
        .with(j, data[i] ?? new Uint8Array())
      const root = (all: readonly Uint8Array[]) => rootHash(all.map(leafHash).reduce(append, EMPTY))
      const same = Buffer.from(data[i] ?? []).equals(Buffer.from(data[j] ?? []))
      assert.equal(Buffer.from(root(swapped)).equals(Buffer.from(root(data))), same)
    }),
  )
})

test('no record poses as a node: leaves and nodes are hashed apart', () => {
  const [a, b] = leavesOf(2)
  assert.ok(a !== undefined && b !== undefined)
  assert.notDeepEqual(leafHash(concat(a, b)), nodeHash(a, b))
  assert.deepEqual(leafHash(Uint8Array.of(7)), sha256(Uint8Array.of(0, 7)))
  assert.deepEqual(nodeHash(a, b), sha256(concat(Uint8Array.of(1), a, b)))
})

test('a full log, a tree whose peaks do not fit its size, and half a hash are bugs', () => {
  const [leaf] = leavesOf(1)
  assert.ok(leaf !== undefined)
  const peaks = Array.from({ length: 32 }, () => leaf)
  assert.throws(() => append({ size: LOG_RECORDS_MAX, peaks }, leaf), /a full log is retired/)
  assert.throws(() => append({ size: 3, peaks: [leaf] }, leaf), /a peak for each set bit/)
  assert.throws(() => nodeHash(leaf, leaf.subarray(1)), /two hashes/)
})

test('a log may grow to its bound', () => {
  const [leaf] = leavesOf(1)
  assert.ok(leaf !== undefined)
  const peaks = Array.from({ length: peakCount(LOG_RECORDS_MAX - 1) }, () => leaf)
  const tree = append({ size: LOG_RECORDS_MAX - 1, peaks }, leaf)
  assert.equal(tree.size, LOG_RECORDS_MAX)
  assert.equal(tree.peaks.length, 32)
  assert.equal(peakCount(2 ** 31), 1)
})
