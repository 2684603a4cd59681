/**
 * Kubernetes and OPA: webhooks as an API server sends them (after its
 * documentation), and the answer that says no even to who reads only half of it.
 */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { openValue } from '../../src/core/commitment.ts'
import { Api } from './api.ts'
import { granted, type World, world } from './deciding.ts'

const AUTHORIZE = '/v1/gateway/kubernetes/authorize'
const ADMIT = '/v1/gateway/kubernetes/admit'
const OPA = '/v1/data/meshd/allow'

async function ready(cmd = '/k8s'): Promise<{ of: World; api: Api; headers: object }> {
  const of = await world()
  const rule = { match: { uid: 1001 }, principal: 'bob', asserts: ['user:*'] }
  await of.callers.reload({ callers: [rule], sockets: [] })
  const pol = [['==', '.subject.id', 'system:serviceaccount:shop:ci']]
  const headers = { 'meshd-artifact': granted(of, 'bob', { cmd, pol }) }
  return { of, api: new Api(of), headers }
}

const POD = {
  namespace: 'shop',
  verb: 'get',
  group: '',
  version: 'v1',
  resource: 'pods',
  name: 'w',
}

function accessReview(spec: object): object {
  const user = 'system:serviceaccount:shop:ci'
  const groups = ['system:serviceaccounts', 'system:authenticated']
  return {
    apiVersion: 'authorization.k8s.io/v1',
    kind: 'SubjectAccessReview',
    spec: { user, groups, ...spec },
  }
}

function admissionReview(request: object = {}): object {
  return {
    apiVersion: 'admission.k8s.io/v1',
    kind: 'AdmissionReview',
    request: {
      uid: '705ab4f5-6393-11e8-b7cc-42010a800002',
      kind: { group: 'apps', version: 'v1', kind: 'Deployment' },
      resource: { group: 'apps', version: 'v1', resource: 'deployments' },
      ...{ name: 'web', namespace: 'shop', operation: 'UPDATE', dryRun: false },
      userInfo: { username: 'system:serviceaccount:shop:ci', groups: ['system:authenticated'] },
      object: { spec: { replicas: 3 } },
      ...request,
    },
  }
}

test('a review of access is allowed, or denied in so many words: never without an opinion', async () => {
  const { of, api, headers } = await ready()
  const call = { headers: { ...headers } }
  const allowed = await api.post(AUTHORIZE, accessReview({ resourceAttributes: POD }), call)
  assert.equal(allowed.status, 200)
  assert.deepEqual(allowed.body, {
    apiVersion: 'authorization.k8s.io/v1',
    kind: 'SubjectAccessReview',
    status: { allowed: true },
  })
  const other = accessReview({ resourceAttributes: POD, user: 'mallory' })
  const denied = await api.post(AUTHORIZE, other, call)
  assert.equal(denied.status, 200)
  assert.deepEqual([denied.body.status.allowed, denied.body.status.denied], [false, true])
  assert.match(denied.body.status.reason, /^meshd: SCOPE_EXCEEDED, sha256:/)
  const [first] = of.log.decisions()
  assert.equal(first?.gateway, 'kubernetes')
  assert.equal(first?.request?.action, 'k8s:get')
  assert.deepEqual(first?.request?.resource, { type: 'k8s', id: 'shop/pods/w' })
  assert.deepEqual(first?.request?.subject, { type: 'user', id: 'system:serviceaccount:shop:ci' })
  const claims = JSON.stringify(openValue(first?.request?.claims ?? null))
  assert.match(claims, /"groups":\["system:serviceaccounts","system:authenticated"\]/)
})

test('no two resources of an API server are one to meshd', async () => {
  const { of, api } = await ready()
  const attributes = [
    [{ ...POD }, 'shop/pods/w'],
    [{ ...POD, name: 'log' }, 'shop/pods/log'],
    [{ ...POD, subresource: 'log' }, 'shop/pods:log/w'],
    [{ ...POD, subresource: 'log', name: '' }, 'shop/pods:log'],
    [{ ...POD, namespace: '' }, '-/pods/w'],
    [{ verb: 'list', resource: 'deployments', group: 'apps' }, '-/deployments.apps'],
    [{ ...POD, resource: 'roles', name: 'system:node' }, 'shop/roles/system:node'],
  ] as const
  for (const [resourceAttributes] of attributes)
    await api.post(AUTHORIZE, accessReview({ resourceAttributes }))
  const ids = of.log.decisions().map(({ request }) => openValue(request?.resource ?? null)?.id)
  assert.deepEqual(
    ids,
    attributes.map(([, id]) => id),
  )
  await api.post(
    AUTHORIZE,
    accessReview({ nonResourceAttributes: { path: '/healthz', verb: 'get' } }),
  )
  assert.deepEqual(of.log.decisions().at(-1)?.request?.resource, {
    type: 'k8s_path',
    id: '/healthz',
  })
})

