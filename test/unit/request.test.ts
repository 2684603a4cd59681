import assert from 'node:assert/strict'
import { existsSync, readFileSync } from 'node:fs'
import { test } from 'node:test'
import { utf8 } from '../../src/core/bytes.ts'
import { type Json, parseJson } from '../../src/core/json.ts'
import { REQUEST_BYTES_MAX } from '../../src/core/limits.ts'
import { Malformed } from '../../src/core/malformed.ts'
import { readEvaluation, readRequest } from '../../src/core/request.ts'
import { row } from '../lab/row.ts'

const json = (value: unknown) => parseJson(utf8(JSON.stringify(value)), REQUEST_BYTES_MAX)
const BODY = {
  subject: { type: 'user', id: 'ann', properties: { role: 'dev' } },
  action: { name: 'tool:read', properties: { path: '/srv/a' } },
  resource: { type: 'repo', id: 'acme/docs', properties: { size: 7 } },
  context: { ip: '::1' },
}
const plain = (value: unknown) => JSON.parse(JSON.stringify(value))

test('an evaluation becomes a request: properties are arguments and claims, never attributes', () => {
  const { digest, ...request } = readRequest(json(BODY))
  assert.match(digest, /^[0-9a-f]{64}$/)
  assert.deepEqual(plain(request), {
    subject: { type: 'user', id: 'ann' },
    action: 'tool:read',
    resource: { type: 'repo', id: 'acme/docs' },
    args: { path: '/srv/a' },
    context: { context: { ip: '::1' }, subject: { role: 'dev' }, resource: { size: 7 } },
    cause: null,
    traceparent: null,
    receipt: null,
  })
})

test('unknown members are ignored and do not change the digest; what is judged does', (t) => {
  const { digest } = readRequest(json(BODY))
  const same = { ...BODY, extra: 1, subject: { ...BODY.subject, extra: [] } }
  assert.equal(readRequest(json(same)).digest, digest)
  const traced = { cause: null, traceparent: `00-${'a'.repeat(32)}-${'b'.repeat(16)}-01` }
  assert.equal(readRequest(json(BODY), traced).digest, digest)
  assert.equal(readRequest(json(BODY), traced).traceparent, traced.traceparent)
  const [trace, parent] = ['a'.repeat(32), 'b'.repeat(16)]
  for (const none of [
    `ff-${trace}-${parent}-01`,
    `00-${'0'.repeat(32)}-${parent}-01`,
    `00-${trace}-${'0'.repeat(16)}-01`,
    `00-${trace.toUpperCase()}-${parent}-01`,
    `00-${trace}-${parent}-01-`,
  ])
    assert.equal(readRequest(json(BODY), { ...traced, traceparent: none }).traceparent, null, none)
  const others: object[] = [
    { context: { ip: '::2' } },
    { subject: undefined },
    { action: { ...BODY.action, properties: {} } },
    { resource: { ...BODY.resource, properties: { size: 8 } } },
  ]
  for (const each of others) {
    assert.notEqual(readRequest(json({ ...BODY, ...each })).digest, digest, JSON.stringify(each))
  }
  const caused = { cause: `sha256:${'0'.repeat(64)}`, traceparent: 'x' }
  assert.notEqual(readRequest(json(BODY), caused).digest, digest)
  assert.equal(readRequest(json(BODY), caused).traceparent, null)
  row(t, 94, 'digest holds what is judged')
})

test('REQUEST_MALFORMED, one by one', (t) => {
  const bad: Record<string, unknown> = {
    'a list': [BODY],
    'no action': { ...BODY, action: undefined },
    'no name of an action': { ...BODY, action: {} },
    'a name that is a number': { ...BODY, action: { name: 123 } },
    'an empty segment': { ...BODY, action: { name: 'tool::read' } },
    'a star in the action': { ...BODY, action: { name: 'tool:*' } },
    'an action in another case': { ...BODY, action: { name: 'Tool:read' } },
    'a control in the action': { ...BODY, action: { name: 'tool:\nread' } },
    'no resource': { ...BODY, resource: undefined },
    'a resource without id': { ...BODY, resource: { type: 'repo' } },
    'an empty id': { ...BODY, resource: { type: 'repo', id: '' } },
    'a star in the resource': { ...BODY, resource: { type: 'repo', id: 'acme/*' } },
    'a NUL in the resource': { ...BODY, resource: { type: 'repo', id: 'a\u0000' } },
    'a subject that is a text': { ...BODY, subject: 'ann' },
    'a subject that is null': { ...BODY, subject: null },
    'properties that are a list': { ...BODY, action: { name: 'x', properties: [] } },
    'a context that is a text': { ...BODY, context: 'x' },
    'meshd in the context': { ...BODY, context: { meshd: {} } },
    'meshd in the arguments': { ...BODY, action: { name: 'x', properties: { meshd: 1 } } },
    'meshd in properties of the subject': {
      ...BODY,
      subject: { type: 'u', id: 'a', properties: { meshd: 1 } },
    },
    'meshd in properties of the resource': {
      ...BODY,
      resource: { type: 'u', id: 'a', properties: { meshd: 1 } },
    },
  }
  for (const key of ['__entity', '__extn', '__expr']) {
    bad[`${key} in the context`] = { ...BODY, context: { [key]: {} } }
    bad[`${key} deep in the arguments`] = {
      ...BODY,
      action: { name: 'x', properties: { a: [{ b: { [key]: 1 } }] } },
    }
  }
  for (const [what, body] of Object.entries(bad)) {
    assert.throws(() => readRequest(json(body)), Malformed, what)
  }
  row(
    t,
    143,
    `facts of the node in ${Object.keys(bad).filter((what) => /^meshd/.test(what)).length} places of a request: 0 read`,
  )
  assert.throws(() => readRequest({ ...BODY, context: { n: 2 ** 53 } }), Malformed)
  const cause = { cause: 'dec_12345678', traceparent: null }
  assert.throws(() => readRequest(json(BODY), cause), Malformed)
})

const scenario = new URL(
  '../../../shared/vectors/authzen/certification/scenario-json-blocks.json',
  import.meta.url,
)
const skip = existsSync(scenario) ? false : 'no official vectors beside the repository'

interface Block {
  readonly id: string
  readonly label: string
  readonly json: { readonly [key: string]: Json }
}

test('the requests of the AuthZEN scenario are read, and its malformed ones are not', {
  skip,
}, () => {
  const blocks: readonly Block[] = JSON.parse(readFileSync(scenario, 'utf8'))
  let [good, bad] = [0, 0]
  for (const { id, label, json: body } of blocks) {
    if (!label.includes('Request') || !id.startsWith('c-2')) continue
    if (/^c-2-4-[126]$/.test(id)) {
      assert.throws(() => readEvaluation(json(body)), Malformed, label)
      bad++
    } else {
      assert.ok(readEvaluation(json(body)), label)
      good++
    }
  }
  assert.ok(good === 9 && bad === 10, `${good} good, ${bad} bad`)
})
