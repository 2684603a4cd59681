/** DAG-CBOR: one form of each value, examples of RFC 8949 appendix A among it; and what is refused. */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { fromHex, toHex } from '../../src/core/bytes.ts'
import { decodeCbor, encodeCbor } from '../../src/core/cbor.ts'
import { Malformed } from '../../src/core/malformed.ts'
import { row } from '../lab/row.ts'

interface Vector {
  readonly comment: string
  readonly hex: string
  readonly value?: unknown
  /** Occurs in the message. */
  readonly refused?: string
}

const MAX = 1 << 16
const vectors: readonly Vector[] = JSON.parse(
  readFileSync(new URL('cbor.json', import.meta.url), 'utf8'),
)

test('cbor: every vector says what is expected', (t) => {
  assert.ok(vectors.length > 40)
  for (const vector of vectors)
    assert.notEqual('value' in vector, 'refused' in vector, vector.comment)
  row(t, 84, '0 accepted that a vector refuses')
})

for (const { comment, hex, value, refused } of vectors) {
  if (refused === undefined)
    test(`cbor is read: ${comment}`, () => {
      assert.deepEqual(decodeCbor(fromHex(hex), MAX), value)
      assert.equal(toHex(encodeCbor(value)), hex)
    })
  else
    test(`cbor is refused: ${comment}`, () => {
      assert.throws(
        () => decodeCbor(fromHex(hex), MAX),
        (error) => error instanceof Malformed && new RegExp(refused).test(error.message),
      )
    })
}
