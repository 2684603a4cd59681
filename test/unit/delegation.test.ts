import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { atlas, edit, link, NOW_S, person } from '../../scripts/vectors/tokens.ts'
import { checkSignatures } from '../../src/core/chain.ts'
import {
  type DelegationFields,
  parseDelegation,
  signDelegation,
} from '../../src/core/delegation.ts'
import { Malformed } from '../../src/core/malformed.ts'
import { parsePolicy } from '../../src/core/predicate.ts'

const fields: DelegationFields = {
  aud: person(1).did,
  sub: person(0).did,
  cmd: '/tool',
  pol: parsePolicy([['==', '.meshd.node.id', atlas.did]], 'strict'),
  nonce: new Uint8Array(12),
  expS: NOW_S + 60,
  nbfS: NOW_S,
  meta: { once: true, depth: 1, by: { team: 'platform' } },
}

test('what is signed is read back', () => {
  const { iss, cid, bytes, once, depth, meta, ...read } = parseDelegation(
    signDelegation(fields, person(0)),
  )
  assert.equal(iss, person(0).did)
  assert.match(cid, /^bafyrei/)
  assert.ok(once)
  assert.equal(depth, 1)
  assert.deepEqual({ ...read, meta: JSON.parse(JSON.stringify(meta)) }, fields)
  assert.deepEqual(signDelegation(fields, person(0)), bytes, 'one content, one byte string')
})

test('what would not be read is not signed', () => {
  const bad: Partial<DelegationFields>[] = [
    { cmd: '/Tool' },
    { expS: NOW_S },
    { expS: NOW_S + 0.5 },
    { expS: NOW_S + 500 * 86_400 },
    { nonce: new Uint8Array(8) },
    { meta: { note: 'x' } },
    { meta: { depth: 9 } },
  ]
  for (const each of bad) {
    assert.throws(() => signDelegation({ ...fields, ...each }, person(0)), Malformed)
  }
})

test('any one changed byte is refused, by the parser or by the signature', () => {
  const good = link(0)
  fc.assert(
    fc.property(fc.nat(good.length - 1), fc.integer({ min: 1, max: 255 }), (at, flip) => {
      const changed = edit(good, at, 1, [(good[at] ?? 0) ^ flip])
      let denied: boolean
      try {
        denied = checkSignatures([parseDelegation(changed)], null, () => true) !== null
      } catch (error) {
        // The parser's own refusal; anything else is a bug of it.
        assert.ok(error instanceof Malformed, String(error))
        denied = true
      }
      assert.ok(denied)
    }),
    { numRuns: 500 },
  )
})

test('the object read does not change with the bytes it was read from', () => {
  const bytes = link(0)
  const delegation = parseDelegation(bytes)
  const before = delegation.bytes.slice()
  bytes.fill(0)
  assert.deepEqual(delegation.bytes, before)
})
