/** The leaves of a log: one text for each, and nothing else is read. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { atlas, person } from '../../scripts/vectors/tokens.ts'
import { utf8 } from '../../src/core/bytes.ts'
import { idOf } from '../../src/core/id.ts'
import { formatJson } from '../../src/core/json.ts'
import { Malformed } from '../../src/core/malformed.ts'
import { formatDraft, formatRecord, type LogRecord, parseRecord } from '../../src/core/record.ts'

const id = fc.uint8Array({ maxLength: 4 }).map(idOf)
const hex = id.map((each) => each.slice('sha256:'.length))
const time = fc.integer({ min: 0, max: 4e12 })
const count = fc.nat()
const head = { index: count, time, node: fc.constant(atlas.did), epoch: count }
const maybe = <T>(of: fc.Arbitrary<T>) => fc.option(of, { nil: null })

const outcome = fc.record({
  ...head,
  type: fc.constant('outcome' as const),
  execution: id,
  outcome: fc.constantFrom('ok', 'failed', 'stopped', 'unknown'),
  status: maybe(fc.integer({ min: -1, max: 255 })),
  stop: maybe(fc.record({ code: fc.constantFrom('REVOKED', 'FROZEN'), detail: fc.string() })),
})
const statement = fc.record({
  ...head,
  type: fc.constant('statement' as const),
  statement: id,
  kind: fc.constantFrom('root', 'policy', 'freeze'),
  state: fc.constantFrom('effective', 'pending'),
  from: maybe(fc.constant(person(1).did)),
  changed: fc.array(id, { maxLength: 3 }),
  digest: hex,
  summary: fc.string(),
})
const system = fc.record({
  ...head,
  type: fc.constant('system' as const),
  event: fc.constantFrom('start', 'stop'),
  detail: fc.string(),
})
const epoch = fc.record({
  ...head,
  type: fc.constant('epoch' as const),
  statement: maybe(id),
  previousSize: count,
  previousRootHash: maybe(hex),
  overruled: fc.boolean(),
})
const record = fc.oneof(outcome, statement, system, epoch) as fc.Arbitrary<LogRecord>

test('what is printed is read back, and printed again the same', () => {
  fc.assert(
    fc.property(record, (each) => {
      const bytes = formatRecord(each)
      assert.deepEqual(formatRecord(parseRecord(bytes)), bytes)
      assert.equal(parseRecord(bytes).type, each.type)
      assert.equal(parseRecord(bytes).time, each.time)
    }),
  )
})

const EXAMPLE = {
  epoch: 1,
  index: 7,
  node: atlas.did,
  time: '2026-11-24T14:03:10.000Z',
  type: 'system',
  event: 'start',
  detail: 'x',
}
const refuses = (text: string) => assert.throws(() => parseRecord(utf8(text)), Malformed, text)

test('a leaf looks like this', () => {
  const bytes = utf8(
    `{"detail":"x","epoch":1,"event":"start","index":7,"node":"${atlas.did}","time":"2026-11-24T14:03:10.000Z","type":"system"}`,
  )
  assert.deepEqual(formatRecord(parseRecord(bytes)), bytes)
})

test('anything but the one text of a record is refused', () => {
  assert.equal(parseRecord(utf8(formatJson(EXAMPLE))).type, 'system')
  refuses(JSON.stringify(EXAMPLE))
  refuses(`${formatJson(EXAMPLE)}\n`)
  refuses(formatJson({ ...EXAMPLE, extra: 1 }))
  refuses(formatJson({ ...EXAMPLE, type: 'sytem' }))
  refuses(formatJson({ ...EXAMPLE, type: 'constructor' }))
  refuses(formatJson({ ...EXAMPLE, index: -1 }))
  refuses(formatJson({ ...EXAMPLE, time: '2026-11-24T14:03:10Z' }))
  refuses(formatJson({ ...EXAMPLE, detail: 'x'.repeat(70_000) }))
  refuses('null')
  refuses('[]')
})

test('a draft is a leaf without its head', () => {
  const draft = formatDraft<'system'>({ type: 'system', event: 'start', detail: 'x' })
  assert.equal(formatJson(draft), '{"detail":"x","event":"start","type":"system"}')
})
