/**
 * nginx of the distribution in front of an application, configured by what
 * `meshd gateway show nginx` prints: what passes, what does not, and what
 * becomes of a request while the daemon is gone, hangs or talks nonsense.
 */
import assert from 'node:assert/strict'
import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import type { Socket } from 'node:net'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import type { Host } from '../../src/cli/stage.ts'
import { Lab } from '../e2e/lab.ts'
import { impostor } from './impostor.ts'
import { fetchRaw, freePort, type Got, issuedBy, Nginx, nginxBinary, shownBy } from './nginx.ts'

const binary = nginxBinary()
const options = { skip: binary === null && 'no nginx here, and none could be installed' }
const HOST = 'app.example'
/** Shorter than what is printed, so that a daemon that hangs does not hold up the tests. */
const HANGS = /proxy_read_timeout \d+s/

const lab = new Lab()
let host: Host
let nginx: Nginx | null = null
let front = 0
const artifacts = { some: '', all: '' }

before(async () => {
  if (binary === null) return
  ;[host] = (await lab.mesh(['atlas'])) as [Host]
  const app = await freePort()
  front = await freePort()
  const shown = await shownBy(host, HOST, front, app)
  assert.match(shown, HANGS)
  const www = join(lab.dir, 'www')
  mkdirSync(join(www, 'public'), { recursive: true })
  writeFileSync(join(www, 'public', 'a.html'), 'public')
  writeFileSync(join(www, 'secret.html'), 'secret')
  const behind = `server {
    listen 127.0.0.1:${app};
    root ${www};
    add_header Seen-Artifact "$http_meshd_artifact" always;
    add_header Seen-Host $host always;
    add_header Seen-Method "$request_method $http_x_http_method_override" always;
  }`
  const servers = `${shown.replace(HANGS, 'proxy_read_timeout 1s')}\n${behind}`
  nginx = await Nginx.open(binary, join(lab.dir, 'nginx'), servers, [front, app])
  artifacts.some = await issuedBy(host, `url:${HOST}/public/*`)
  artifacts.all = await issuedBy(host, `url:${HOST}/*`)
})

after(async () => {
  await nginx?.[Symbol.asyncDispose]()
  await lab[Symbol.asyncDispose]()
})

const ask = (path: string, artifact?: string, more = {}, method = 'GET') => {
  const own = artifact === undefined ? {} : { 'meshd-artifact': artifact }
  return fetchRaw(front, path, { ...own, ...more }, method)
}
const said = ({ status, headers }: Got) => [status, headers['meshd-reason']]

test(
  'without an artifact 403, with one 200, beyond it 403 with the reason and the decision',
  options,
  async () => {
    assert.deepEqual(said(await ask('/public/a.html')), [403, 'AUTHORIZATION_MISSING'])
    const allowed = await ask('/public/a.html?page=1', artifacts.some)
    assert.deepEqual([...said(allowed), allowed.text], [200, undefined, 'public'])
    assert.match(String(allowed.headers['meshd-decision']), /^sha256:[0-9a-f]{64}$/)
    const denied = await ask('/secret.html', artifacts.some)
    assert.deepEqual(said(denied), [403, 'SCOPE_EXCEEDED'])
    const id = String(denied.headers['meshd-decision'])
    const record = await host.ask<{ item: { body: { gateway: string } } }>('explain', id)
    assert.match(JSON.stringify(record), /"gateway":"nginx"/)
    const post = await ask('/public/a.html', artifacts.some, {}, 'POST')
    assert.deepEqual(said(post), [403, 'SCOPE_EXCEEDED'])
  },
)

test(
  'the application sees neither the artifact nor another host or method than was decided about',
  options,
  async () => {
    const other = { host: 'other.example', 'x-http-method-override': 'DELETE' }
    const { headers } = await ask('/public/a.html', artifacts.some, other)
    assert.equal(headers['seen-method'], 'GET')
    assert.equal(headers['seen-host'], HOST)
    assert.equal(headers['seen-artifact'], undefined)
  },
)

test(
  'a path that nginx would read otherwise is denied, also to who may see everything',
  options,
  async () => {
    assert.equal((await ask('/secret.html', artifacts.all)).text, 'secret')
    for (const path of [
      ...[
        '/%73ecret.html',
        '//secret.html',
        '/public/../secret.html',
        '/public/%2e%2e/secret.html',
      ],
      ...['/public/%2E%2E/secret.html', '/./secret.html', '/public%2f..%2fsecret.html'],
      ...[
        '/secret.html;a',
        '/public/a.html%00',
        '/public\\..\\secret.html',
        '/secret.html%0d%0aX:1',
      ],
    ]) {
      const got = await ask(path, artifacts.all)
      // nginx refuses some by itself, before it asks.
      assert.ok([400, 403].includes(got.status), `${path}: ${got.status}`)
      if (got.status === 403) assert.equal(got.headers['meshd-reason'], 'REQUEST_MALFORMED', path)
      assert.doesNotMatch(got.text, /secret/, path)
    }
  },
)

test('what a client says in the headers of the gateway counts for nothing', options, async () => {
  const forged = {
    ...{ 'x-original-method': 'GET', 'x-original-uri': '/public/a.html' },
    ...{ 'x-original-host': HOST, connection: 'x-original-uri, close' },
  }
  assert.deepEqual(said(await ask('/secret.html', artifacts.some, forged)), [403, 'SCOPE_EXCEEDED'])
  assert.equal((await ask('/public/a.html', artifacts.some, forged)).status, 200)
})

test(
  'with the daemon stopped, killed, hanging or talking nonsense nothing passes',
  options,
  async () => {
    await host.stop('SIGKILL')
    assert.equal((await ask('/public/a.html', artifacts.some)).status, 500, 'killed')
    const path = join(host.socketsDir, 'meshd.sock')
    rmSync(path, { force: true })
    assert.equal((await ask('/public/a.html', artifacts.some)).status, 500, 'gone')
    for (const [what, answer] of [
      ['hangs', () => {}],
      ['dies in the middle', (socket: Socket) => socket.destroy()],
      ['says nothing', (socket: Socket) => socket.end()],
      ['talks nonsense', (socket: Socket) => socket.end('<html>200 OK</html>\r\n\r\n')],
      ['is cut off', (socket: Socket) => socket.end('HTTP/1.1 200 OK\r\nContent-Le')],
      ['redirects', (socket: Socket) => socket.end('HTTP/1.1 302 Found\r\nLocation: /\r\n\r\n')],
      ['is broken', (socket: Socket) => socket.end('HTTP/1.1 500 Oh\r\n\r\n')],
    ] as const) {
      await using _ = await impostor(path, answer)
      const got = await ask('/public/a.html', artifacts.some)
      assert.equal(got.status, 500, what)
      assert.doesNotMatch(got.text, /public/, what)
    }
    host.start()
    await host.do('wait', '--for', 'ready', '--timeout', '30s')
    assert.equal((await ask('/public/a.html', artifacts.some)).status, 200, 'and back')
  },
)
