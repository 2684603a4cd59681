/**
 * The AuthZEN 1.0 certification scenario over the routes: Basic, Batch and
 * Search, each request as it is published, with a test artifact in the wallet
 * of a gateway. test/e2e/authzen.test.ts runs it over a socket and over HTTPS.
 */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseArtifact } from '../../src/core/artifact.ts'
import { readBundle } from '../../src/daemon/bundle-dir.ts'
import { Api } from '../unit/api.ts'
import { policyOf } from '../unit/bundles.ts'
import { governed, granted, world } from '../unit/deciding.ts'
import { cases, contains, run, skip } from './certification.ts'

const all = cases()

async function gateway(): Promise<Api> {
  const content = await readBundle('test/vectors/authzen-policy')
  const policy = { ...policyOf(''), ...content }
  const of = await world([policy])
  of.governance = governed({ policies: [policy] })
  const rule = { match: { uid: 1001 }, principal: 'bob', asserts: ['user:*'] }
  await of.callers.reload({ callers: [rule], sockets: [] })
  await of.wallet.hold('bob', parseArtifact(granted(of, 'bob', { cmd: '/' })))
  return new Api(of)
}

const api = await gateway()

test('the scenario has the requests that we know of', { skip }, () => {
  assert.equal(all.length, 50)
  const levels = Map.groupBy(all, ({ level }) => level)
  const counts = [...levels].map(([level, { length }]) => [level, length])
  assert.deepEqual(counts, [
    ['Basic', 19],
    ['Batch', 10],
    ['Search', 21],
  ])
  assert.equal(all.filter(({ expected }) => expected !== null).length, 21)
})

test('a bad item of a batch is its own deny, with an error', { skip }, async () => {
  const found = all.find(({ id }) => id === 'c-3-4-1') ?? assert.fail()
  const { body } = await api.post('/access/v1/evaluations', found.request)
  const [good, bad] = body.evaluations
  assert.deepEqual([good.decision, bad.decision], [true, false])
  assert.equal(bad.context.error.status, 400)
})

for (const [what, body, headers] of [
  ['another content type', '{}', { 'content-type': 'text/plain' }],
  ['no JSON', '{', {}],
  ['nothing', '', {}],
] as const) {
  test(`the transport's own case: ${what} is 400`, async () => {
    for (const path of ['evaluation', 'evaluations', 'search/subject', 'search/action'])
      assert.equal((await api.post(`/access/v1/${path}`, body, { headers })).status, 400, path)
  })
}

test('a body that lacks what is wanted does not contain it', () => {
  assert.equal(contains({ decision: true, context: {} }, { decision: true }), true)
  assert.equal(contains({ decision: false }, { decision: true }), false)
  assert.equal(contains({ evaluations: [{ decision: true }] }, { evaluations: [] }), false)
  assert.equal(contains({ results: [{ id: 'a' }, { id: 'b' }] }, { results: [{ id: 'b' }] }), true)
  assert.equal(contains({ results: [{ id: 'a' }] }, { results: [{ id: 'b' }] }), false)
})

for (const [i, each] of all.entries()) {
  test(`${each.id} ${each.label} (${i})`, async () => {
    await run(each, (path, body) => api.post(path, body))
  })
}