for (const [what, body] of [
  ['no JSON', '{'],
  ['nothing', {}],
  ['another version', { ...accessReview({ resourceAttributes: POD }), apiVersion: 'v1beta1' }],
  ['another kind', { ...accessReview({ resourceAttributes: POD }), kind: 'TokenReview' }],
  ['neither resource nor path', accessReview({})],
  [
    'both',
    accessReview({ resourceAttributes: POD, nonResourceAttributes: { path: '/', verb: 'get' } }),
  ],
  ['a user that is no text', accessReview({ resourceAttributes: POD, user: ['root'] })],
  ['a slash in a name', accessReview({ resourceAttributes: { ...POD, name: 'a/b' } })],
  ['a star', accessReview({ resourceAttributes: { ...POD, resource: '*' } })],
  ['a verb that is none', accessReview({ resourceAttributes: { ...POD, verb: 'get:x' } })],
] as const)
  test(`a review of access with ${what} is denied`, async () => {
    const { api, headers } = await ready()
    const { status, body: answer } = await api.post(AUTHORIZE, body, { headers: { ...headers } })
    assert.equal(status, 200)
    assert.deepEqual([answer.status.allowed, answer.status.denied], [false, true])
    assert.match(answer.status.reason, /REQUEST_MALFORMED/)
  })

test('an admission is answered under its uid, allowed or with a message', async () => {
  const { of, api, headers } = await ready('/k8s/admit')
  const call = { headers: { ...headers } }
  const allowed = await api.post(ADMIT, admissionReview(), call)
  const { uid } = (admissionReview() as { request: { uid: string } }).request
  assert.deepEqual(allowed.body, {
    apiVersion: 'admission.k8s.io/v1',
    kind: 'AdmissionReview',
    response: { uid, allowed: true },
  })
  const [record] = of.log.decisions()
  assert.equal(record?.request?.action, 'k8s:admit/update')
  assert.deepEqual(record?.request?.resource, { type: 'k8s', id: 'shop/deployments.apps/web' })
  assert.match(JSON.stringify(record?.request?.args), /"replicas":3/)
  const mallory = { userInfo: { username: 'mallory', groups: [] } }
  const denied = await api.post(ADMIT, admissionReview(mallory), call)
  assert.deepEqual([denied.body.response.uid, denied.body.response.allowed], [uid, false])
  assert.match(denied.body.response.status.message, /^meshd: SCOPE_EXCEEDED/)
})

test('an admission that cannot be read, or is too large to be judged, is denied under its uid', async () => {
  const { api, headers } = await ready('/k8s')
  for (const request of [
    { operation: 'update' },
    { resource: 'deployments' },
    { userInfo: null },
    { object: { text: 'x'.repeat(100_000) } },
    { object: { __entity: { type: 'user', id: 'root' } } },
  ]) {
    const { body } = await api.post(ADMIT, admissionReview(request), { headers: { ...headers } })
    assert.equal(body.response.uid, '705ab4f5-6393-11e8-b7cc-42010a800002')
    assert.equal(body.response.allowed, false)
  }
  const { body } = await api.post(ADMIT, '{', { headers: { ...headers } })
  assert.equal(body.response.allowed, false)
})

test('OPA’s shape is answered true or false, whatever was asked', async () => {
  const { of, api } = await ready()
  const headers = { 'meshd-artifact': granted(of, 'bob') }
  const input = { action: { name: 'tool:read' }, resource: { type: 'repo', id: 'acme/docs' } }
  const ask = async (body: unknown) => (await api.post(OPA, body, { headers })).body
  const allowed = await ask({ input })
  assert.equal(allowed.result, true)
  assert.match(allowed.decision_id, /^sha256:/)
  for (const body of [
    { input: { ...input, action: { name: 'job:deploy' } } },
    ...[{}, { input: null }, { input: [] }, { input: { action: 'tool:read' } }, [], '', '{'],
  ])
    assert.equal((await ask(body)).result, false, JSON.stringify(body))
  assert.equal(of.log.decisions()[0]?.gateway, 'opa')
})
