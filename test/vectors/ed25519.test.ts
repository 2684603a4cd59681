/** Crafted signatures: ours, and the twelve of ed25519-speccheck. The one rule accepts the honest one alone. */
import assert from 'node:assert/strict'
import { existsSync, readFileSync } from 'node:fs'
import { test } from 'node:test'
import { fromHex } from '../../src/core/bytes.ts'
import { didOf, verifySignature } from '../../src/core/keys.ts'
import { CRAFTED } from '../../src/core/self-test-vectors.ts'
import { row } from '../lab/row.ts'

interface Vector {
  readonly comment: string
  readonly expected: 'accepted' | 'refused'
  readonly publicKey: string
  readonly message: string
  readonly signature: string
}

const read = (url: URL) => JSON.parse(readFileSync(url, 'utf8'))
const vectors: readonly Vector[] = read(new URL('ed25519.json', import.meta.url))
const official = new URL('../../../shared/vectors/ed25519-speccheck/cases.json', import.meta.url)

function verify(publicKey: string, message: string, signature: string): 'accepted' | 'refused' {
  try {
    const good = verifySignature(didOf(fromHex(publicKey)), fromHex(message), fromHex(signature))
    return good ? 'accepted' : 'refused'
  } catch {
    // The key is not admitted.
    return 'refused'
  }
}

for (const { comment, expected, publicKey, message, signature } of vectors)
  test(`${expected}: ${comment}`, () => {
    assert.equal(verify(publicKey, message, signature), expected)
  })

test('speccheck: all twelve are refused, and the self-test holds the same', (t) => {
  if (!existsSync(official)) return t.skip('no official vectors beside the repository')
  const cases: readonly Record<string, string>[] = read(official)
  assert.equal(cases.length, 12)
  for (const [i, { pub_key = '', message = '', signature = '' }] of cases.entries()) {
    assert.equal(verify(pub_key, message, signature), 'refused', `case ${i}`)
    assert.deepEqual(CRAFTED[i], [`speccheck ${i}`, pub_key, message, signature])
  }
  row(t, 81, '12 cases, 0 accepted')
})
