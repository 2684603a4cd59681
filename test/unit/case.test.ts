import assert from 'node:assert/strict'
import { test } from 'node:test'
import { utf8 } from '../../src/core/bytes.ts'
import { belongingTo, type Case, caseJson } from '../../src/core/case.ts'
import { idOf, type RecordId } from '../../src/core/id.ts'
import type { LogRecord } from '../../src/core/record.ts'
import { ana, keyOf, NOW_MS } from './statements.ts'

const planner = keyOf('planner').did
const ALL: Case = { principal: null, execution: null, sinceMs: null, untilMs: null }
const idAt = (index: number): RecordId => idOf(utf8(`record ${index}`))

/** As much of a record as a case looks at. */
function record(index: number, type: LogRecord['type'], fields: object = {}): LogRecord {
  return { index, type, time: NOW_MS + index, ...fields } as LogRecord
}

const decision = (index: number, fields: object = {}) =>
  record(index, 'decision', { principals: [planner], supersedes: null, ...fields })

const LOG = [
  record(0, 'statement'),
  decision(1),
  decision(2, { principals: [ana.did], ancestors: [idAt(1)] }),
  decision(3, { principals: [ana.did] }),
  record(4, 'outcome', { execution: idAt(1) }),
  record(5, 'outcome', { execution: idAt(3) }),
  record(6, 'artifact', { issuer: ana.did, audience: planner }),
  record(7, 'system'),
  decision(8, { principals: [ana.did], supersedes: idAt(3) }),
  record(9, 'epoch'),
]

function indexesOf(wanted: Partial<Case>): readonly number[] {
  const belongs = belongingTo({ ...ALL, ...wanted })
  return LOG.filter((each) => belongs(idAt(each.index), each)).map(({ index }) => index)
}

test('a principal: its decisions, what ended them, its artifacts, and all statements', () => {
  assert.deepEqual(indexesOf({ principal: planner }), [0, 1, 4, 6, 9])
})

test('an execution: itself, what descends from it, and what ended them', () => {
  assert.deepEqual(indexesOf({ execution: idAt(1) }), [0, 1, 2, 4, 9])
  assert.deepEqual(indexesOf({ execution: idAt(2) }), [0, 2, 9])
})

test('a time: what was decided in it, with what replaced and ended that', () => {
  assert.deepEqual(indexesOf({ sinceMs: NOW_MS + 3, untilMs: NOW_MS + 3 }), [0, 3, 5, 8, 9])
  assert.deepEqual(indexesOf({ sinceMs: NOW_MS + 6 }), [0, 6, 8, 9])
})

test('a case says what was asked for, and nothing asked for is no case', () => {
  assert.equal(caseJson(ALL), null)
  assert.deepEqual(caseJson({ ...ALL, principal: planner, sinceMs: NOW_MS }), {
    principal: planner,
    since: new Date(NOW_MS).toISOString(),
  })
})
