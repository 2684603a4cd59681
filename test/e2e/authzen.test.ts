/**
 * The AuthZEN 1.0 certification scenario on a running daemon, over the socket
 * and over HTTPS: the published one where it is there, and its eight decisions,
 * its searches and its discovery written out here, which run anywhere.
 */
import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { appendFileSync, cpSync, readFileSync, writeFileSync } from 'node:fs'
import { Agent } from 'node:https'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import type { Host } from '../../src/cli/stage.ts'
import { filesIn, type Got, type Sent, send } from '../unit/tls.ts'
import { cases, type Post, run, skip } from '../vectors/certification.ts'
import { eventually, Lab, UID } from './lab.ts'
import { bodyOf, raw, request, socketOf, statusOf } from './raw.ts'

const lab = new Lab()
/** Whoever asks often keeps its connection. */
const agent = new Agent({ keepAlive: true })
let host: Host
let port = 0

const TOKEN = 'a-test-token-with-more-than-32-letters'
const OTHER = 'another-test-token-with-more-than-32-letters'
const PUBLIC = 'https://pdp.example'
const WHOM = ['--subject', 'user:*', '--ttl', '1h', '--hold', '--yes'] as const
const WHAT = ['--action', 'read,write,delete', '--resource', 'record:*'] as const

const digestOf = (token: string) => `sha256:${createHash('sha256').update(token).digest('hex')}`

/** A gateway on this host, one on another host with a token, and one with a certificate. */
function configure(at: Host): void {
  const { cert, key } = filesIn(at.dir)
  const tokens = join(at.dir, 'tokens')
  writeFileSync(tokens, `${digestOf(TOKEN)} edge user:*\n${digestOf(OTHER)} other user:*\n`, {
    mode: 0o600,
  })
  const path = at.env['MESHD_CONFIG'] ?? ''
  const text = readFileSync(path, 'utf8').replace(/^api:.*\n/m, '')
  writeFileSync(path, text, { mode: 0o600 })
  appendFileSync(
    path,
    [
      'api:',
      `  dir: ${at.socketsDir}`,
      `  public_url: ${PUBLIC}`,
      `  callers: [{ match: { uid: ${UID} }, principal: gateway, asserts: ['user:*'] }]`,
      `  tcp: { listen: '127.0.0.1:0', cert: ${cert}, key: ${key}, tokens_file: ${tokens}, hosts: [localhost] }\n`,
    ].join('\n'),
  )
}

/** The bundle of the scenario, in the place of the starter's, which permits all that is granted. */
function scenario(): string {
  const bundle = join(lab.dir, 'scenario')
  cpSync('test/vectors/authzen-policy', bundle, { recursive: true })
  writeFileSync(join(bundle, 'bundle.yaml'), 'name: starter\nmode: enforce\n')
  return bundle
}

before(async () => {
  const started = async (at: Host) => {
    configure(at)
    at.start()
    await at.answers()
  }
  ;[host] = (await lab.mesh(['atlas'], '5s', started)) as [Host]
  const address = await eventually(
    'the address of HTTPS',
    async () => /https +127\.0\.0\.1:(\d+)/.exec(host.log())?.[1] ?? '',
    (text) => text !== '',
  )
  port = Number(address)
  await host.do('policy', 'publish', scenario(), '--yes')
  for (const name of ['gateway', 'edge'])
    await host.do('artifact', 'issue', '--to', name, ...WHAT, ...WHOM)
})

after(() => {
  agent.destroy()
  return lab[Symbol.asyncDispose]()
})

const overTcp = (path: string, sent: Sent = {}): Promise<Got> =>
  send(port, path, { token: TOKEN, agent, ...sent })

async function overSocket(path: string, body: object): Promise<Got> {
  const answer = await raw(socketOf(host, 'meshd'), request('POST', path, JSON.stringify(body)))
  return { status: statusOf(answer), headers: {}, body: JSON.parse(bodyOf(answer)) }
}

const WAYS: Readonly<Record<string, Post>> = {
  HTTPS: (path, body) => overTcp(path, { body }),
  'the socket': overSocket,
}

const user = (id: string, properties = {}) => ({ type: 'user', id, properties })
const record = (id: string, properties = {}) => ({ type: 'record', id, properties })
const action = (name: string, properties = {}) => ({ name, properties })
const [ALICE, BOB, ADMIN] = [user('alice'), user('bob'), user('bob', { role: 'admin' })]
const [ACTIVE, ARCHIVED] = [record('record-1'), record('record-2', { status: 'archived' })]

/** What is certified: of each, who does what to which, and whether it may be. */
const DECISIONS = [
  [ALICE, action('read'), ACTIVE, true],
  [ALICE, action('write'), ACTIVE, true],
  [BOB, action('read'), ACTIVE, true],
  [BOB, action('write'), ACTIVE, false],
  [ALICE, action('write'), ARCHIVED, false],
  [ADMIN, action('write'), ARCHIVED, true],
  [ALICE, action('delete', { soft: true }), ACTIVE, true],
  [ALICE, action('delete', { soft: false }), ACTIVE, false],
] as const

