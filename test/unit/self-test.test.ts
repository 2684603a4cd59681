import assert from 'node:assert/strict'
import { test } from 'node:test'
import { selfTest } from '../../src/core/self-test.ts'
import { CRAFTED, HONEST, ROOTS, SHA256 } from '../../src/core/self-test-vectors.ts'

test('this Node gives the answers of the mesh', () => {
  selfTest()
})

test('the self-test has all it needs to deviate', () => {
  assert.equal(CRAFTED.filter(([what]) => what.startsWith('speccheck')).length, 12)
  assert.ok(CRAFTED.length > 16)
  assert.equal(new Set(CRAFTED.map((row) => row.join())).size, CRAFTED.length)
  assert.deepEqual([HONEST.length, SHA256.length, ROOTS.length], [3, 2, 8])
})
