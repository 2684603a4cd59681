import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { concat, toBase64, utf8 } from '../../src/core/bytes.ts'
import type { StatementId } from '../../src/core/id.ts'
import {
  FRAME_HEADER_BYTES_MAX,
  ISSUER_REVOCATIONS_MAX,
  NONCE_BYTES,
  PEERS_MAX,
  SYNC_FRAME_BYTES_MAX,
} from '../../src/core/limits.ts'
import { Malformed } from '../../src/core/malformed.ts'
import type { Branch, Leaf } from '../../src/core/prefix-tree.ts'
import {
  formatSyncAnswer,
  formatSyncRequest,
  parseSyncAnswer,
  parseSyncRequest,
  type Summary,
  type SyncAnswer,
  type SyncRequest,
} from '../../src/mesh/sync-frames.ts'
import type { Part } from '../../src/mesh/sync-parts.ts'
import { row } from '../lab/row.ts'

/** With the prototype that literals have, so that strict equality means the fields. */
const record = <T>(model: { [K in keyof T]: fc.Arbitrary<T[K]> }) =>
  fc.record<T>(model, { noNullPrototype: true })
const hex = (length: number) => fc.stringMatching(new RegExp(`^[0-9a-f]{${length}}$`))
const id: fc.Arbitrary<StatementId> = hex(64).map((digits) => `sha256:${digits}` as const)
const blobs = fc.array(fc.uint8Array({ maxLength: 200 }), { maxLength: 5 })
const prefix = fc.stringMatching(/^[0-9a-f]{0,5}$/)
const prefixes = fc.array(prefix, { maxLength: 5 })
const hashes = fc.array(hex(64), { maxLength: 5 })
const tree = fc.constantFrom('envelopes' as const, 'waiting' as const)
const version = fc.nat()
const summary: fc.Arbitrary<Summary> = record({
  mesh: id,
  root: version,
  digest: hex(64),
  envelopes: hex(64),
  waiting: hex(64),
  addresses: hex(64),
})

const request: fc.Arbitrary<SyncRequest> = fc.oneof(
  record({ ask: fc.constant('compare' as const), summary }),
  record({ ask: fc.constant('walk' as const), tree, nodes: prefixes, lists: prefixes }),
  record({ ask: fc.constant('roots' as const), from: version }),
  record({ ask: fc.constant('fetch' as const), ids: fc.array(id, { maxLength: 5 }) }),
  record({ ask: fc.constant('proof' as const), of: hex(64), from: fc.nat(ISSUER_REVOCATIONS_MAX) }),
  record({ ask: fc.constant('push' as const), blobs }),
  record({ ask: fc.constant('addresses' as const), have: hashes, blobs }),
)

const branches = (at: string): fc.Arbitrary<Branch[]> =>
  fc
    .uniqueArray(fc.nat(15), { maxLength: 16 })
    .map((digits) => digits.sort((a, b) => a - b))
    .chain((digits) =>
      fc.tuple(
        ...digits.map((digit) =>
          record({
            prefix: fc.constant(at + digit.toString(16)),
            hash: hex(64),
            count: fc.integer({ min: 1, max: 2 ** 32 - 1 }),
          }),
        ),
      ),
    )
const leaves = (at: string): fc.Arbitrary<Leaf[]> =>
  fc
    .uniqueArray(hex(64 - at.length), { maxLength: 5 })
    .chain((rest) =>
      fc.tuple(...rest.sort().map((end) => record({ key: fc.constant(at + end), hash: hex(64) }))),
    )
const partAt = (at: string): fc.Arbitrary<Part> =>
  fc.oneof(
    record({
      as: fc.constant('node' as const),
      prefix: fc.constant(at),
      branches: branches(at),
    }),
    record({ as: fc.constant('list' as const), prefix: fc.constant(at), leaves: leaves(at) }),
  )

const nonce = fc.uint8Array({ minLength: NONCE_BYTES, maxLength: NONCE_BYTES }).map(toBase64)
const answer: fc.Arbitrary<SyncAnswer> = fc.oneof(
  record({
    say: fc.constant('summary' as const),
    incarnation: nonce,
    summary,
    tops: fc.array(record({ tree, part: partAt('') }), { maxLength: 2 }),
  }),
  record({
    say: fc.constant('walk' as const),
    parts: fc.array(prefix.chain(partAt), { maxLength: 4 }),
  }),
  record({ say: fc.constant('roots' as const), more: fc.boolean(), blobs }),
  record({
    say: fc.constant('statements' as const),
    missing: fc.array(id, { maxLength: 5 }),
    blobs,
  }),
  record({ say: fc.constant('proof' as const), more: fc.boolean(), blobs }),
  record({ say: fc.constant('held' as const), held: fc.nat(100) }),
  record({ say: fc.constant('addresses' as const), want: hashes, blobs }),
)

