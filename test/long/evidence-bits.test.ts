/** Every bit of a small export, and samples of a large one: changed, it is refused, and with a reason. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { tarFiles } from '../../src/cli/evidence-files.ts'
import { Malformed } from '../../src/core/malformed.ts'
import { verifyBundle } from '../../src/core/verify/evidence-bundle.ts'
import { row } from '../lab/row.ts'
import { bundleOf, RECORDS, systemRecord, tarOf, world } from '../unit/evidence.ts'

const TRUSTED = [world.first.bytes]

function refusedWith(tar: Uint8Array, bit: number): void {
  const at = bit >> 3
  const before = tar[at] ?? 0
  tar[at] = before ^ (1 << (bit & 7))
  assert.throws(
    () => verifyBundle(tarFiles(tar), TRUSTED),
    (error) => error instanceof Malformed && error.message !== '',
    `bit ${bit}`,
  )
  tar[at] = before
}

test('every bit of a small export', (t) => {
  const tar = tarOf(bundleOf(RECORDS.slice(0, 2)))
  for (let bit = 0; bit < tar.length * 8; bit += 1) refusedWith(tar, bit)
  assert.equal(verifyBundle(tarFiles(tar), TRUSTED).records.count, 2)
  row(t, 107, 'every bit detected')
})

test('samples of an export of a thousand records', (t) => {
  const records = Array.from({ length: 1_000 }, (_, index) => systemRecord(index))
  const tar = tarOf(bundleOf(records))
  const bits = tar.length * 8
  for (let i = 0; i < 400; i += 1) refusedWith(tar, Math.floor((bits / 400) * i + (i % 8)))
  assert.equal(verifyBundle(tarFiles(tar), TRUSTED).records.count, 1_000)
  row(t, 107, '100 % of samples detected')
})
