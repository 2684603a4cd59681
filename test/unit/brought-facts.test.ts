/**
 * A request that brings facts of the node (FAULTS 143): through every route
 * that decides, at every place of what is sent and under every name that might
 * pass for theirs. An artifact or a policy that asks for another user than the
 * kernel names is never satisfied by it.
 */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { openValue } from '../../src/core/commitment.ts'
import type { Json } from '../../src/core/json.ts'
import type { LogRecord } from '../../src/core/record.ts'
import { row } from '../lab/row.ts'
import { Api, type Call } from './api.ts'
import { policyOf } from './bundles.ts'
import { BOB_UID, granted, type World, world } from './deciding.ts'
import { GRANTED } from './judgements.ts'

const OTHER_UID = 7
const BROUGHT = { runtime: { uid: OTHER_UID } }
const NAMES = [
  ...['meshd', '.meshd', 'Meshd', 'meshd\0', '\u{ff4d}eshd', 'meshd.runtime', 'runtime', 'facts'],
  ...['__proto__', 'context', 'args'],
]

interface Sent {
  readonly method: string
  readonly target: string
  readonly headers: NonNullable<Call['headers']>
  readonly body?: Json
}

const post = (target: string, body: Json): Sent => ({ method: 'POST', target, headers: {}, body })
const get = (target: string, headers: Sent['headers']): Sent => ({ method: 'GET', target, headers })

const ANN = { type: 'user', id: 'ann', properties: { role: 'dev' } }
const EVALUATION = {
  subject: ANN,
  action: { name: 'job:deploy', properties: { path: { of: 'a' } } },
  resource: { type: 'env', id: 'staging', properties: { size: 7 } },
  context: { ip: { is: '::1' } },
}
const EVENT = {
  ...{ hook_event_name: 'PreToolUse', session_id: 'abc', cwd: '/srv' },
  ...{ tool_name: 'Bash', tool_input: { command: 'ls', options: { all: true } } },
}
const attributes = { namespace: 'shop', verb: 'get', group: '', resource: 'pods', name: 'w' }
const ACCESS = {
  kind: 'SubjectAccessReview',
  apiVersion: 'authorization.k8s.io/v1',
  spec: { user: 'ann', groups: ['all'], extra: { scopes: ['a'] }, resourceAttributes: attributes },
}
const ADMISSION = {
  kind: 'AdmissionReview',
  apiVersion: 'admission.k8s.io/v1',
  request: {
    ...{ uid: '705ab4f5', name: 'web', namespace: 'shop', operation: 'UPDATE', dryRun: false },
    resource: { group: 'apps', version: 'v1', resource: 'deployments' },
    userInfo: { username: 'ann', groups: ['all'], extra: { scopes: ['a'] } },
    object: { spec: { replicas: 3 } },
  },
}
const forwarded = (name: string) => ({
  [`x-${name}-method`]: 'GET',
  [`x-${name}-host`]: 'app.example',
  [`x-${name}-uri`]: '/a?page=1',
})

/** Every route that decides, each with something that it can allow. */
const ROUTES: Readonly<Record<string, Sent>> = {
  evaluation: post('/access/v1/evaluation', EVALUATION),
  evaluations: post('/access/v1/evaluations', { ...EVALUATION, evaluations: [{}, EVALUATION] }),
  decisions: post('/v1/decisions', EVALUATION),
  explain: post('/v1/explain', EVALUATION),
  executions: post('/v1/executions', EVALUATION),
  opa: post('/v1/data/meshd/allow', { input: EVALUATION }),
  'claude-code': post('/v1/gateway/claude-code', EVENT),
  generic: post('/v1/gateway/generic', EVENT),
  access: post('/v1/gateway/kubernetes/authorize', ACCESS),
  admission: post('/v1/gateway/kubernetes/admit', ADMISSION),
  nginx: get('/v1/gateway/nginx', forwarded('original')),
  traefik: get('/v1/gateway/traefik', forwarded('forwarded')),
  caddy: get('/v1/gateway/caddy', forwarded('forwarded')),
  envoy: get('/v1/gateway/envoy/a?page=1', { host: 'app.example' }),
}

/** With one more member, its own also where its name is that of a prototype. */
const withMember = (object: object, name: string): Json =>
  Object.fromEntries([...Object.entries(object), [name, BROUGHT]])

