/** What a record can be found by: the same words for the index and for the check of what it found. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { utf8 } from '../../src/core/bytes.ts'
import { formatJson, type JsonObject } from '../../src/core/json.ts'
import { findableOf, leafOf, termsOf, traceIdOf } from '../../src/core/terms.ts'

const TRACE = '4bf92f3577b34da6a3ce929d0e0e4736'
const DECISION: JsonObject = {
  type: 'decision',
  effect: 'deny',
  code: 'SCOPE_EXCEEDED',
  principal: 'did:key:a',
  principals: ['did:key:a', 'did:key:b'],
  caller: { principal: 'did:key:c' },
  artifact: 'cid 1',
  links: ['cid 0', 'cid 1'],
  supersedes: 'sha256:1',
  ancestors: ['sha256:2'],
  observed: { decision: 'allow', code: null, policies: [] },
  request: {
    action: 'tool:read',
    cause: 'sha256:3',
    resource: { type: 'repo', id: 'acme/docs' },
    traceparent: `00-${TRACE}-00f067aa0ba902b7-01`,
  },
}

test('a decision is found by each of its principals, links, executions, and by what was asked and answered', () => {
  assert.deepEqual(
    new Set(termsOf(DECISION)),
    new Set([
      ...['type decision', 'outcome deny', 'code SCOPE_EXCEEDED', 'observed differs'],
      ...['principal did:key:a', 'principal did:key:b', 'principal did:key:c'],
      ...['artifact cid 0', 'artifact cid 1', 'action tool:read', 'resource repo:acme/docs'],
      ...['execution sha256:1', 'execution sha256:2', 'execution sha256:3', `trace ${TRACE}`],
    ]),
  )
})

test('an allow has a code to be found by, and what others than decisions have is found too', () => {
  const allow = termsOf({ ...DECISION, effect: 'allow', code: null })
  assert.ok(allow.includes('code ALLOW') && allow.includes('outcome allow'))
  assert.ok(!allow.includes('observed differs'))
  const stop = { code: 'REVOKED', detail: '' }
  assert.deepEqual(
    termsOf({ type: 'outcome', outcome: 'stopped', execution: 'sha256:1', status: 143, stop }),
    ['type outcome', 'outcome stopped', 'code REVOKED', 'execution sha256:1'],
  )
  assert.deepEqual(termsOf({ type: 'system', event: 'started', detail: 'code X' }), ['type system'])
})

test('a malformed request, null and what is of another type give no term and no error', () => {
  const odd = {
    ...DECISION,
    request: null,
    principals: [7, null],
    caller: [],
    links: 'cid',
    code: 5,
  }
  assert.ok(termsOf(odd).every((term) => / ./.test(term)))
  assert.deepEqual(termsOf({}), [])
})

test('what was printed is found by the same as its draft, at its time', () => {
  const time = '2026-11-24T14:03:10.000Z'
  const bytes = utf8(formatJson({ ...DECISION, time, index: 3, node: 'did:key:n', epoch: 1 }))
  assert.deepEqual(findableOf(bytes), { timeMs: Date.parse(time), terms: termsOf(DECISION) })
  for (const nothing of ['', 'no json', '[1]', 'null'])
    assert.deepEqual([leafOf(utf8(nothing)), findableOf(utf8(nothing)).terms], [{}, []])
})

test('a trace is its 32 digits, alone or in a traceparent', () => {
  assert.equal(traceIdOf(TRACE), TRACE)
  assert.equal(traceIdOf(`00-${TRACE}-00f067aa0ba902b7-01`), TRACE)
  for (const wrong of ['', TRACE.slice(1), TRACE.toUpperCase(), `00-${TRACE}`, `${TRACE}-x`])
    assert.equal(traceIdOf(wrong), null, wrong)
})