for (const [way, post] of Object.entries(WAYS)) {
  test(`the eight decisions of the certification, over ${way}, one by one and as a batch`, async () => {
    for (const [subject, doing, resource, decision] of DECISIONS) {
      const { status, body } = await post('/access/v1/evaluation', {
        ...{ subject, action: doing, resource },
      })
      assert.equal(status, 200)
      assert.equal(body.decision, decision, JSON.stringify(body))
    }
    const evaluations = DECISIONS.map(([subject, doing, resource]) => ({
      ...{ subject, action: doing, resource },
    }))
    const { body } = await post('/access/v1/evaluations', { evaluations })
    assert.deepEqual(
      body.evaluations.map(({ decision }: { decision: boolean }) => decision),
      DECISIONS.map(([, , , decision]) => decision),
    )
  })

  test(`the searches of the certification, over ${way}`, async () => {
    const search = async (kind: string, question: object) =>
      (await post(`/access/v1/search/${kind}`, question)).body.results
    const [reading, writing] = [action('read'), action('write')]
    assert.deepEqual(
      await search('subject', { subject: { type: 'user' }, action: reading, resource: ACTIVE }),
      ['alice', 'bob'].map((id) => ({ type: 'user', id })),
    )
    assert.deepEqual(
      await search('resource', { subject: ADMIN, action: writing, resource: { type: 'record' } }),
      [{ type: 'record', id: 'record-2' }],
    )
    assert.deepEqual(await search('action', { subject: ALICE, resource: ACTIVE }), [
      { name: 'read' },
      { name: 'write' },
    ])
    const nobody = { subject: user('nobody'), resource: ACTIVE }
    assert.deepEqual(await search('action', nobody), [])
  })

  test(`a caller that says more than is signed gets no more for it, over ${way}`, async () => {
    const forged = {
      subject: user('alice', { role: 'admin' }),
      ...{ action: action('write'), resource: record('record-2', { status: 'active' }) },
    }
    assert.equal((await post('/access/v1/evaluation', forged)).body.decision, false)
  })

  test(`what is no evaluation is 400, over ${way}`, async () => {
    for (const body of [{}, { subject: ALICE }, { subject: 'alice', action: 1, resource: ACTIVE }])
      assert.equal((await post('/access/v1/evaluation', body)).status, 400)
  })

  test(`the published scenario passes at all levels, over ${way}`, { skip }, async (t) => {
    for (const each of cases()) await t.test(`${each.id} ${each.label}`, () => run(each, post))
  })
}

test('level Discovery: the document is served over HTTPS, to whoever asks, and names what is there', async () => {
  const { status, headers, body } = await send(port, '/.well-known/authzen-configuration')
  assert.equal(status, 200)
  assert.equal(headers['content-type'], 'application/json')
  assert.equal(body.policy_decision_point, PUBLIC)
  const endpoints = Object.entries<string>(body).filter(([key]) => key.endsWith('_endpoint'))
  assert.equal(endpoints.length, 5)
  for (const [key, url] of endpoints) {
    assert.ok(url.startsWith(`${PUBLIC}/access/v1/`), key)
    // Something is there: what lacks everything is a bad request, and not unknown.
    assert.equal((await overTcp(new URL(url).pathname, { body: {} })).status, 400, url)
  }
})

test('over HTTPS the id of a request comes back, and another content type, no JSON and nothing are 400', async () => {
  const headers = { 'x-request-id': 'bfe9eb29-ab87-4ca3-be83-a1d5d8305716' }
  const [subject, doing, resource] = DECISIONS[0]
  const good = await overTcp('/access/v1/evaluation', {
    headers,
    body: { subject, action: doing, resource },
  })
  assert.equal(good.headers['x-request-id'], headers['x-request-id'])
  for (const [type, body] of [
    ['text/plain', '{}'],
    ['application/json', '{'],
    ['application/json', ''],
  ] as const) {
    const sent = { body, method: 'POST', headers: { ...headers, 'content-type': type } }
    const answer = await overTcp('/access/v1/evaluation', sent)
    assert.equal(answer.status, 400, type)
    assert.equal(answer.headers['x-request-id'], headers['x-request-id'])
  }
})

test('what comes over HTTPS is recorded with who asked, and without a fact of the kernel', async () => {
  const [subject, doing, resource] = DECISIONS[0]
  const { body } = await overTcp('/access/v1/evaluation', {
    body: { subject, action: doing, resource },
  })
  const { item } = await host.ask<{ item: { leaf: { caller: object; facts: object } } }>(
    ...['audit', 'show', body.context.id],
  )
  const caller = { ...item.leaf.caller, principal: null }
  assert.deepEqual(caller, {
    ...{ principal: null, name: 'edge', asserts: ['user:*'], identified: true },
    ...{ uid: null, gid: null, pid: null, socket: 'tcp:127.0.0.1:0' },
  })
})

