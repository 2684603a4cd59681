import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { textOf, toBase64, utf8 } from '../../src/core/bytes.ts'
import type { Governance } from '../../src/core/governance.ts'
import { idOf, type StatementId } from '../../src/core/id.ts'
import { signerOf } from '../../src/core/keys.ts'
import { HELD_IDS_MAX, NONCE_BYTES } from '../../src/core/limits.ts'
import { Malformed } from '../../src/core/malformed.ts'
import type { Member } from '../../src/core/statement/member.ts'
import { signAnnouncement, verifyAnnouncement } from '../../src/mesh/announce.ts'
import {
  formatStateQuestion,
  parseStateAnswer,
  parseStateQuestion,
  type StateAnswer,
  type StateQuestion,
  signStateAnswer,
  verifyStateAnswer,
} from '../../src/mesh/state-frames.ts'

const witness = signerOf(new Uint8Array(32).fill(1))
const stranger = signerOf(new Uint8Array(32).fill(2))
const member = { witness: witness.did } as Member
const governance = { members: new Map([[witness.did, member]]) } as unknown as Governance

const record = <T>(model: { [K in keyof T]: fc.Arbitrary<T[K]> }) =>
  fc.record<T>(model, { noNullPrototype: true })
const hex64 = fc.stringMatching(/^[0-9a-f]{64}$/)
const id: fc.Arbitrary<StatementId> = hex64.map((digits) => `sha256:${digits}` as const)
const nonce = fc.uint8Array({ minLength: NONCE_BYTES, maxLength: NONCE_BYTES }).map(toBase64)
const note = fc.option(fc.constantFrom('', 'a\n\n— b c\n'))
const ids = fc.array(id, { maxLength: HELD_IDS_MAX })
const question: fc.Arbitrary<StateQuestion> = record({ nonce, ids, own: fc.boolean() })
const answer: fc.Arbitrary<StateAnswer> = record({
  mesh: id,
  node: fc.constant(witness.did),
  nonce,
  incarnation: nonce,
  checked: fc.boolean(),
  root: fc.integer({ min: 1, max: 1e9 }),
  digest: hex64,
  size: fc.nat(),
  opened: fc.nat(),
  closed: fc.nat(),
  checkpoint: note,
  timeMs: fc.nat(4e12),
  held: fc.array(fc.boolean(), { maxLength: HELD_IDS_MAX }),
  yours: note,
})
const sample = fc.sample(answer, { numRuns: 1, seed: 1 })[0] as StateAnswer

test('a question is what was printed, and nothing else', () => {
  fc.assert(
    fc.property(question, (each) => {
      assert.deepEqual(parseStateQuestion(formatStateQuestion(each)), each)
    }),
  )
})

test('an answer is what was signed, and its signature holds', () => {
  fc.assert(
    fc.property(answer, (each) => {
      const signed = parseStateAnswer(signStateAnswer(each, witness))
      assert.deepEqual(signed.answer, each)
      assert.equal(verifyStateAnswer(signed, governance), true)
    }),
    { numRuns: 30 },
  )
})

test('no field of an answer can be changed under its signature', () => {
  const signed = parseStateAnswer(signStateAnswer(sample, witness))
  const changed: Partial<StateAnswer>[] = [
    { mesh: idOf(utf8('another')) },
    { nonce: toBase64(new Uint8Array(NONCE_BYTES).fill(9)) },
    { incarnation: toBase64(new Uint8Array(NONCE_BYTES).fill(9)) },
    { checked: !sample.checked },
    { root: sample.root + 1 },
    { digest: '0'.repeat(64) },
    { size: sample.size + 1 },
    { opened: sample.opened + 1 },
    { closed: sample.closed + 1 },
    { checkpoint: 'another' },
    { timeMs: sample.timeMs + 1 },
    { held: [...sample.held, true] },
    { yours: 'another' },
  ]
  for (const change of changed) {
    const forged = { ...signed, answer: { ...signed.answer, ...change } }
    assert.equal(verifyStateAnswer(forged, governance), false, Object.keys(change)[0] as string)
  }
})

test('only the witness key that the member statement names signs an answer', () => {
  const signed = parseStateAnswer(signStateAnswer(sample, stranger))
  assert.equal(verifyStateAnswer(signed, governance), false)
  const nobody = { members: new Map() } as unknown as Governance
  const good = parseStateAnswer(signStateAnswer(sample, witness))
  assert.equal(verifyStateAnswer(good, nobody), false)
})

test('an announcement is no answer, nor the reverse: each signs its own line', () => {
  const { mesh, node, root, digest, size, checkpoint, timeMs } = sample
  const announcement = { mesh, node, root, digest, size, checkpoint, cosigned: null, timeMs }
  const bytes = textOf(signAnnouncement(announcement, witness))
  assert.throws(() => parseStateAnswer(utf8(bytes)), Malformed)
  const { signature } = parseStateAnswer(signStateAnswer(sample, witness))
  assert.equal(verifyAnnouncement({ announcement, signature }, governance), false)
})

test('frames that are not canonical, too long, or of other fields are malformed', () => {
  const good = textOf(formatStateQuestion({ nonce: sample.nonce, ids: [], own: false }))
  const many = Array.from({ length: HELD_IDS_MAX + 1 }, (_, at) => idOf(utf8(String(at))))
  const wrong = [
    ` ${good}`,
    good.replace('"own":false', '"own":0'),
    good.replace('{', '{"also":1,'),
    good.replace(sample.nonce, toBase64(new Uint8Array(NONCE_BYTES - 1))),
    textOf(formatStateQuestion({ nonce: sample.nonce, ids: many, own: false })),
    '',
  ]
  for (const each of wrong) assert.throws(() => parseStateQuestion(utf8(each)), Malformed, each)
  assert.throws(() => parseStateAnswer(utf8(good)), Malformed)
})
