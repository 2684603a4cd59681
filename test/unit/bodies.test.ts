import assert from 'node:assert/strict'
import { test } from 'node:test'
import { requestOf } from '../../src/api/bodies.ts'
import type { Ask } from '../../src/api/router.ts'
import { utf8 } from '../../src/core/bytes.ts'
import { Malformed } from '../../src/core/malformed.ts'
import { type Request, readEvaluation } from '../../src/core/request.ts'

const BODY = { action: { name: 'tool:read' }, resource: { type: 'repo', id: 'acme/web' } }
const JSON_TYPE = { 'content-type': 'application/json' }

function ask(body: object | string, headers: Record<string, string> = JSON_TYPE): Ask {
  const bytes = utf8(typeof body === 'string' ? body : JSON.stringify(body))
  return { body: bytes, header: (name: string) => headers[name] ?? null } as Ask
}

function read(...given: Parameters<typeof requestOf>): Request {
  const request = requestOf(...given)
  assert.ok(!(request instanceof Malformed))
  return request
}

test('a question that is asked again is the same value, and another one is not', () => {
  const first = read(ask(BODY))
  assert.equal(read(ask(BODY)), first)
  assert.deepEqual(read(ask(`${JSON.stringify(BODY)} `)), first)
  const other = read(ask({ ...BODY, resource: { type: 'repo', id: 'acme/app' } }))
  assert.notEqual(other.digest, first.digest)
})

test('what one reader took does not pass the other', () => {
  read(ask(BODY))
  assert.ok(requestOf(ask(BODY), readEvaluation) instanceof Malformed)
})

test('a body that was taken as JSON is not taken under another type', () => {
  read(ask(BODY))
  assert.ok(requestOf(ask(BODY, { 'content-type': 'text/plain' })) instanceof Malformed)
  assert.ok(requestOf(ask(BODY, {})) instanceof Malformed)
})

test('a cause and a trace are those of their own call', () => {
  read(ask(BODY))
  const trace = `00-${'a'.repeat(32)}-${'b'.repeat(16)}-01`
  assert.equal(read(ask(BODY, { ...JSON_TYPE, traceparent: trace })).traceparent, trace)
  const cause = `sha256:${'c'.repeat(64)}`
  assert.equal(read(ask(BODY, { ...JSON_TYPE, 'meshd-cause': cause })).cause, cause)
  assert.equal(read(ask(BODY)).cause, null)
})

test('a question that is refused is refused each time', () => {
  for (let i = 0; i < 2; i += 1) assert.ok(requestOf(ask('{"action":')) instanceof Malformed)
})
