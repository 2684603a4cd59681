import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { concat, utf8 } from '../../src/core/bytes.ts'
import {
  ADD_CHECKPOINT_BYTES_MAX,
  CONSISTENCY_HASHES_MAX,
  HEADS_ASKED_MAX,
  LOG_EPOCH_MAX,
  LOG_RECORDS_MAX,
  READ_RECORDS,
  SYNC_FRAME_BYTES_MAX,
  TILE_LEVEL_MAX,
} from '../../src/core/limits.ts'
import { Malformed } from '../../src/core/malformed.ts'
import {
  formatLogAnswer,
  formatLogRequest,
  LOG_REFUSALS,
  type LogAnswer,
  type LogRequest,
  parseLogAnswer,
  parseLogRequest,
} from '../../src/mesh/log-frames.ts'
import { atlas } from './statements.ts'

/** With the prototype that literals have, so that strict equality means the fields. */
const record = <T>(model: { [K in keyof T]: fc.Arbitrary<T[K]> }) =>
  fc.record<T>(model, { noNullPrototype: true })
const up = (max: number) => fc.oneof(fc.nat(Math.min(max, 2 ** 31 - 1)), fc.constantFrom(0, max))
const [epoch, size] = [up(LOG_EPOCH_MAX), up(LOG_RECORDS_MAX)]
const text = fc
  .string({ maxLength: 300 })
  .filter((each) => each.isWellFormed() && each[0] !== '\ufeff')
const is = <const T>(value: T) => fc.constant(value)
const bytes = (length: number) => fc.uint8Array({ minLength: length, maxLength: length })
const count = fc.integer({ min: 1, max: READ_RECORDS })
const level = fc.nat(TILE_LEVEL_MAX)

const HASH = new Uint8Array(32).fill(5)

const request: fc.Arbitrary<LogRequest> = fc.oneof(
  record({ ask: is('cosign'), body: text }),
  record({ ask: is('checkpoint'), node: is(atlas.identity.did) }),
  record({ ask: is('consistency'), epoch, from: size, to: size }),
  record({
    ask: is('heads'),
    nodes: fc.array(is(atlas.identity.did), { maxLength: HEADS_ASKED_MAX }),
  }),
  record({ ask: is('inclusion'), epoch, index: size, size }),
  record({ ask: is('tile'), epoch, level, index: size }),
  record({ ask: is('records'), epoch, first: size, count }),
  record({ ask: is('copy'), epoch, first: size, count }),
  record({
    ...{ ask: is('mirror'), epoch, first: is(7), least: fc.nat(7) },
    peaks: fc.constantFrom([], [HASH, HASH, HASH]),
    note: text,
    proof: fc.array(bytes(32), { maxLength: CONSISTENCY_HASHES_MAX }),
    records: fc.array(fc.uint8Array({ maxLength: 50 }), { maxLength: 5 }),
  }),
)

const answer: fc.Arbitrary<LogAnswer> = fc.oneof(
  record({ say: is('cosigned'), line: text }),
  record({ say: is('size'), size }),
  record({ say: is('holds'), size, rootHash: bytes(32) }),
  record({ say: is('refused'), why: fc.constantFrom(...LOG_REFUSALS) }),
  record({ say: is('checkpoint'), note: text }),
  record({ say: is('heads'), notes: fc.array(text, { maxLength: HEADS_ASKED_MAX }) }),
  record({ say: is('proof'), hashes: fc.array(bytes(32), { maxLength: CONSISTENCY_HASHES_MAX }) }),
  record({ say: is('tile'), tile: is(new Uint8Array(8_192).fill(7)) }),
  record({
    say: is('records'),
    records: fc.array(fc.uint8Array({ maxLength: 50 }), { minLength: 1, maxLength: 5 }),
  }),
)

test('frames read as they were printed', () => {
  fc.assert(
    fc.property(request, answer, (asked, said) => {
      assert.deepEqual(parseLogRequest(formatLogRequest(asked)), asked)
      assert.deepEqual(parseLogAnswer(formatLogAnswer(said)), said)
    }),
  )
})

