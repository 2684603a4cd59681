import assert from 'node:assert/strict'
import { test } from 'node:test'
import { decision, learned } from '../../scripts/docs/leaves.ts'
import { idOf } from '../../src/core/id.ts'
import type { JsonObject } from '../../src/core/json.ts'
import { ocsfEvent } from '../../src/core/ocsf.ts'
import { type LogRecord, parseRecord } from '../../src/core/record.ts'

const SOURCE = { version: '1.0.0', nodeName: 'atlas', log: 'meshd/0123456789abcdef/z6Mk/1' }
const LEAF = decision()
const ALLOW = parseRecord(LEAF) as LogRecord<'decision'>
const event = (over: Partial<LogRecord<'decision'>> = {}) =>
  ocsfEvent({ ...ALLOW, ...over }, LEAF, SOURCE) as JsonObject

test('an allow is API Activity that was allowed, with the leaf and its hash', () => {
  const { class_uid, type_uid, action_id, disposition_id, status_id, raw_data, raw_data_hash } =
    event()
  assert.deepEqual(
    [class_uid, type_uid, action_id, disposition_id, status_id],
    [6003, 600_399, 1, 1, 1],
  )
  assert.equal(raw_data, Buffer.from(LEAF).toString())
  assert.equal(`sha256:${(raw_data_hash as JsonObject)['value']}`, idOf(LEAF))
})

test('what OCSF requires of API Activity is there, whatever was asked', () => {
  const malformed = event({ request: null, principal: null })
  for (const each of [event(), malformed])
    for (const field of [
      'activity_id',
      'actor',
      'api',
      'category_uid',
      'class_uid',
      'metadata',
      'severity_id',
      'src_endpoint',
      'time',
      'type_uid',
    ])
      assert.notEqual(each[field], undefined, field)
})

test('a deny says why; a cause and a trace connect it', () => {
  const request = {
    ...(ALLOW.request as NonNullable<typeof ALLOW.request>),
    cause: idOf(LEAF),
    traceparent: `00-${'a'.repeat(32)}-${'b'.repeat(16)}-01`,
  }
  const denied = event({
    effect: 'deny',
    code: 'REVOKED',
    detail: 'revoked: rev_0a77e4c1',
    request,
  })
  const { action, status_code, status_detail, trace, metadata } = denied
  assert.deepEqual(
    [action, status_code, status_detail],
    ['Denied', 'REVOKED', 'revoked: rev_0a77e4c1'],
  )
  assert.deepEqual(trace, { uid: 'a'.repeat(32), span: { uid: 'b'.repeat(16) } })
  assert.equal((metadata as JsonObject)['correlation_uid'], idOf(LEAF))
})

test('a record that is no decision is no event', () => {
  assert.equal(ocsfEvent(parseRecord(learned()), learned(), SOURCE), null)
})
