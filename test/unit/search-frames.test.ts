/** The frames that look through another node's log: one spelling each, and bounds on all of it. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { textOf, utf8 } from '../../src/core/bytes.ts'
import { LOG_RECORDS_MAX, MESH_SEARCH_RECORDS_MAX } from '../../src/core/limits.ts'
import { Malformed } from '../../src/core/malformed.ts'
import { TERM_KINDS } from '../../src/core/terms.ts'
import { formatLineageRequest } from '../../src/mesh/lineage-frames.ts'
import {
  asksSearch,
  formatSearchAnswer,
  formatSearchRequest,
  parseSearchAnswer,
  parseSearchRequest,
  type SearchAnswer,
  type SearchRequest,
} from '../../src/mesh/search-frames.ts'

const place = fc.integer({ min: 0, max: LOG_RECORDS_MAX })
const time = fc.integer({ min: 0, max: 2 ** 47 })
const requests: fc.Arbitrary<SearchRequest> = fc.record({
  filter: fc.record(
    {
      terms: fc
        .uniqueArray(fc.constantFrom(...TERM_KINDS))
        .map((kinds) => Object.fromEntries(kinds.map((kind) => [kind, `some ${kind}`]))),
      sinceMs: fc.option(time),
      untilMs: fc.option(time),
    },
    { noNullPrototype: true },
  ),
  before: fc.option(place),
  count: fc.integer({ min: 1, max: MESH_SEARCH_RECORDS_MAX }),
})
const hash = fc.uint8Array({ minLength: 32, maxLength: 32 })
const answers: fc.Arbitrary<SearchAnswer> = fc.oneof(
  fc.record({
    say: fc.constant('refused' as const),
    why: fc.constantFrom('share' as const, 'busy' as const, 'unready' as const),
  }),
  fc.record({
    say: fc.constant('found' as const),
    epoch: fc.integer({ min: 1, max: 99 }),
    notes: fc.array(fc.constantFrom('a note\n', 'another\n'), { minLength: 1, maxLength: 2 }),
    records: fc.array(
      fc.record({
        index: place,
        bytes: fc.uint8Array({ minLength: 1, maxLength: 200 }),
        proof: fc.array(hash, { maxLength: 32 }),
      }),
      { maxLength: 5 },
    ),
    next: fc.option(place),
    stopped: fc.boolean(),
  }),
)

test('what is printed is read again, and is known from the other questions of its protocol', () => {
  fc.assert(
    fc.property(requests, (request) => {
      const bytes = formatSearchRequest(request)
      assert.ok(asksSearch(bytes))
      assert.deepEqual(JSON.parse(JSON.stringify(parseSearchRequest(bytes))), { ...request })
    }),
  )
  fc.assert(
    fc.property(answers, (answer) => {
      const bytes = formatSearchAnswer(answer)
      const read = parseSearchAnswer(bytes)
      assert.equal(read.say, answer.say)
      assert.deepEqual(formatSearchAnswer(read), bytes)
    }),
  )
  const id = `sha256:${'0'.repeat(64)}` as const
  for (const ask of ['receipt', 'descendants'] as const)
    assert.ok(!asksSearch(formatLineageRequest({ ask, id })))
})

test('any byte more or less, and what is beyond its bound, is malformed', () => {
  const filter = { terms: { code: 'REVOKED' }, sinceMs: null, untilMs: null }
  const text = textOf(formatSearchRequest({ filter, before: null, count: 5 }))
  for (const wrong of [
    text.replace('"count":5', '"count":0'),
    text.replace('"count":5', `"count":${MESH_SEARCH_RECORDS_MAX + 1}`),
    text.replace('"code"', '"color"'),
    text.replace('"since":null', '"since":-1'),
    `${text}x`,
  ])
    assert.throws(() => parseSearchRequest(utf8(wrong)), Malformed, wrong)
  const records = [{ index: 3, bytes: utf8('{}'), proof: [new Uint8Array(32)] }]
  const found = { say: 'found', epoch: 1, notes: ['note\n'], records, next: null } as const
  const bytes = formatSearchAnswer({ ...found, stopped: false })
  for (let at = 0; at < bytes.length; at += 1)
    assert.throws(() => parseSearchAnswer(bytes.subarray(0, at)), Malformed, `${at} bytes`)
  assert.throws(() => parseSearchAnswer(new Uint8Array([...bytes, 0, 0, 0, 0])), Malformed)
})
