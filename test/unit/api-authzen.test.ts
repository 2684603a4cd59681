/** AuthZEN: a deny is an answer, a malformed body is not, and both leave a trace. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseArtifact } from '../../src/core/artifact.ts'
import { openValue } from '../../src/core/commitment.ts'
import { EVALUATIONS_MAX } from '../../src/core/limits.ts'
import { row } from '../lab/row.ts'
import { Api } from './api.ts'
import { CAROL_UID, governed, granted, type World, world } from './deciding.ts'

const BODY = {
  subject: { type: 'principal', id: 'bob' },
  action: { name: 'tool:read' },
  resource: { type: 'repo', id: 'acme/docs' },
}
const EVALUATION = '/access/v1/evaluation'
const EVALUATIONS = '/access/v1/evaluations'

async function ready(): Promise<World> {
  const of = await world()
  await of.wallet.hold('bob', parseArtifact(granted(of, 'bob')))
  return of
}

test('an allow and a deny are 200, with their ids; a deny says less to the user than to the operator', async () => {
  const of = await ready()
  const api = new Api(of)
  const allow = await api.post(EVALUATION, BODY)
  assert.equal(allow.status, 200)
  assert.equal(allow.body.decision, true)
  assert.equal(allow.body.context.meshd.code, null)
  assert.ok(allow.body.context.meshd.leaseUntil !== null)
  const deny = await api.post(EVALUATION, { ...BODY, action: { name: 'job:deploy' } })
  assert.equal(deny.status, 200)
  assert.equal(deny.body.decision, false)
  assert.equal(deny.body.context.id, deny.body.context.meshd.id)
  assert.equal(deny.body.context.meshd.code, 'SCOPE_EXCEEDED')
  assert.deepEqual(deny.body.context.reason_user, { en: 'This action is not allowed.' })
  assert.match(deny.body.context.reason_admin.en, /asked job:deploy, granted tool/)
  assert.equal(api.decided.length, 2)
})

const { subject, action, resource } = BODY
for (const [what, body, headers] of [
  ['nothing', ''],
  ['no JSON', '{'],
  ['a list', '[]'],
  ['no subject', { action, resource }],
  ['no action', { subject, resource }],
  ['no resource', { subject, action }],
  ['a subject without id', { ...BODY, subject: { type: 'user' } }],
  ['a name that is a number', { ...BODY, action: { name: 1 } }],
  [
    'a doubled key',
    `{"subject":{"type":"principal","id":"bob"},"subject":${JSON.stringify(subject)},"action":{"name":"tool:read"},"resource":{"type":"repo","id":"acme/docs"}}`,
  ],
  [
    'an unsafe integer',
    `{"subject":{"type":"principal","id":"bob"},"action":{"name":"tool:read","properties":{"n":9007199254740993}},"resource":{"type":"repo","id":"acme/docs"}}`,
  ],
  ['facts of ours', { ...BODY, context: { meshd: { runtime: { uid: 0 } } } }],
  ['an entity of Cedar', { ...BODY, context: { a: [{ __entity: { type: 'x', id: 'y' } }] } }],
  ['another content type', BODY, { 'content-type': 'text/plain' }],
  ['a cause that is none', BODY, { 'meshd-cause': 'dec_5f0c1a7e' }],
] as const) {
  test(`${what} is 400, and is denied, counted and recorded as REQUEST_MALFORMED`, async () => {
    const of = await ready()
    const api = new Api(of)
    const { status, body: problem } = await api.post(EVALUATION, body, { headers: headers ?? {} })
    assert.equal(status, 400)
    assert.equal(problem.code, 'USAGE')
    assert.deepEqual(
      of.log.decisions().map(({ code }) => code),
      ['REQUEST_MALFORMED'],
    )
    assert.equal(api.decided[0]?.denial?.code, 'REQUEST_MALFORMED')
  })
}

test('S10: whatever throws inside is a denial, INTERNAL, and said to the operator', async (t) => {
  const of = await ready()
  const api = new Api(of)
  Object.defineProperty(of.node, 'governance', {
    value: () => {
      throw new Error('a bug')
    },
  })
  const { status, body } = await api.post(EVALUATION, BODY)
  assert.equal(status, 200)
  assert.equal(body.decision, false)
  assert.equal(body.context.meshd.code, 'INTERNAL')
  assert.equal(api.bugs.length, 1)
  assert.doesNotMatch(JSON.stringify(body), /a bug/)
  row(t, 10, '100 % denials')
})

test('17: who speaks for another without being let is RUNTIME_MISMATCH', async () => {
  const of = await ready()
  const api = new Api(of)
  const asked = { ...BODY, subject: { type: 'user', id: 'alice' } }
  const before = await api.post(EVALUATION, asked)
  assert.equal(before.body.context.meshd.code, 'RUNTIME_MISMATCH')
  const rule = { match: { uid: 1001 }, principal: 'bob', asserts: ['user:*'] }
  await of.callers.reload({ callers: [rule], sockets: [] })
  const after = await api.post(EVALUATION, asked)
  assert.notEqual(after.body.context.meshd.code, 'RUNTIME_MISMATCH')
})

test('the artifact of a header is explicit, and serves no other caller', async () => {
  const of = await world()
  const api = new Api(of)
  const headers = { 'meshd-artifact': granted(of, 'bob') }
  assert.equal((await api.post(EVALUATION, BODY, { headers })).body.decision, true)
  const other = await api.post(
    EVALUATION,
    { ...BODY, subject: { type: 'principal', id: 'carol' } },
    { headers, uid: CAROL_UID },
  )
  assert.equal(other.body.context.meshd.code, 'AUTHORIZATION_MALFORMED')
  assert.doesNotMatch(
    JSON.stringify(other.body),
    /tool/,
    'nothing is told of an artifact of another',
  )
})

test('a batch inherits whole members, keeps its order, and a bad item is its own deny', async () => {
  const of = await ready()
  const api = new Api(of)
  const { status, body } = await api.post(EVALUATIONS, {
    subject,
    action: { name: 'tool:read', properties: { a: 1 } },
    evaluations: [
      { resource },
      { resource, action: { name: 'job:deploy' } },
      { action },
      null,
      { resource },
    ],
  })
  assert.equal(status, 200)
  const answers = body.evaluations.map((each: { decision: boolean }) => each.decision)
  assert.deepEqual(answers, [true, false, false, false, true])
  assert.equal(body.evaluations[2].context.error.status, 400)
  assert.equal(body.evaluations[2].context.meshd.code, 'REQUEST_MALFORMED')
  assert.equal(of.log.size(), 5)
  const second = of.log.decisions().find((leaf) => leaf.request?.action === 'job:deploy')
  assert.equal(JSON.stringify(openValue(second?.request?.args)?.value), '{}', 'not field by field')
})

test('the semantics of a batch decide where it ends', async () => {
  const of = await ready()
  const api = new Api(of)
  const deny = { resource, action: { name: 'job:deploy' } }
  const allow = { resource }
  const run = async (semantic: string, evaluations: object[]) => {
    const options = { evaluations_semantic: semantic }
    const { body } = await api.post(EVALUATIONS, { subject, action, options, evaluations })
    return body.evaluations.map((each: { decision: boolean }) => each.decision)
  }
  assert.deepEqual(await run('deny_on_first_deny', [allow, deny, allow]), [true, false])
  assert.deepEqual(await run('permit_on_first_permit', [deny, allow, deny]), [false, true])
  assert.deepEqual(await run('execute_all', [deny, allow, deny]), [false, true, false])
})

test('an empty batch is one evaluation; too many, or an unknown semantic, is 400', async () => {
  const of = await ready()
  const api = new Api(of)
  assert.equal((await api.post(EVALUATIONS, { ...BODY, evaluations: [] })).body.decision, true)
  assert.equal((await api.post(EVALUATIONS, BODY)).body.decision, true)
  const many = Array.from({ length: EVALUATIONS_MAX + 1 }, () => ({}))
  assert.equal((await api.post(EVALUATIONS, { ...BODY, evaluations: many })).status, 400)
  const options = { evaluations_semantic: 'first_wins' }
  assert.equal((await api.post(EVALUATIONS, { ...BODY, options, evaluations: [{}] })).status, 400)
  assert.equal((await api.post(EVALUATIONS, { ...BODY, evaluations: {} })).status, 400)
})

test('discovery is served only where a public address is configured', async () => {
  const of = await world()
  const path = '/.well-known/authzen-configuration'
  assert.equal((await new Api(of).get(path)).status, 404)
  const { status, body } = await new Api(of, 'https://pdp.example/').get(path)
  assert.equal(status, 200)
  assert.equal(body.access_evaluation_endpoint, 'https://pdp.example/access/v1/evaluation')
})

test('19, 144: no lease, no policy: nothing of it is an HTTP error, all of it denies', async () => {
  const of = await ready()
  const api = new Api(of)
  of.lease = { ...of.lease, held: false, why: 'alone' }
  assert.equal((await api.post(EVALUATION, BODY)).body.context.meshd.code, 'GOVERNANCE_STALE')
  of.lease = { ...of.lease, held: true }
  of.governance = governed({ policies: [] })
  assert.equal((await api.post(EVALUATION, BODY)).body.context.meshd.code, 'POLICY_NO_PERMIT')
})