test('what was read prints as the same bytes, so a frame has one spelling', () => {
  const changed = fc.tuple(fc.oneof(answer.map(formatLogAnswer), request.map(formatLogRequest)))
  fc.assert(
    fc.property(changed, fc.nat(), fc.nat(255), ([bytes], at, byte) => {
      const other = bytes.with(at % bytes.length, byte)
      const whole: [(bytes: Uint8Array) => unknown, (read: never) => Uint8Array][] = [
        [parseLogRequest, formatLogRequest],
        [parseLogAnswer, formatLogAnswer],
      ]
      for (const [parse, format] of whole) {
        try {
          assert.deepEqual(format(parse(other) as never), other)
        } catch (error) {
          assert.ok(error instanceof Malformed, String(error))
        }
      }
    }),
    { numRuns: 300 },
  )
})

test('any bytes are a frame or malformed, and nothing else happens', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
      assert.throws(() => parseLogRequest(bytes), Malformed)
      assert.throws(() => parseLogAnswer(bytes), Malformed)
    }),
  )
})

const blob = (length: number) => {
  const head = new Uint8Array(4)
  new DataView(head.buffer).setUint32(0, length)
  return concat(head, new Uint8Array(length))
}
const frame = (header: string, ...blobs: Uint8Array[]) => concat(utf8(`${header}\n`), ...blobs)
const asked: Record<string, Uint8Array> = {
  'an unknown question': frame('{"ask":"everything"}'),
  'an inherited name as a question': frame('{"ask":"constructor"}'),
  'a request to cosign without its body': frame('{"ask":"cosign"}'),
  'a request to cosign with two': frame('{"ask":"cosign"}', blob(1), blob(1)),
  'a body that is too long': frame('{"ask":"cosign"}', blob(ADD_CHECKPOINT_BYTES_MAX + 1)),
  'a body that is no text': frame('{"ask":"cosign"}', concat(blob(1).with(3, 1).with(4, 0xff))),
  'a size of 2^32': frame(`{"ask":"consistency","epoch":1,"from":0,"to":${2 ** 32}}`),
  'a size of 2^63': frame('{"ask":"consistency","epoch":1,"from":0,"to":9223372036854775808}'),
  'no records': frame('{"ask":"records","count":0,"epoch":1,"first":0}'),
  'too many records': frame(`{"ask":"records","count":${READ_RECORDS + 1},"epoch":1,"first":0}`),
  'a level above all tiles': frame(
    `{"ask":"tile","epoch":1,"index":0,"level":${TILE_LEVEL_MAX + 1}}`,
  ),
  'a node that is no key': frame('{"ask":"checkpoint","node":"did:key:z6MkA"}'),
  'blobs that it does not name': frame('{"ask":"records","count":1,"epoch":1,"first":0}', blob(1)),
  'a frame over its bound': new Uint8Array(SYNC_FRAME_BYTES_MAX + 1),
}
for (const [what, bytes] of Object.entries(asked))
  test(`refused: ${what}`, () => {
    assert.throws(() => parseLogRequest(bytes), Malformed)
  })

const said: Record<string, Uint8Array> = {
  'a reason that nobody knows': frame('{"say":"refused","why":"tired"}'),
  'a hash of 31 bytes': frame('{"say":"proof"}', blob(31)),
  'a proof of too many hashes': frame(
    '{"say":"proof"}',
    ...Array.from({ length: CONSISTENCY_HASHES_MAX + 1 }, () => blob(32)),
  ),
  'a tile that is not full': frame('{"say":"tile"}', blob(8_160)),
  'no record': frame('{"say":"records"}'),
  'too many records': frame(
    '{"say":"records"}',
    ...Array.from({ length: READ_RECORDS + 1 }, () => blob(0)),
  ),
  'a size with a line': frame('{"say":"size","size":3}', blob(1)),
}
for (const [what, bytes] of Object.entries(said))
  test(`refused: an answer with ${what}`, () => {
    assert.throws(() => parseLogAnswer(bytes), Malformed)
  })
