import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { textOf, toBase64, utf8 } from '../../src/core/bytes.ts'
import * as dsse from '../../src/core/dsse.ts'
import { idOf } from '../../src/core/id.ts'
import { signerOf, verifySignature } from '../../src/core/keys.ts'
import { SIGNATURES_MAX } from '../../src/core/limits.ts'
import { Malformed } from '../../src/core/malformed.ts'

const signers = Array.from({ length: 6 }, (_, i) => signerOf(new Uint8Array(32).fill(i)))
const [alice, bob] = signers as [(typeof signers)[0], (typeof signers)[0]]
const payload = utf8('{"version":1}')
const envelope = dsse.signEnvelope('policy', payload, [alice, bob])
const types = fc.constantFrom('root', 'member', 'policy', 'revocation', 'freeze', 'epoch')
const some = fc.subarray(signers, { minLength: 1 })

/** An envelope as somebody else would print it. */
function printed(fields: object): Uint8Array {
  const [first, second] = envelope.signatures.map(({ key, bytes }) => ({
    keyid: key,
    sig: toBase64(bytes),
  }))
  const good = {
    payload: toBase64(payload),
    payloadType: 'application/vnd.meshd.policy.v1+json',
    signatures: [first, second],
  }
  return utf8(JSON.stringify({ ...good, ...fields }))
}

test('what is signed is the pre-authentication encoding of DSSE', () => {
  const type = 'application/vnd.meshd.freeze.v1+json'
  assert.equal(textOf(dsse.signedBytes('freeze', utf8('abc'))), `DSSEv1 36 ${type} 3 abc`)
  for (const { key, bytes } of envelope.signatures) {
    assert.ok(verifySignature(key, dsse.signedBytes('policy', payload), bytes))
    assert.ok(!verifySignature(key, dsse.signedBytes('freeze', payload), bytes))
    assert.ok(!verifySignature(key, payload, bytes))
  }
})

test('an envelope is printed and read back; its id is the hash of its payload', () => {
  fc.assert(
    fc.property(types, fc.uint8Array(), some, (type, bytes, by) => {
      const e = dsse.signEnvelope(type, bytes, by)
      assert.deepEqual(dsse.parseEnvelope(dsse.formatEnvelope(e)), e)
      assert.equal(dsse.statementIdOf(e), idOf(bytes))
    }),
    { numRuns: 30 },
  )
  assert.deepEqual(dsse.formatEnvelope(envelope), printed({}))
})

test('signatures come in one order, whoever signs first', () => {
  fc.assert(
    fc.property(fc.shuffledSubarray(signers, { minLength: 1 }), (by) => {
      const e = dsse.signEnvelope('member', payload, by)
      const keys = e.signatures.map((s) => s.key)
      assert.deepEqual(keys, by.map((s) => s.did).sort())
      assert.deepEqual(dsse.signEnvelope('member', payload, [...by, ...by]), e)
    }),
    { numRuns: 30 },
  )
})

test('merging is a union, whatever the order', () => {
  fc.assert(
    fc.property(some, some, (left, right) => {
      const [a, b] = [left, right].map((by) => dsse.signEnvelope('member', payload, by))
      assert.ok(a !== undefined && b !== undefined)
      const both = dsse.mergeSignatures(a, b)
      assert.deepEqual(both, dsse.mergeSignatures(b, a))
      assert.deepEqual(both, dsse.signEnvelope('member', payload, [...left, ...right]))
      assert.deepEqual(dsse.mergeSignatures(both, a), both)
    }),
    { numRuns: 30 },
  )
})

test('of two signatures by one key one stays, whatever the order', () => {
  const forged = { key: alice.did, bytes: new Uint8Array(64) }
  const other = { ...envelope, signatures: [forged] }
  const merged = dsse.mergeSignatures(envelope, other)
  assert.deepEqual(merged, dsse.mergeSignatures(other, envelope))
  assert.equal(merged.signatures.length, 2)
})

test('signatures of two statements are never merged, and never too many', () => {
  const other = dsse.signEnvelope('policy', utf8('{}'), [alice])
  assert.throws(() => dsse.mergeSignatures(envelope, other), { name: 'Bug' })
  assert.throws(() => dsse.mergeSignatures(envelope, { ...envelope, type: 'root' }), {
    name: 'Bug',
  })
  const crowd = Array.from({ length: SIGNATURES_MAX }, (_, i) => ({
    key: signerOf(new Uint8Array(32).fill(100 + i)).did,
    bytes: new Uint8Array(64),
  }))
  const crowded = { ...envelope, signatures: crowd }
  assert.equal(dsse.mergeSignatures(crowded, crowded).signatures.length, SIGNATURES_MAX)
  assert.throws(() => dsse.mergeSignatures(envelope, crowded), Malformed)
})

test('types of later versions are refused by name, and others without one', () => {
  assert.deepEqual(dsse.RESERVED_TYPES, ['breakglass', 'compact'])
  const of = (type: string) => () =>
    dsse.parseEnvelope(printed({ payloadType: `application/vnd.meshd.${type}.v1+json` }))
  for (const type of dsse.RESERVED_TYPES)
    assert.throws(of(type), new RegExp(`type \`${type}\` are reserved`))
  for (const type of ['', 'policies', 'POLICY', 'policy.v1+json; x'])
    assert.throws(of(type), Malformed)
  const foreign = printed({ payloadType: 'application/vnd.in-toto+json' })
  assert.throws(() => dsse.parseEnvelope(foreign), /payload type is unknown/)
})

test('an envelope that is not printed by us is refused', () => {
  const [first, second] = envelope.signatures.map((s) => ({ keyid: s.key, sig: toBase64(s.bytes) }))
  const short = { ...first, sig: toBase64(new Uint8Array(63)) }
  const cases: [object, RegExp][] = [
    [{ signatures: [] }, /at least one signature/],
    [{ payloadType: 'application/vnd.meshd.evidence.v1+json' }, /bears no signature/],
    [{ signatures: [second, first] }, /sorted by key/],
    [{ signatures: [first, first] }, /one for each/],
    [{ signatures: [short] }, /64 bytes/],
    [
      { signatures: [{ ...first, keyid: 'alice' }] },
      /^Malformed: envelope\.signatures\[0\]\.keyid: /,
    ],
    [{ signatures: [{ cert: '', ...first }] }, /unknown field/],
    [{ signatures: new Array(SIGNATURES_MAX + 1).fill(first) }, /at most 32/],
    [{ payload: 'YWJ' }, /envelope\.payload: /],
    [{ x: 1 }, /unknown field/],
    [{ payloadType: undefined }, /envelope\.payloadType: /],
  ]
  for (const [fields, message] of cases)
    assert.throws(() => dsse.parseEnvelope(printed(fields)), message)
  const spaced = utf8(textOf(printed({})).replace(':', ': '))
  assert.throws(() => dsse.parseEnvelope(spaced), /not canonical/)
})
