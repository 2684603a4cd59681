import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { textOf, utf8 } from '../../src/core/bytes.ts'
import { logOrigin, signCheckpoint } from '../../src/core/checkpoint.ts'
import { idOf } from '../../src/core/id.ts'
import { LOG_RECORDS_MAX, PROOF_HASHES_MAX, RECEIPT_BYTES_MAX } from '../../src/core/limits.ts'
import { Malformed } from '../../src/core/malformed.ts'
import { leafHash } from '../../src/core/merkle.ts'
import { proveInclusion } from '../../src/core/proof.ts'
import { formatReceipt, openReceipt, parseReceipt, type Receipt } from '../../src/core/receipt.ts'
import { mth, nodesOf } from './merkle-model.ts'
import { ana, atlas, ben } from './statements.ts'

const ORIGIN = logOrigin(idOf(utf8('mesh')), atlas.identity.did, 1)
const RECORDS = Array.from({ length: 7 }, (_, i) => utf8(`{"index":${i},"type":"system"}`))
const LEAVES = RECORDS.map(leafHash)
const HEAD = { origin: ORIGIN, size: LEAVES.length, rootHash: mth(LEAVES) }

function receiptOf(index: number): Receipt {
  return {
    record: RECORDS[index] ?? new Uint8Array(),
    statements: [utf8('{"payload":""}'), utf8('{}')],
    index,
    proof: proveInclusion(index, LEAVES.length, nodesOf(LEAVES)),
    checkpoint: signCheckpoint(HEAD, ana),
  }
}

const RECEIPT = receiptOf(4)
const BYTES = formatReceipt(RECEIPT)
const TEXT = textOf(BYTES)

test('a receipt reads as it was printed, with any index and number of hashes', () => {
  const hash = fc.uint8Array({ minLength: 32, maxLength: 32 })
  const index = fc.oneof(fc.nat(), fc.constantFrom(0, LOG_RECORDS_MAX))
  fc.assert(
    fc.property(
      index,
      fc.array(hash, { maxLength: PROOF_HASHES_MAX }),
      fc.nat(3),
      (at, proof, n) => {
        const statements = RECEIPT.statements.slice(0, n)
        const receipt = { ...RECEIPT, index: at, proof, statements }
        assert.deepEqual(parseReceipt(formatReceipt(receipt)), receipt)
      },
    ),
  )
})

test('a receipt has the lines of C2SP tlog-proof, and the record is the first line of its extra', () => {
  const [head, extra = '', index, ...rest] = TEXT.split('\n')
  assert.equal(head, 'c2sp.org/tlog-proof@v1')
  const data = Buffer.from(extra.replace(/^extra /, ''), 'base64').toString()
  assert.equal(data, '{"index":4,"type":"system"}\n{"payload":""}\n{}')
  assert.equal(index, 'index 4')
  assert.deepEqual(rest.slice(RECEIPT.proof.length, RECEIPT.proof.length + 3), ['', ORIGIN, '7'])
})

test('the receipt of every record opens under the key of its log, and under no other key or origin', () => {
  for (let index = 0; index < LEAVES.length; index += 1) {
    assert.deepEqual(openReceipt(receiptOf(index), ORIGIN, ana.did), HEAD)
    assert.equal(openReceipt(receiptOf(index), ORIGIN, ben.did), null)
    assert.equal(openReceipt(receiptOf(index), `${ORIGIN}0`, ana.did), null)
  }
})

test('a receipt with another record, index, proof or tree proves nothing', () => {
  const other = receiptOf(3)
  const changed = [
    { record: other.record },
    { index: 3 },
    { index: 5 },
    { proof: other.proof },
    { proof: RECEIPT.proof.slice(1) },
    { proof: [...RECEIPT.proof, ...RECEIPT.proof.slice(0, 1)] },
    { checkpoint: signCheckpoint({ ...HEAD, size: 6, rootHash: mth(LEAVES.slice(0, 6)) }, ana) },
    { checkpoint: signCheckpoint({ ...HEAD, rootHash: mth(LEAVES.toReversed()) }, ana) },
  ]
  for (const change of changed)
    assert.equal(openReceipt({ ...RECEIPT, ...change }, ORIGIN, ana.did), null)
})

/** What every flipped bit may do: no receipt, one that does not open, or other statements beside the same record. */
test('no single bit can be changed in what a receipt proves', () => {
  for (let bit = 0; bit < BYTES.length * 8; bit += 1) {
    const bytes = BYTES.with(bit >> 3, (BYTES[bit >> 3] ?? 0) ^ (1 << (bit & 7)))
    let receipt: Receipt
    try {
      receipt = parseReceipt(bytes)
    } catch (error) {
      assert.ok(error instanceof Malformed)
      continue
    }
    assert.deepEqual(formatReceipt(receipt), bytes)
    if (openReceipt(receipt, ORIGIN, ana.did) === null) continue
    assert.notDeepEqual(receipt.statements, RECEIPT.statements)
    assert.deepEqual({ ...receipt, statements: RECEIPT.statements }, RECEIPT)
  }
})

test('what formatReceipt does not print is no receipt: cut at any byte, doubled, spliced, padded, oversized', () => {
  const wrong = [
    ...Array.from({ length: TEXT.length }, (_, end) => TEXT.slice(0, end)),
    TEXT + TEXT,
    `${TEXT}\n`,
    ` ${TEXT}`,
    TEXT.replaceAll('\n', '\r\n'),
    TEXT.replace('@v1', '@v2'),
    TEXT.replace(/extra .*\n/, ''),
    TEXT.replace(/extra .*\n/, 'extra \n'),
    TEXT.replace(/extra .*\n/, `extra ${Buffer.from('{}\n').toString('base64')}\n`),
    TEXT.replace(/index .*\n/, ''),
    TEXT.replace('index 4', 'index 04'),
    TEXT.replace('index 4', 'index -4'),
    TEXT.replace('index 4', 'index 4e0'),
    TEXT.replace('index 4', `index ${LOG_RECORDS_MAX + 1}`),
    TEXT.replace('index 4\n', 'index 4\nAAAA\n'),
    TEXT.replace('index 4\n', `index 4\n${`${'A'.repeat(43)}=\n`.repeat(PROOF_HASHES_MAX)}`),
    TEXT.replace('\n\n', '\n\n\n'),
    `${TEXT.slice(0, -1)}${' '.repeat(RECEIPT_BYTES_MAX)}\n`,
  ]
  for (const text of wrong) assert.throws(() => parseReceipt(utf8(text)), Malformed, text)
})