test('what is bound to a fact of the kernel denies over HTTPS, whatever the fact', async () => {
  const bound = await host.do(
    ...['artifact', 'issue', '--to', 'edge', ...WHAT, ...WHOM.slice(0, 4), '--yes'],
    ...['--bind', `uid=${UID}`, '-f', '-'],
  )
  const [subject, doing, resource] = DECISIONS[0]
  const { body } = await overTcp('/access/v1/evaluation', {
    body: { subject, action: doing, resource },
    headers: { 'meshd-artifact': bound.trim().split('\n').at(-1) ?? '' },
  })
  assert.deepEqual([body.decision, body.context.meshd.code], [false, 'RUNTIME_MISMATCH'])
})

test('an execution over HTTPS is its caller’s alone, and is stopped at once by a revocation', async () => {
  const [subject, doing, resource] = DECISIONS[0]
  const opened = await overTcp('/v1/executions', { body: { subject, action: doing, resource } })
  const { decision, id } = opened.body
  assert.equal(decision, true)
  const path = `/v1/executions/${encodeURIComponent(id)}`
  assert.equal((await overTcp(path)).body.state, 'running')
  for (const each of [path, `${path}/watch`, `/v1/decisions/${encodeURIComponent(id)}`])
    assert.equal((await overTcp(each, { token: OTHER })).status, 404, each)
  const ended = { kind: 'ok', status: 0 }
  assert.equal((await overTcp(`${path}/outcome`, { token: OTHER, body: ended })).status, 404)
  const watched = overTcp(`${path}/watch?ms=10000`)
  await host.do('revoke', id, '-m', 'INC-1', '--yes')
  const { body } = await watched
  assert.deepEqual([body.state, body.stop?.code], ['stopped', 'REVOKED'])
  const outcome = await overTcp(`${path}/outcome`, { body: { kind: 'stopped', status: null } })
  assert.equal(outcome.status, 200)
})

test('what was decided over HTTPS is judged again to the same, where meshd never ran', async () => {
  const [evidence, trust] = [join(lab.dir, 'all.evidence'), join(lab.dir, 'root.json')]
  await host.do('audit', 'export', '-f', evidence)
  await host.do('root', 'show', '-f', trust)
  const said = await host.do('verify', evidence, '--trust', trust, '--replay')
  assert.match(said, /^replayed (\d+) decisions: \1 same$/m)
})

test('gateways on other hosts ask over HTTPS, and a denial is one in so many words', async () => {
  const review = {
    ...{ apiVersion: 'authorization.k8s.io/v1', kind: 'SubjectAccessReview' },
    spec: {
      user: 'alice',
      resourceAttributes: { namespace: 'shop', verb: 'get', resource: 'pods' },
    },
  }
  const access = await overTcp('/v1/gateway/kubernetes/authorize', { body: review })
  assert.deepEqual(
    [access.body.status.allowed, access.body.status.denied],
    [false, true],
    JSON.stringify(access.body),
  )
  const forwarded = {
    ...{ 'x-forwarded-method': 'GET', 'x-forwarded-host': 'app.example' },
    'x-forwarded-uri': '/',
  }
  const forward = await overTcp('/v1/gateway/traefik', { headers: forwarded })
  assert.deepEqual([forward.status, forward.headers['meshd-reason']], [403, 'SCOPE_EXCEEDED'])
  assert.equal(
    (await overTcp('/v1/gateway/traefik', { headers: forwarded, token: '' })).status,
    401,
  )
})

test('who-can and what-can search from the terminal', async () => {
  const found = async (...words: string[]) =>
    (await host.do(...words, '-o', 'id'))
      .trim()
      .split('\n')
      .filter((line) => line !== '')
  assert.deepEqual(await found('who-can', 'read', 'record:record-1'), ['user:alice', 'user:bob'])
  assert.deepEqual(await found('who-can', 'write', 'record:record-1'), ['user:alice'])
  const onRecord = ['--resource', 'record:record-1']
  assert.deepEqual(await found('what-can', 'user:bob', ...onRecord), ['read'])
  const soft = await found('what-can', 'user:alice', '--action', 'write', '--type', 'record')
  assert.deepEqual(soft, ['record:record-1'])
  assert.deepEqual(await found('what-can', 'user:nobody', ...onRecord), [])
  assert.equal((await host.run('what-can', 'user:alice')).status, 64)
})

test('over HTTPS nothing that is kept here or governs can be reached', async () => {
  for (const [method, path] of [
    ['GET', '/v1/wallet'],
    ['PUT', '/v1/wallet'],
    ['GET', '/v1/callers'],
    ['GET', '/v1/status'],
    ['GET', '/v1/records'],
    ['POST', '/v1/statements'],
    ['POST', '/v1/config/reload'],
    ['GET', '/metrics'],
    ['GET', '/readyz'],
  ] as const)
    assert.equal((await overTcp(path, { method })).status, 404, path)
})

test('a token that is taken out of its file is nobody after a reload', async () => {
  assert.equal((await overTcp('/access/v1/evaluation', { body: {} })).status, 400)
  writeFileSync(join(host.dir, 'tokens'), `${digestOf(`${TOKEN}-of-another`)} edge\n`)
  await host.do('config', 'reload')
  assert.equal((await overTcp('/access/v1/evaluation', { body: {} })).status, 401)
})
