/**
 * Gateways that ask by HTTP, with the requests that each of them sends: nginx
 * 1.22 and Caddy 2.6 as they were seen (test/long runs both), Envoy's ext_authz
 * in its HTTP mode and Traefik's forwardAuth after their documentation.
 */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Answered, Api, type Call } from './api.ts'
import { granted, type World, world } from './deciding.ts'

const HOST = 'app.example'
const POLICY = [['like', '.resource.id', `${HOST}/public/*`]]

interface Sent {
  readonly method: string
  readonly target: string
  readonly headers: NonNullable<Call['headers']>
}

/** A request as a gateway asks about it; `path` and `method` are the client's. */
const SENDS: Readonly<Record<string, (method: string, path: string) => Sent>> = {
  nginx: (method, path) => ({
    method: 'GET',
    target: '/v1/gateway/nginx',
    headers: {
      ...{ host: 'meshd', 'x-original-method': method, 'x-original-host': HOST },
      ...{ 'x-original-uri': path, 'user-agent': 'curl/7.88.1', accept: '*/*' },
    },
  }),
  traefik: (method, path) => ({
    method: 'GET',
    target: '/v1/gateway/traefik',
    headers: {
      ...{ host: 'meshd.example:8443', 'user-agent': 'curl/7.88.1', 'accept-encoding': 'gzip' },
      ...{ 'x-forwarded-for': '192.0.2.7', 'x-forwarded-host': HOST, 'x-forwarded-method': method },
      ...{ 'x-forwarded-port': '443', 'x-forwarded-proto': 'https', 'x-forwarded-uri': path },
      ...{ 'x-forwarded-server': 'edge', 'x-real-ip': '192.0.2.7' },
    },
  }),
  caddy: (method, path) => ({
    method: 'GET',
    target: '/v1/gateway/caddy',
    headers: {
      ...{ host: HOST, 'user-agent': 'curl/7.88.1', 'x-forwarded-for': '192.0.2.7' },
      ...{ 'x-forwarded-host': HOST, 'x-forwarded-method': method, 'x-forwarded-proto': 'https' },
      ...{ 'x-forwarded-uri': path, via: '2.0 Caddy' },
    },
  }),
  envoy: (method, path) => ({
    method,
    target: `/v1/gateway/envoy${path}`,
    headers: {
      ...{ host: HOST, 'content-length': '0', 'x-envoy-internal': 'true' },
      ...{ 'x-forwarded-for': '192.0.2.7', 'x-envoy-expected-rq-timeout-ms': '2000' },
    },
  }),
}

const said = ({ status, headers }: Answered) => [status, headers['meshd-reason']]

async function ready(): Promise<{ of: World; api: Api; artifact: string }> {
  const of = await world()
  return { of, api: new Api(of), artifact: granted(of, 'bob', { cmd: '/http/get', pol: POLICY }) }
}

for (const [name, send] of Object.entries(SENDS)) {
  test(`${name}: with an artifact 200, without one and beyond it 403, and the record says which gateway asked`, async () => {
    const { of, api, artifact } = await ready()
    const ask = ({ method, target, headers }: Sent, more: Call['headers'] = {}) =>
      api.send(method, target, { headers: { ...headers, ...more } })
    const none = await ask(send('GET', '/public/a?page=1'))
    assert.deepEqual(said(none), [403, 'AUTHORIZATION_MISSING'])
    const allowed = await ask(send('GET', '/public/a?page=1'), { 'meshd-artifact': artifact })
    assert.deepEqual([...said(allowed), allowed.body], [200, undefined, null])
    const [, record] = of.log.decisions()
    assert.equal(record?.gateway, name)
    assert.deepEqual(record?.request?.resource, { type: 'url', id: `${HOST}/public/a` })
    assert.equal(record?.request?.action, 'http:get')
    assert.match(JSON.stringify(record?.request?.args), /"page":"1"/)
    for (const sent of [send('GET', '/private'), send('POST', '/public/a')]) {
      const denied = await ask(sent, { 'meshd-artifact': artifact })
      assert.equal(denied.status, 403)
      assert.equal(denied.headers['meshd-reason'], 'SCOPE_EXCEEDED')
      assert.match(String(denied.headers['meshd-decision']), /^sha256:[0-9a-f]{64}$/)
      // Whoever asked the gateway may see it: no detail of what is granted. To nginx a body is a lost connection.
      const shown = name === 'nginx' ? [] : ['decision', 'id', 'code']
      assert.deepEqual(Object.keys(denied.body ?? {}), shown)
    }
  })

  test(`${name}: a path that is not in canonical form is denied, whatever it would lead to`, async () => {
    const { api, artifact } = await ready()
    for (const path of [
      ...['/public/../private', '/public/%2e%2e/private', '/public//a', '/public/%73ecret.html'],
      ...['/public/a%2fb', '/public/a;b', '/public/a\\b', '/public/%zz', '/public/.', '/../nginx'],
    ]) {
      const { method, target, headers } = send('GET', path)
      // What a client may try: the headers of another gateway, which this one passes on.
      const more = { 'x-original-method': 'GET', 'x-original-host': HOST }
      const whole = { ...more, 'x-original-uri': '/public/a', ...headers }
      const answer = await api.send(method, target, {
        headers: { ...whole, 'meshd-artifact': artifact },
      })
      assert.deepEqual(said(answer), [403, 'REQUEST_MALFORMED'], path)
    }
  })
}

for (const name of ['nginx', 'traefik', 'caddy'])
  test(`${name}: a header that is missing, or came twice, is a denial`, async () => {
    const { api, artifact } = await ready()
    const { method, target, headers } = (SENDS[name] ?? assert.fail())('GET', '/public/a')
    const own = Object.keys(headers).filter((each) => /-(method|host|uri)$/.test(each))
    assert.equal(own.length, 3)
    for (const each of own) {
      const { [each]: value = '', ...others } = headers
      for (const wrong of [others, { ...headers, [each]: [String(value), String(value)] }]) {
        const call = { headers: { ...wrong, 'meshd-artifact': artifact } }
        const answer = await api.send(method, target, call)
        assert.deepEqual(said(answer), [403, 'REQUEST_MALFORMED'], each)
      }
    }
  })

test('envoy: without a host, or with two, is a denial', async () => {
  const { api, artifact } = await ready()
  for (const host of [[], [HOST, HOST]]) {
    const call = { headers: { host, 'meshd-artifact': artifact } }
    const answer = await api.send('GET', '/v1/gateway/envoy/public/a', call)
    assert.deepEqual(said(answer), [403, 'REQUEST_MALFORMED'])
  }
})

test('whatever goes wrong inside, no gateway is answered 2xx', async (t) => {
  t.mock.method(console, 'error', () => {})
  const { of, api, artifact } = await ready()
  const ask = (name: string) => {
    const { method, target, headers } = (SENDS[name] ?? assert.fail())('GET', '/public/a')
    return api.send(method, target, { headers: { ...headers, 'meshd-artifact': artifact } })
  }
  of.log.state = 'fails'
  for (const name of Object.keys(SENDS)) {
    const { status, headers } = await ask(name)
    assert.deepEqual([status, headers['meshd-reason']], [403, 'AUDIT_UNAVAILABLE'])
  }
  of.log.state = 'works'
  t.mock.method(of.authorizer, 'decide', () => Promise.reject(new Error('broken')))
  for (const name of Object.keys(SENDS)) {
    const { status, headers } = await ask(name)
    assert.deepEqual([status, headers['meshd-reason']], [403, 'INTERNAL'])
  }
})
