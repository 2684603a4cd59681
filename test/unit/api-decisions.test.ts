/** Executions, explanations, past decisions, wallets and callers: each caller's own, and nobody else's. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ARGS, atlas, person } from '../../scripts/vectors/tokens.ts'
import { parseArtifact } from '../../src/core/artifact.ts'
import { EXECUTION_POLL_MS } from '../../src/core/limits.ts'
import { Api } from './api.ts'
import { CAROL_UID, governed, granted, type World, world } from './deciding.ts'

const BODY = { action: { name: ARGS.action }, resource: ARGS.resource }
const CAROL = { uid: CAROL_UID }
const ADMIN = { role: 'admin', uid: 0 } as const

async function ready(): Promise<{ of: World; api: Api; cid: string }> {
  const of = await world()
  const artifact = parseArtifact(granted(of, 'bob'))
  await of.wallet.hold('bob', artifact)
  return { of, api: new Api(of), cid: artifact.cid }
}

test('an allow opens an execution, which its caller watches and closes', async () => {
  const { of, api } = await ready()
  const { status, body: decision } = await api.post('/v1/executions', BODY)
  assert.equal(status, 200)
  assert.equal(decision.decision, true)
  const path = `/v1/executions/${decision.id}`
  assert.equal((await api.get(path)).body.state, 'running')
  const watching = api.get(`${path}/watch?ms=1000`)
  const { body: watched } = await of.clock.until(watching)
  assert.equal(watched.leaseRemainingMs, 41_000)
  const outcome = await api.post(`${path}/outcome`, { kind: 'failed', status: 3 })
  assert.equal(outcome.status, 200)
  assert.deepEqual((await api.get(path)).body.outcome, { kind: 'failed', status: 3 })
  assert.equal((await api.post(`${path}/outcome`, { kind: 'ok', status: 0 })).status, 404)
})

test('S23: a revocation ends the long poll of what it covers', async () => {
  const { of, api, cid } = await ready()
  const { body: decision } = await api.post('/v1/executions', BODY)
  const watching = api.get(`/v1/executions/${decision.id}/watch`)
  await of.clock.settle()
  of.governance = governed({ revoked: [{ kind: 'link', cid }] })
  of.executions.recheck()
  const { body } = await watching
  assert.equal(body.state, 'stopped')
  assert.equal(body.stop.code, 'REVOKED')
  assert.equal(body.leaseRemainingMs, null)
})

test('142: an execution is there for its caller and for an administrator alone', async () => {
  const { api } = await ready()
  const { body: decision } = await api.post('/v1/executions', BODY)
  const path = `/v1/executions/${decision.id}`
  for (const call of [CAROL, { uid: 5 }, { uid: null }]) {
    assert.equal((await api.get(path, call)).status, 404)
    assert.equal((await api.get(`${path}/watch?ms=0`, call)).status, 404)
    assert.equal((await api.post(`${path}/outcome`, { kind: 'ok', status: 0 }, call)).status, 404)
  }
  assert.equal((await api.get(path, ADMIN)).status, 200)
  assert.equal((await api.get(path, { role: 'read' })).status, 404)
  assert.equal((await api.get('/v1/executions/nonsense')).status, 404)
})

test('142: a caller sees what it runs itself, whoever may read sees all, and the process that is named', async () => {
  const { of, api } = await ready()
  const { body: decision } = await api.post('/v1/executions', BODY)
  const path = `/v1/executions/${decision.id}/process`
  const process = { pid: 20_144, command: 'reindex.sh\u001b[2J' }
  assert.equal((await api.post(path, process, CAROL)).status, 404)
  for (const bad of [{ pid: 0, command: 'x' }, { pid: 1 }, { pid: 1, command: 'x'.repeat(257) }])
    assert.equal((await api.post(path, bad)).status, 400)
  assert.equal((await api.post(path, process)).status, 200)
  await of.clock.advance(9_000)
  const list = async (call = {}) => (await api.get('/v1/executions', call)).body.items
  assert.deepEqual(await list(), [
    {
      ...{ id: decision.id, state: 'running', action: ARGS.action, process },
      ...{ resource: `${ARGS.resource.type}:${ARGS.resource.id}`, principalName: 'bob' },
      ...{ principal: of.wallet.key('bob')?.signer.did, ageMs: 9_000 },
      leaseRemainingMs: 33_000,
    },
  ])
  assert.deepEqual([(await list(CAROL)).length, (await list({ uid: null })).length], [0, 0])
  for (const call of [ADMIN, { role: 'read', uid: 5 }]) assert.equal((await list(call)).length, 1)
  await api.post(`/v1/executions/${decision.id}/outcome`, { kind: 'ok', status: 0 })
  assert.deepEqual(await list(ADMIN), [])
  assert.equal((await api.post(path, process)).status, 404)
})

test('a watch and an outcome are bounded', async () => {
  const { api } = await ready()
  const { body: decision } = await api.post('/v1/executions', BODY)
  const path = `/v1/executions/${decision.id}`
  assert.equal((await api.get(`${path}/watch?ms=${EXECUTION_POLL_MS + 1}`)).status, 400)
  assert.equal((await api.get(`${path}/watch?ms=-1`)).status, 400)
  for (const body of [{ kind: 'good', status: 0 }, { kind: 'ok' }, { kind: 'ok', status: 1.5 }]) {
    assert.equal((await api.post(`${path}/outcome`, body)).status, 400)
  }
})

test('a denied execution, also of a malformed request, is an answer', async () => {
  const { of, api } = await ready()
  for (const [body, code] of [
    [{ ...BODY, action: { name: 'job:deploy' } }, 'SCOPE_EXCEEDED'],
    ['{', 'REQUEST_MALFORMED'],
    [{}, 'REQUEST_MALFORMED'],
  ] as const) {
    for (const path of ['/v1/executions', '/v1/decisions', '/v1/explain']) {
      const { status, body: decision } = await api.post(path, body)
      assert.deepEqual([status, decision.decision, decision.code], [200, false, code], path)
    }
  }
  assert.equal(of.executions.count, 0)
  assert.equal(of.log.size(), 6, 'explanations leave nothing')
})

test('a decision is read back whole, by its caller', async () => {
  const { of, api } = await ready()
  const { body: first } = await api.post('/v1/decisions', BODY)
  const { body: second } = await api.post('/v1/decisions', BODY)
  const { body: last } = await api.get('/v1/decisions/last')
  assert.equal(last.kind, 'Record')
  assert.equal(last.seenFrom, 'atlas')
  assert.equal(last.item.id, second.id)
  assert.equal(last.item.state, 'durable')
  assert.equal((await api.get(`/v1/decisions/${first.id}`)).body.item.state, 'published')
  assert.equal(JSON.stringify(last.item.leaf), Buffer.from(of.log.bytes[1] ?? []).toString())
  assert.equal((await api.get(`/v1/decisions/${first.id}`, CAROL)).status, 404)
  assert.equal((await api.get(`/v1/decisions/${first.id}`, ADMIN)).status, 200)
  assert.equal((await api.get('/v1/decisions/x')).status, 404)
})

test('16: a wallet is its caller’s; an administrator sees and changes all', async () => {
  const { of, api, cid } = await ready()
  const text = granted(of, 'carol', { cmd: '/tool/read' })
  const held = await api.put('/v1/wallet', { artifact: text }, CAROL)
  assert.equal(held.body.caller, 'carol')
  const cids = async (call: object, query = '') => {
    const { body } = await api.get(`/v1/wallet${query}`, call)
    return body.items.map((item: { cid: string }) => item.cid)
  }
  assert.deepEqual(await cids({}), [cid])
  assert.deepEqual(await cids(CAROL), [held.body.cid])
  assert.equal((await cids(ADMIN)).length, 2)
  assert.deepEqual(await cids(ADMIN, '?for=carol'), [held.body.cid])
  assert.equal((await api.get('/v1/wallet?for=bob', CAROL)).status, 403)
  assert.equal((await api.get('/v1/wallet', { uid: 5 })).status, 404)
  assert.equal((await api.delete(`/v1/wallet/${cid}`, CAROL)).status, 404)
  assert.equal((await api.delete(`/v1/wallet/${cid}?for=bob`, CAROL)).status, 403)
  assert.equal((await api.put('/v1/wallet', { artifact: text })).status, 404)
  assert.equal((await api.put('/v1/wallet', { artifact: text }, ADMIN)).status, 200)
  assert.equal((await api.delete(`/v1/wallet/${held.body.cid}`, CAROL)).status, 200)
  assert.equal((await api.delete(`/v1/wallet/${cid}`, ADMIN)).status, 200)
  assert.deepEqual(await cids(ADMIN), [])
  const events = of.log.leaves.map((leaf) => (leaf.type === 'artifact' ? leaf.event : leaf.type))
  assert.deepEqual(events, ['held', 'held', 'dropped', 'dropped'])
})

test('what is held is held on disk in the batch of its record, or not at all', async () => {
  const { of, api } = await ready()
  of.log.state = 'fails'
  const text = granted(of, 'bob', { cmd: '/tool/read' })
  assert.equal((await api.put('/v1/wallet', { artifact: text })).status, 500)
  assert.equal((await api.get('/v1/wallet')).body.items.length, 1)
})

test('the states of what is held are told apart', async () => {
  const { of, api, cid } = await ready()
  const state = async () => (await api.get('/v1/wallet')).body.items[0].state
  assert.equal(await state(), 'valid')
  of.governance = governed({ revoked: [{ kind: 'link', cid }] })
  assert.equal(await state(), 'revoked')
  of.governance = governed()
  of.clock.stepWall(3_700_000)
  assert.equal(await state(), 'expired')
})

test('keys are made by an administrator, and listed for whoever may read', async () => {
  const { api } = await ready()
  const made = await api.post('/v1/callers', { name: 'dave', caller: 'uid=1003' }, ADMIN)
  assert.equal(made.status, 201)
  const { body } = await api.get('/v1/callers', { role: 'read' })
  assert.deepEqual(body.items.at(-1), made.body)
  assert.equal((await api.post('/v1/callers', { name: 'erin', caller: 'uid=1004' })).status, 404)
  assert.equal(JSON.stringify(body).includes('seed'), false)
})

const GRANT = {
  ...{ actions: ['tool:read'], resource: 'repo:acme/docs', subject: null, bind: {}, node: null },
  ...{ env: {}, require: [], depth: null, once: false, gov: null, by: null },
}

test('an artifact is handed on with the key of the caller that holds it, and narrower only', async () => {
  const { of, api } = await ready()
  const artifact = granted(of, 'bob')
  const body = {
    ...{ artifact, to: person(5).did, grant: GRANT },
    expiresMs: of.clock.wallMs() + 60_000,
  }
  const { status, body: made } = await api.post('/v1/artifacts/delegate', body)
  assert.equal(status, 201)
  const { links } = parseArtifact(made.artifact)
  assert.equal(links.length, 2)
  assert.equal(links[1]?.iss, of.wallet.key('bob')?.signer.did)
  assert.equal(of.log.leaves.at(-1)?.type, 'artifact')
  const verified = await api.post(
    '/v1/artifacts/verify',
    { artifact: made.artifact },
    { role: 'read' },
  )
  assert.equal(verified.body.valid, true)
  assert.equal((await api.post('/v1/artifacts/delegate', body, CAROL)).status, 409)
  assert.equal((await api.post('/v1/artifacts/delegate', body, { uid: 5 })).status, 409)
  const wider = { ...body, grant: { ...GRANT, actions: ['job:deploy'] } }
  assert.equal((await api.post('/v1/artifacts/delegate', wider)).status, 400)
  const loose = { ...body, grant: { ...GRANT, once: true } }
  assert.equal((await api.post('/v1/artifacts/delegate', loose)).status, 400)
  const bound = { ...body, grant: { ...GRANT, once: true, node: atlas.did } }
  assert.equal((await api.post('/v1/artifacts/delegate', bound)).status, 201)
  const odd = { ...body, grant: { ...GRANT, extra: 1 } }
  assert.equal((await api.post('/v1/artifacts/delegate', odd)).status, 400)
})

test('what is made is recorded if it could ever be used', async () => {
  const { of, api } = await ready()
  const artifact = granted(of, 'bob')
  const { status, body } = await api.post(
    '/v1/artifacts/record',
    { artifact, event: 'issued' },
    ADMIN,
  )
  assert.equal(status, 201)
  assert.match(body.id, /^sha256:/)
  const flipped = `${artifact.slice(0, -1)}${artifact.endsWith('A') ? 'E' : 'A'}`
  const bad = await api.post('/v1/artifacts/record', { artifact: flipped, event: 'issued' }, ADMIN)
  assert.equal(bad.body.code, 'PROOF_INVALID')
  assert.equal(
    (await api.post('/v1/artifacts/record', { artifact, event: 'held' }, ADMIN)).status,
    400,
  )
  assert.equal((await api.post('/v1/artifacts/record', { artifact, event: 'issued' })).status, 404)
  assert.equal(of.log.size(), 1)
})

test('verify gives the reason that a decision would give', async () => {
  const { of, api, cid } = await ready()
  const verify = async (artifact: string) =>
    (await api.post('/v1/artifacts/verify', { artifact })).body
  assert.equal((await verify(granted(of, 'bob'))).valid, true)
  of.governance = governed({ revoked: [{ kind: 'link', cid }] })
  const revoked = await verify(granted(of, 'bob'))
  assert.deepEqual([revoked.valid, revoked.code, revoked.revocations], [false, 'REVOKED', 1])
  of.governance = governed({ root: null })
  assert.equal((await verify(granted(of, 'bob'))).code, 'ISSUER_UNTRUSTED')
})