/** The value with that member in each of its objects, one at a time. */
function* bringing(value: Json | undefined, name: string): Generator<Json> {
  if (typeof value !== 'object' || value === null) return
  if (!Array.isArray(value)) yield withMember(value, name)
  for (const [key, inner] of Object.entries(value))
    for (const each of bringing(inner as Json, name)) {
      const entries = Object.entries(value).map(([at, own]) => [at, at === key ? each : own])
      yield Array.isArray(value)
        ? entries.map(([, own]) => own as Json)
        : Object.fromEntries(entries)
    }
}

const QUERY = `meshd=${encodeURIComponent(JSON.stringify(BROUGHT))}&meshd.runtime.uid=${OTHER_UID}&meshd[runtime][uid]=${OTHER_UID}`

/** The same request with facts in it, in every way. */
function* attacks(sent: Sent): Generator<Sent> {
  const { headers, target, body } = sent
  const facts = JSON.stringify(BROUGHT)
  for (const name of ['meshd', 'meshd-facts', 'x-meshd', 'x-meshd-runtime-uid', 'meshd-runtime'])
    yield { ...sent, headers: { ...headers, [name]: facts } }
  yield { ...sent, target: `${target}${target.includes('?') ? '&' : '?'}${QUERY}` }
  for (const [name, value] of Object.entries(headers))
    if (name.endsWith('-uri'))
      yield { ...sent, headers: { ...headers, [name]: `${value}&${QUERY}` } }
  for (const name of NAMES) for (const other of bringing(body, name)) yield { ...sent, body: other }
}

interface Lock {
  readonly of: World
  readonly api: Api
  readonly artifact: string
}

/** bob may speak for users, and has what would be enough for all of it. */
async function locked(pol: readonly Json[], policies = [GRANTED]): Promise<Lock> {
  const of = await world(policies)
  const rule = { match: { uid: BOB_UID }, principal: 'bob', asserts: ['user:*'] }
  await of.callers.reload({ callers: [rule], sockets: [] })
  return { of, api: new Api(of), artifact: granted(of, 'bob', { cmd: '/', pol }) }
}

const SCHEMA = `
  entity principal; entity Any;
  action "*" appliesTo { principal: [principal, Any], resource: [Any],
    context: { meshd?: { runtime: { uid?: Long } } } };`
const asks = (uid: number) =>
  policyOf(
    `@id("uid") permit (principal, action, resource) when { context has meshd && context.meshd.runtime has uid && context.meshd.runtime.uid == ${uid} };`,
    { bundle: 'agents', version: 7, schema: SCHEMA },
  )
/** What asks for the user: the artifact, and a policy. */
const LOCKS: Readonly<Record<string, (uid: number) => Promise<Lock>>> = {
  artifact: (uid) => locked([['==', '.meshd.runtime.uid', uid]]),
  policy: (uid) => locked([], [asks(uid)]),
}

/** How many of what it asks were allowed, an explanation among them. */
async function allowed({ api, artifact }: Lock, sent: Sent): Promise<number> {
  const before = api.decided.length
  const { method, target, headers, body } = sent
  const answer = await api.send(method, target, {
    headers: { ...headers, 'meshd-artifact': artifact },
    body,
  })
  const explained = answer.body?.decision === true && target.startsWith('/v1/explain') ? 1 : 0
  return api.decided.slice(before).filter(({ denial }) => denial === null).length + explained
}

/** What the record of a decision says of its caller. */
const uidIn = ({ facts }: LogRecord<'decision'>): unknown =>
  (openValue(facts)?.value as { runtime?: { uid?: number } } | undefined)?.runtime?.uid

for (const [lock, locking] of Object.entries(LOCKS))
  test(`facts that a request brings open no ${lock}, whatever the route, the place and the name`, async (t) => {
    const fits = await locking(BOB_UID)
    for (const [name, sent] of Object.entries(ROUTES))
      assert.ok((await allowed(fits, sent)) > 0, `${name} allows what the kernel says`)

    const other = await locking(OTHER_UID)
    let [tried, through] = [0, 0]
    for (const sent of Object.values(ROUTES))
      for (const attack of attacks(sent)) {
        tried += 1
        through += await allowed(other, attack)
      }
    assert.equal(through, 0)
    const records = other.of.log.decisions()
    const said = new Set(records.map(uidIn))
    assert.deepEqual([...said], [BOB_UID])
    const refused = records.filter(({ code }) => code === 'REQUEST_MALFORMED').length
    assert.ok(refused > 0 && refused < records.length)
    assert.deepEqual(other.api.bugs, [])
    row(
      t,
      143,
      `${tried} requests bring facts that the ${lock} asks for, by ${Object.keys(ROUTES).length} routes: ${through} allows, ${refused} refused as malformed`,
    )
  })
