/** What trusted keys say of an executable, and what looks like it. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { toBase64, utf8 } from '../../src/core/bytes.ts'
import { preAuthentication } from '../../src/core/dsse.ts'
import { type Attestation, parseAttestation } from '../../src/core/in-toto.ts'
import { signerOf } from '../../src/core/keys.ts'
import { Malformed } from '../../src/core/malformed.ts'
import { attestedBy } from '../../src/daemon/attestations.ts'

const builder = signerOf(new Uint8Array(32).fill(7))
const stranger = signerOf(new Uint8Array(32).fill(8))
const EXE = 'ab'.repeat(32)
const OTHER = 'cd'.repeat(32)
const TYPE = 'application/vnd.in-toto+json'
const PROVENANCE = 'https://slsa.dev/provenance/v1'

const STATEMENT = {
  _type: 'https://in-toto.io/Statement/v1',
  subject: [
    { name: 'planner', digest: { sha256: EXE, sha1: 'x' }, annotations: { more: true } },
    { name: 'source', digest: { gitCommit: 'abc' } },
  ],
  predicateType: PROVENANCE,
  predicate: { buildDefinition: { externalParameters: { ratio: 0.5 } } },
}

function envelope(
  statement: object = STATEMENT,
  { signer = builder, type = TYPE, over = TYPE, keyid = 'anything' } = {},
): Uint8Array {
  const payload = utf8(JSON.stringify(statement, null, 2))
  const sig = toBase64(signer.sign(preAuthentication(over, payload)))
  const signatures = [{ keyid, sig: toBase64(new Uint8Array(64)) }, { sig }]
  return utf8(
    JSON.stringify({ payloadType: type, payload: toBase64(payload), signatures }, null, 1),
  )
}

const read = (bytes: Uint8Array): Attestation =>
  parseAttestation(bytes, [stranger.did, builder.did])

test('a statement that a trusted key signed says what it says of its sha256 subjects', () => {
  const { predicateType, subjects } = read(envelope())
  assert.deepEqual([predicateType, [...subjects]], [PROVENANCE, [EXE]])
  assert.deepEqual(read(envelope({ ...STATEMENT, subject: [] })).subjects.size, 0)
})

test('what no trusted key signed says nothing, whatever key it names', () => {
  const only = (bytes: Uint8Array) => () => parseAttestation(bytes, [builder.did])
  assert.throws(only(envelope(STATEMENT, { signer: stranger, keyid: builder.did })), Malformed)
  // Signed for another type of payload.
  assert.throws(only(envelope(STATEMENT, { over: 'application/json' })), Malformed)
  assert.throws(() => parseAttestation(envelope(), []), Malformed)
  const bytes = envelope()
  for (let at = 0; at < bytes.length; at += 7) {
    const spoilt = bytes.slice()
    spoilt[at] = (spoilt[at] ?? 0) ^ 1
    let found: Attestation | null = null
    try {
      found = parseAttestation(spoilt, [builder.did])
    } catch (error) {
      assert.ok(error instanceof Malformed, String(error))
    }
    // Only the parts that nobody signs may change: spaces, keyid, the other signature.
    if (found !== null) assert.deepEqual([...found.subjects], [EXE])
  }
})

test('what is signed and is no Statement v1, or has two meanings, is refused', () => {
  for (const change of [
    { _type: 'https://in-toto.io/Statement/v0.1' },
    { predicateType: 7 },
    { predicateType: 'has a space' },
    { subject: {} },
    { subject: [{ name: 'x', digest: { sha256: EXE.toUpperCase() } }] },
    { subject: [{ name: 'x' }] },
    { subject: ['x'] },
  ])
    assert.throws(() => read(envelope({ ...STATEMENT, ...change })), Malformed)
  assert.throws(() => read(envelope(STATEMENT, { type: 'application/json' })), Malformed)
  const twice = `{"payloadType":"${TYPE}",${new TextDecoder().decode(envelope()).slice(1)}`
  assert.throws(() => read(utf8(twice)), /duplicate|twice|Malformed/)
})

test('an executable is attested by those that name it, and one that is not measured by none', () => {
  const of = (...subjects: readonly string[]) => ({
    ...{ predicateType: PROVENANCE, subjects: new Set(subjects) },
  })
  const all = new Map([
    ['build', of(EXE)],
    ['scan', of(OTHER, EXE)],
    ['other', of(OTHER)],
  ])
  const named = { build: PROVENANCE, scan: PROVENANCE }
  assert.deepEqual(Object.fromEntries(attestedBy(EXE, all)), named)
  assert.equal(attestedBy(null, all).size, 0)
})
