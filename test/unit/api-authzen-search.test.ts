/** AuthZEN search: what evaluations would allow, candidate by candidate, and nothing that comes of it. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseArtifact } from '../../src/core/artifact.ts'
import type { Json } from '../../src/core/json.ts'
import { SEARCH_CANDIDATES_MAX, SEARCH_MS_MAX } from '../../src/core/limits.ts'
import { Api } from './api.ts'
import { policyOf } from './bundles.ts'
import { CAROL_UID, governed, granted, type World, world } from './deciding.ts'

const SCHEMA = `
  entity principal; entity team; entity user in [team]; entity doc in [team]; entity Any in [team];
  action "doc:read", "doc:write" appliesTo { principal: [user, principal], resource: [doc, Any] };
  action "*" appliesTo { principal: [user, principal], resource: [doc, Any] };`

const STAFF = { type: 'team', id: 'staff' }
const entity = (type: string, id: string, ...parents: object[]) => ({ uid: { type, id }, parents })
const user = (id: string, ...parents: object[]) => entity('user', id, ...parents)
const ENTITIES = [
  entity('team', 'staff'),
  ...[user('ann', STAFF), user('ben', STAFF), user('eve'), user('na*me', STAFF)],
  ...[entity('doc', 'one', STAFF), entity('doc', 'two'), entity('Any', 'repo:acme/docs', STAFF)],
]

const TEXT = `
  @id("staff-reads") permit (principal in team::"staff", action == Action::"doc:read", resource in team::"staff");
  @id("ann-writes") permit (principal == user::"ann", action == Action::"doc:write", resource)
    unless { context has request };
  @id("self") permit (principal is principal, action == Action::"doc:read", resource);`

async function searched(entities: readonly object[] = ENTITIES): Promise<World> {
  const policy = policyOf(TEXT, { schema: SCHEMA, entities: entities as Json })
  const of = await world([policy])
  const rule = { match: { uid: 1001 }, principal: 'bob', asserts: ['user:*'] }
  await of.callers.reload({ callers: [rule], sockets: [] })
  await of.wallet.hold('bob', parseArtifact(granted(of, 'bob', { cmd: '/doc' })))
  return of
}

const READ = { name: 'doc:read' }
const ONE = { type: 'doc', id: 'one' }
const ANN = { type: 'user', id: 'ann' }
const at = (kind: string) => `/access/v1/search/${kind}`

test('a search gives what evaluations would allow, and no more', async () => {
  const api = new Api(await searched())
  const who = await api.post(at('subject'), {
    ...{ subject: { type: 'user' }, action: READ, resource: ONE },
  })
  assert.equal(who.status, 200)
  assert.deepEqual(who.body.results, [ANN, { type: 'user', id: 'ben' }])
  assert.deepEqual(who.body.context.meshd, {
    hypothetical: true,
    judged: 3,
    denied: { POLICY_NO_PERMIT: 1 },
  })
  for (const subject of [ANN, { type: 'user', id: 'ben' }, { type: 'user', id: 'eve' }]) {
    const { body } = await api.post('/access/v1/evaluation', {
      ...{ subject, action: READ, resource: ONE },
    })
    assert.equal(body.decision, subject.id !== 'eve')
  }
  const what = await api.post(at('resource'), {
    ...{ subject: ANN, action: READ, resource: { type: 'doc' } },
  })
  assert.deepEqual(what.body.results, [ONE])
  const how = await api.post(at('action'), { subject: ANN, resource: ONE })
  assert.deepEqual(how.body.results, [{ name: 'doc:read' }, { name: 'doc:write' }])
})

test('an entity that its bundle calls Any is found under the name that a request has for it', async () => {
  const api = new Api(await searched())
  const { body } = await api.post(at('resource'), {
    ...{ subject: ANN, action: READ, resource: { type: 'repo' } },
  })
  assert.deepEqual(body.results, [{ type: 'repo', id: 'acme/docs' }])
})

test('nothing of a search is recorded, opened or used up', async () => {
  const of = await searched()
  const api = new Api(of)
  await api.post(at('action'), { subject: ANN, resource: ONE })
  await api.post(at('subject'), { subject: { type: 'user' }, action: READ, resource: ONE })
  assert.equal(of.log.size(), 0)
  assert.equal(api.decided.length, 0)
  assert.deepEqual(of.executions.list(), [])
})

test('a search tells a caller nothing that it could not ask for: no authority, or no right to speak, no results', async () => {
  const of = await searched()
  const api = new Api(of)
  const body = { subject: { type: 'user' }, action: READ, resource: ONE }
  const other = await api.post(at('subject'), body, { uid: CAROL_UID })
  assert.deepEqual(other.body.results, [])
  assert.deepEqual(other.body.context.meshd.denied, { AUTHORIZATION_MISSING: 3 })
  await of.callers.reload({ callers: [], sockets: [] })
  const mute = await api.post(at('subject'), body)
  assert.deepEqual(mute.body.results, [])
  assert.deepEqual(mute.body.context.meshd.denied, { RUNTIME_MISMATCH: 3 })
})

test('what nobody knows is an empty list; a caller knows itself', async () => {
  const api = new Api(await searched())
  const nobody = { type: 'user', id: 'nobody' }
  for (const [kind, body] of [
    ['action', { subject: nobody, resource: ONE }],
    ['resource', { subject: nobody, action: READ, resource: { type: 'doc' } }],
    ['subject', { subject: { type: 'spaceship' }, action: READ, resource: ONE }],
    ['resource', { subject: ANN, action: READ, resource: { type: 'spaceship' } }],
    ['subject', { subject: { type: 'user' }, action: { name: 'doc:burn' }, resource: ONE }],
  ] as const) {
    const { status, body: answer } = await api.post(at(kind), body)
    assert.equal(status, 200)
    assert.deepEqual(answer.results, [], JSON.stringify(body))
    assert.equal(answer.page.next_token, '')
  }
  const own = await api.post(at('action'), {
    ...{ subject: { type: 'principal', id: 'bob' }, resource: ONE },
  })
  assert.deepEqual(own.body.results, [READ])
})

test('a question that lacks something, or holds what is ours, is 400', async () => {
  const api = new Api(await searched())
  const who = { subject: { type: 'user' }, action: READ, resource: ONE }
  for (const [kind, body] of [
    ['subject', { ...who, subject: undefined }],
    ['subject', { ...who, subject: {} }],
    ['subject', { ...who, subject: 'user' }],
    ['subject', { ...who, action: undefined }],
    ['subject', { ...who, resource: { type: 'doc' } }],
    ['resource', { ...who, resource: { type: 'doc' } }],
    ['action', { subject: ANN }],
    ['subject', { ...who, context: { meshd: {} } }],
    ['subject', { ...who, subject: { type: 'user', properties: { __entity: {} } } }],
    ['subject', '{"subject":{"type":"user"},"context":{"n":9007199254740993}}'],
    ['subject', { ...who, page: [] }],
    ['subject', { ...who, page: { limit: -1 } }],
    ['subject', { ...who, page: { limit: '1' } }],
    ['subject', { ...who, page: { token: 7 } }],
    ['subject', { ...who, page: { token: 'made up' } }],
    ['subject', []],
  ] as const) {
    const { status, body: problem } = await api.post(at(kind), body)
    assert.equal(status, 400, JSON.stringify(body))
    assert.equal(problem.code, 'USAGE')
  }
})

test('an id of what is searched for, and members that nobody knows, are ignored', async () => {
  const api = new Api(await searched())
  const body = { subject: { ...ANN, more: 1 }, action: READ, resource: ONE, more: [] }
  const { body: answer } = await api.post(at('subject'), body)
  assert.equal(answer.results.length, 2)
})

test('pages give each result once, and end; a token is of one question to one set of policies', async () => {
  const of = await searched()
  const api = new Api(of)
  const who = { subject: { type: 'user' }, action: READ, resource: ONE }
  const [seen, tokens]: [string[], string[]] = [[], []]
  for (let token = ''; tokens.length < 9; ) {
    const { body } = await api.post(at('subject'), { ...who, page: { limit: 1, token } })
    seen.push(...body.results.map(({ id }: { id: string }) => id))
    token = body.page.next_token
    if (token === '') break
    tokens.push(token)
  }
  assert.deepEqual(seen, ['ann', 'ben'])
  const [token] = tokens
  const other = { ...who, action: { name: 'doc:write' }, page: { token } }
  assert.equal((await api.post(at('subject'), other)).status, 400)
  const none = await api.post(at('subject'), { ...who, page: { limit: 0 } })
  assert.deepEqual(none.body.results, [])
  const policy = policyOf(TEXT, { schema: SCHEMA, entities: ENTITIES as Json, version: 2 })
  of.engine.load([policy], [])
  of.governance = governed({ policies: [policy] })
  assert.equal((await api.post(at('subject'), { ...who, page: { token } })).status, 400)
})

test('one answer judges a bounded number of candidates, and says where it goes on', async () => {
  const many = Array.from({ length: SEARCH_CANDIDATES_MAX + 1 }, (_, i) => user(`u${i}`))
  const api = new Api(await searched([...ENTITIES, ...many]))
  const who = { subject: { type: 'user' }, action: READ, resource: ONE }
  const { body } = await api.post(at('subject'), who)
  assert.equal(body.context.meshd.judged, SEARCH_CANDIDATES_MAX)
  assert.notEqual(body.page.next_token, '')
  const rest = await api.post(at('subject'), { ...who, page: { token: body.page.next_token } })
  assert.equal(rest.body.context.meshd.judged, 4)
  assert.equal(rest.body.page.next_token, '')
})

test('a cause is not looked for, and an answer ends in time, whatever a candidate waits for', async () => {
  const of = await searched()
  const api = new Api(of)
  of.parent = () => assert.fail('nothing is fetched')
  const who = { subject: { type: 'user' }, action: READ, resource: ONE }
  const headers = { 'meshd-cause': `sha256:${'0'.repeat(64)}` }
  assert.equal((await api.post(at('subject'), who, { headers })).body.results.length, 2)
  const { explain } = of.decider
  of.decider.explain = async (question) => {
    await of.clock.advance(SEARCH_MS_MAX + 1)
    return explain.call(of.decider, question)
  }
  const { body } = await api.post(at('subject'), who)
  assert.equal(body.context.meshd.judged, 1)
  assert.notEqual(body.page.next_token, '')
})
