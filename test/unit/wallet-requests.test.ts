/** Callers of one host ask each other: only whom it concerns sees it, only its holder grants it, and never more than it holds. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ARGS } from '../../scripts/vectors/tokens.ts'
import { parseArtifact } from '../../src/core/artifact.ts'
import { WALLET_REQUEST_MS_MAX, WALLET_REQUESTS_PER_CALLER_MAX } from '../../src/core/limits.ts'
import { Wallet } from '../../src/daemon/wallet.ts'
import { Api } from './api.ts'
import { CAROL_UID, granted, world } from './deciding.ts'

const CAROL = { uid: CAROL_UID }
const STRANGER = { uid: 5 }
const ADMIN = { role: 'admin', uid: 0 } as const
const PATH = '/v1/wallet/requests'
const RESOURCE = `${ARGS.resource.type}:${ARGS.resource.id}`
const WANTED = {
  ...{ to: 'bob', actions: [ARGS.action], resource: RESOURCE, ttlMs: 60_000 },
  message: 'the docs, for INC-9',
}
const ASK = { action: { name: ARGS.action }, resource: ARGS.resource }

async function ready() {
  const of = await world()
  const artifact = parseArtifact(granted(of, 'bob'))
  await of.wallet.hold('bob', artifact)
  if (of.wallet.key('carol') === null) await of.wallet.createKey('carol', `uid=${CAROL_UID}`)
  return { of, api: new Api(of), artifact }
}

const grant = (api: Api, id: string, call = {}, body = { artifact: null, ttlMs: null } as object) =>
  api.post(`${PATH}/${id}/grant`, body, call)

test('what is granted is held for who asked at once: narrower, shorter, not to be handed on, and recorded', async () => {
  const { of, api, artifact } = await ready()
  assert.equal((await api.post('/v1/decisions', ASK, CAROL)).body.decision, false)
  const { status, body: asked } = await api.post(PATH, WANTED, CAROL)
  assert.deepEqual([status, asked.state, asked.from, asked.to], [201, 'waiting', 'carol', 'bob'])
  const answered = await grant(api, asked.id, {}, { artifact: artifact.cid, ttlMs: 30_000 })
  assert.deepEqual([answered.status, answered.body.state], [200, 'granted'])
  const [held] = [...of.wallet.heldFor('carol')]
  assert.equal(held?.cid, answered.body.artifact)
  assert.equal(held?.links.length, artifact.links.length + 1)
  assert.ok((held?.links.at(-1)?.expS ?? 0) * 1000 <= of.clock.wallMs() + 30_000)
  assert.equal((await api.post('/v1/decisions', ASK, CAROL)).body.decision, true)
  const events = of.log.leaves.flatMap((leaf) =>
    leaf['type'] === 'artifact' ? [leaf['event']] : [],
  )
  assert.deepEqual(events.slice(-2), ['delegated', 'held'])
  assert.equal((await grant(api, asked.id)).status, 409)
})

test('each sees what it asked and what it is asked; others see nothing, and answer nothing', async () => {
  const { api } = await ready()
  const { body: asked } = await api.post(PATH, WANTED, CAROL)
  const seen = async (call = {}) => (await api.get(PATH, call)).body.items.length
  assert.deepEqual([await seen(), await seen(CAROL), await seen(ADMIN)], [1, 1, 1])
  for (const call of [STRANGER, { uid: null }]) {
    assert.equal(await seen(call), 0)
    assert.equal((await grant(api, asked.id, call)).status, 404)
    assert.equal((await api.delete(`${PATH}/${asked.id}`, call)).status, 404)
    assert.equal((await api.post(PATH, WANTED, call)).status, 404)
  }
  // Who asked cannot answer, and who is asked cannot take it back.
  assert.equal((await grant(api, asked.id, CAROL)).status, 404)
  assert.equal((await api.post(`${PATH}/${asked.id}/decline`, {}, CAROL)).status, 404)
  assert.equal((await api.delete(`${PATH}/${asked.id}`)).status, 404)
  assert.equal((await api.delete(`${PATH}/${asked.id}`, CAROL)).status, 200)
  assert.equal(await seen(ADMIN), 0)
})

test('nothing that is not held is granted, and what is declined stays so', async () => {
  const { of, api } = await ready()
  const { body: wide } = await api.post(PATH, { ...WANTED, actions: ['job:deploy'] }, CAROL)
  const refused = await grant(api, wide.id)
  assert.deepEqual(
    [refused.status, /nothing that is held covers it/.test(refused.body.detail)],
    [400, true],
  )
  const { body: declined } = await api.post(`${PATH}/${wide.id}/decline`, {})
  assert.equal(declined.state, 'declined')
  assert.equal((await grant(api, wide.id)).status, 409)
  const { body: asked } = await api.post(PATH, WANTED, CAROL)
  const other = parseArtifact(granted(of, 'bob', { exp: Math.floor(of.clock.wallMs() / 1000) + 9 }))
  assert.equal((await grant(api, asked.id, {}, { artifact: other.cid, ttlMs: null })).status, 400)
  assert.deepEqual([...of.wallet.heldFor('carol')], [])
})

test('what is asked is bounded, well-formed, and forgotten after its time', async () => {
  const { of, api } = await ready()
  for (const bad of [
    { ...WANTED, to: 'nobody-here' },
    { ...WANTED, to: 'carol' },
    { ...WANTED, actions: [], resource: null, ttlMs: 0 },
    { ...WANTED, actions: ['no action:'] },
    { ...WANTED, resource: 'nonsense' },
    { ...WANTED, message: undefined },
  ])
    assert.ok((await api.post(PATH, bad, CAROL)).status >= 400, JSON.stringify(bad))
  for (let n = 0; n < WALLET_REQUESTS_PER_CALLER_MAX; n += 1)
    assert.equal((await api.post(PATH, WANTED, CAROL)).status, 201)
  assert.equal((await api.post(PATH, WANTED, CAROL)).status, 429)
  const [last] = (await api.get(PATH)).body.items
  await api.post(`${PATH}/${last.id}/decline`, {})
  assert.equal((await api.post(PATH, WANTED, CAROL)).status, 201)
  await of.clock.advance(WALLET_REQUEST_MS_MAX)
  assert.deepEqual((await api.get(PATH)).body.items, [])
  assert.equal((await api.post(PATH, WANTED, CAROL)).status, 201)
})

test('a restart forgets who asked, and not what was granted', async () => {
  const { of, api } = await ready()
  const { body: asked } = await api.post(PATH, WANTED, CAROL)
  const { body: granted } = await grant(api, asked.id)
  const again = new Api(of)
  assert.deepEqual((await again.get(PATH)).body.items, [])
  const wallet = await Wallet.open(of.log.shelf, async () => undefined)
  assert.deepEqual(
    [...wallet.heldFor('carol')].map(({ cid }) => cid),
    [granted.artifact],
  )
})
