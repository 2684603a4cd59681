/** Roots of RFC 6962, as the certificate-transparency project published them. */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { fromHex, toHex } from '../../src/core/bytes.ts'
import { append, EMPTY, leafHash, rootHash } from '../../src/core/merkle.ts'

interface Vector {
  readonly comment: string
  /** Hex. */
  readonly records: readonly string[]
  readonly root: string
}

const vectors: readonly Vector[] = JSON.parse(
  readFileSync(new URL('merkle.json', import.meta.url), 'utf8'),
)

for (const { comment, records, root } of vectors) {
  test(`root: ${comment}`, () => {
    const tree = records.map(fromHex).map(leafHash).reduce(append, EMPTY)
    assert.equal(toHex(rootHash(tree)), root)
    assert.equal(tree.size, records.length)
  })
}

test('there are vectors', () => assert.equal(vectors.length, 9))
