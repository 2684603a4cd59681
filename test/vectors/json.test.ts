/** JSON: what is read and how it is printed, the examples of RFC 8785 among it; and what is refused. */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { fromHex } from '../../src/core/bytes.ts'
import { formatJson, parseCanonical, parseJson } from '../../src/core/json.ts'
import { Malformed } from '../../src/core/malformed.ts'
import { row } from '../lab/row.ts'

interface Vector {
  readonly comment: string
  readonly text?: string
  readonly hex?: string
  readonly canonical?: string
  /** Occurs in the message. */
  readonly refused?: string
}

const MAX = 1 << 16
const vectors: readonly Vector[] = JSON.parse(
  readFileSync(new URL('json.json', import.meta.url), 'utf8'),
)
const encode = (text: string) => new TextEncoder().encode(text)

test('json: every vector says what is expected', (t) => {
  assert.ok(vectors.length > 50)
  for (const { comment, canonical, refused } of vectors)
    assert.notEqual(canonical === undefined, refused === undefined, comment)
  row(t, 83, '0 accepted that a vector refuses')
})

for (const { comment, text, hex = '', canonical = '', refused } of vectors) {
  const bytes = text === undefined ? fromHex(hex) : encode(text)
  if (refused === undefined)
    test(`json is read: ${comment}`, () => {
      assert.equal(formatJson(parseJson(bytes, MAX)), canonical)
      assert.equal(formatJson(parseCanonical(encode(canonical), MAX)), canonical)
      if (text !== canonical) assert.throws(() => parseCanonical(bytes, MAX), /not canonical/)
    })
  else
    test(`json is refused: ${comment}`, () => {
      for (const parse of [parseJson, parseCanonical])
        assert.throws(
          () => parse(bytes, MAX),
          (error) => error instanceof Malformed && new RegExp(refused).test(error.message),
        )
    })
}