test('a request reads as it was printed', () => {
  fc.assert(
    fc.property(request, (one) => {
      assert.deepEqual(parseSyncRequest(formatSyncRequest(one)), one)
    }),
  )
})

test('an answer reads as it was printed', () => {
  fc.assert(
    fc.property(answer, (one) => {
      assert.deepEqual(parseSyncAnswer(formatSyncAnswer(one)), one)
    }),
  )
})

test('what was read prints as the same bytes, so a frame has one spelling', () => {
  const changed = fc.tuple(answer.map(formatSyncAnswer), fc.nat(), fc.nat(255))
  fc.assert(
    fc.property(changed, ([bytes, at, byte]) => {
      const other = Uint8Array.from(bytes)
      other[at % other.length] = byte
      let read: SyncAnswer
      try {
        read = parseSyncAnswer(other)
      } catch (error) {
        assert.ok(error instanceof Malformed)
        return
      }
      assert.deepEqual(formatSyncAnswer(read), other)
    }),
    { numRuns: 200 },
  )
})

test('any bytes are a frame or malformed, and nothing else happens', (t) => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
      assert.throws(() => parseSyncRequest(bytes), Malformed)
      assert.throws(() => parseSyncAnswer(bytes), Malformed)
    }),
  )
  row(t, 64, '0 other ends')
})

const malformed: Record<string, Uint8Array> = {
  'no header line': utf8('{"ask":"push"}'),
  'a header that is no object': utf8('["push"]\n'),
  'a header that is not canonical': utf8('{ "ask":"push"}\n'),
  'an unknown question': utf8('{"ask":"everything"}\n'),
  'an inherited name as a question': utf8('{"ask":"constructor"}\n'),
  'an unknown field': utf8('{"ask":"push","now":true}\n'),
  'a blob that is cut off': utf8('{"ask":"push"}\n\0\0\0\x05four'),
  'half of a length': utf8('{"ask":"push"}\n\0\0'),
  'blobs that it does not name': utf8('{"ask":"roots","from":1}\n\0\0\0\0'),
  'a prefix in upper case': utf8('{"ask":"walk","lists":[],"nodes":["A"],"tree":"envelopes"}\n'),
  'an unknown tree': utf8('{"ask":"walk","lists":[],"nodes":[],"tree":"members"}\n'),
}
for (const [what, bytes] of Object.entries(malformed))
  test(`refused: ${what}`, () => {
    assert.throws(() => parseSyncRequest(bytes), Malformed)
  })

test('refused: a frame over its bound', () => {
  assert.throws(() => parseSyncRequest(new Uint8Array(SYNC_FRAME_BYTES_MAX + 1)), Malformed)
})

test('refused: a header over its bound, before a word of it is read; the largest that is asked is below', () => {
  const header = (bytes: number) => utf8(`${' '.repeat(bytes - 1)}\n`)
  const why = (bytes: number) => () => parseSyncRequest(header(bytes))
  assert.throws(why(FRAME_HEADER_BYTES_MAX), /nothing|ends|expected|value/)
  assert.throws(why(FRAME_HEADER_BYTES_MAX + 1), /larger than/)
  const have = Array.from({ length: PEERS_MAX }, () => 'f'.repeat(64))
  assert.doesNotThrow(() => formatSyncRequest({ ask: 'addresses', have, blobs: [] }))
})

const list = (prefix: string, blob: string) =>
  concat(
    utf8(`{"parts":[{"as":"list","prefix":"${prefix}"}],"say":"walk"}\n`),
    Uint8Array.of(0, 0, 0, blob.length),
    utf8(blob),
  )
const leaf = (first: string) => first.repeat(32) + 'h'.repeat(32)

test('refused: leaves out of order, doubled, or under another prefix', () => {
  assert.doesNotThrow(() => parseSyncAnswer(list('6', leaf('a') + leaf('b'))))
  for (const [at, blob] of [
    ['6', leaf('b') + leaf('a')],
    ['6', leaf('a') + leaf('a')],
    ['7', leaf('a') + leaf('b')],
  ] as const)
    assert.throws(() => parseSyncAnswer(list(at, blob)), Malformed)
})
