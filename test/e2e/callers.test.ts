/**
 * Two users of one host (FAULTS 96, 142; INTERFACE 12, test 16): the kernel
 * says who calls, and neither can use, see or end what is the other's.
 */
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { chmodSync, readFileSync } from 'node:fs'
import { after, before, test } from 'node:test'
import type { Host } from '../../src/cli/stage.ts'
import type { DecisionView } from '../../src/client/types.ts'
import { row } from '../lab/row.ts'
import { ASK, grant, Lab } from './lab.ts'
import { bodyOf, raw, request, socketOf, statusOf } from './raw.ts'

const OTHER_UID = 65_534
const root = process.getuid?.() === 0
const skip = root ? false : 'only root can be two users'

const lab = new Lab()
let host: Host

const GOOD = '{"action":{"name":"job:deploy"},"resource":{"type":"env","id":"staging"}}'

before(async () => {
  if (!root) return
  ;[host] = (await lab.mesh(['atlas'])) as [Host]
  await grant(host)
  // The other one reaches the sockets as a member of their group.
  for (const path of [lab.dir, host.dir]) chmodSync(path, 0o711)
})

after(() => lab[Symbol.asyncDispose]())

const asRoot = (bytes: string) => raw(socketOf(host, 'meshd'), bytes)

const CLIENT = `
  const [path, bytes] = process.argv.slice(1)
  const socket = require('node:net').connect(path, () => socket.write(Buffer.from(bytes, 'base64')))
  socket.on('error', ({ code }) => { console.log(code) })
  socket.pipe(process.stdout)
`

function asOther(bytes: string, socket: 'meshd' | 'admin' = 'meshd'): string {
  const program = [process.execPath, '-e', CLIENT, socketOf(host, socket)]
  const who = [`--reuid=${OTHER_UID}`, '--regid=0', '--clear-groups']
  const encoded = Buffer.from(bytes).toString('base64')
  return execFileSync('setpriv', [...who, ...program, encoded], { encoding: 'utf8', cwd: '/' })
}

const decided = (answer: string) => JSON.parse(bodyOf(answer)) as DecisionView

test('another user has no key and no wallet here, and what is held for the first is no use to it', {
  skip,
}, async (t) => {
  assert.equal(decided(await asRoot(request('POST', '/v1/executions', GOOD))).decision, true)
  const other = decided(asOther(request('POST', '/v1/executions', GOOD)))
  assert.deepEqual([other.decision, other.code], [false, 'AUTHORIZATION_MISSING'])
  assert.equal(statusOf(asOther(request('GET', '/v1/wallet'))), 404)
  assert.match(asOther(request('GET', '/livez'), 'admin'), /EACCES/)
  row(t, 142, '0 allows')
  row(t, 96, 'another user: EACCES at the socket of administrators, nothing held at the other')
})

test('with a key of its own it still cannot use, list, drop or hand on what is held for another', {
  skip,
}, async (t) => {
  await host.do('key', 'create', 'other', '--for', `uid=${OTHER_UID}`)
  const own = bodyOf(await asRoot(request('GET', '/v1/wallet')))
  const [held] = (JSON.parse(own) as { items: { cid: string; caller: string }[] }).items
  assert.ok(held !== undefined)
  assert.deepEqual(JSON.parse(bodyOf(asOther(request('GET', '/v1/wallet')))).items, [])
  assert.equal(statusOf(asOther(request('GET', `/v1/wallet?for=${held.caller}`))), 403)
  assert.equal(statusOf(asOther(request('DELETE', `/v1/wallet/${held.cid}`))), 404)
  const body = JSON.stringify({ cid: held.cid })
  assert.ok(statusOf(asOther(request('POST', '/v1/artifacts/delegate', body))) >= 400)
  const denied = decided(asOther(request('POST', '/v1/executions', GOOD)))
  assert.deepEqual([denied.decision, denied.code], [false, 'AUTHORIZATION_MISSING'])
  row(t, 142, '0 allows of 5 ways to use what is held for another user')
})

test('what is bound to an executable is denied to whatever else runs', {
  skip,
}, async (t) => {
  const exe = ['--bind', `exe=${'ab'.repeat(32)}`] as const
  const issue = ['artifact', 'issue', '--to', 'me', '--action', 'tool:bound', '--resource', 'x:y']
  await host.do(...issue, ...exe, '--ttl', '1h', '--hold', '--yes')
  const body = '{"action":{"name":"tool:bound"},"resource":{"type":"x","id":"y"}}'
  const { decision, code } = decided(await asRoot(request('POST', '/v1/executions', body)))
  assert.deepEqual([decision, code], [false, 'RUNTIME_MISMATCH'])
  row(t, 142, '0 allows by another executable')
})

test('an artifact of another brought along is not closed with the key of who brings it', {
  skip,
}, async () => {
  const to = ['--to', 'me', ...ASK, '--ttl', '1h', '--yes', '-f', `${host.dir}/mine.ucan`]
  await host.do('artifact', 'issue', ...to)
  const header = [`Meshd-Artifact: ${readFileSync(`${host.dir}/mine.ucan`, 'utf8').trim()}`]
  const bytes = request('POST', '/v1/executions', GOOD, header)
  assert.equal(decided(await asRoot(bytes)).decision, true)
  const stolen = decided(asOther(bytes))
  assert.deepEqual([stolen.decision, stolen.code], [false, 'AUTHORIZATION_MALFORMED'])
})

test('another user neither sees, nor watches, nor ends an execution, nor reads the decision', {
  skip,
}, async () => {
  const { id } = decided(await asRoot(request('POST', '/v1/executions', GOOD)))
  const paths = [`/v1/executions/${id}`, `/v1/executions/${id}/watch?ms=10`, `/v1/decisions/${id}`]
  for (const path of paths) assert.equal(statusOf(asOther(request('GET', path))), 404, path)
  const outcome = request('POST', `/v1/executions/${id}/outcome`, '{"kind":"ok","status":0}')
  assert.equal(statusOf(asOther(outcome)), 404)
  assert.equal(statusOf(await asRoot(request('GET', `/v1/executions/${id}`))), 200)
  assert.equal(statusOf(await asRoot(outcome)), 200)
})

test('what the body says of who calls changes nothing', { skip }, async () => {
  for (const subject of ['{"type":"principal","id":"me"}', '{"type":"user","id":"root"}']) {
    const body = GOOD.replace('{"action"', `{"subject":${subject},"action"`)
    assert.equal(decided(asOther(request('POST', '/v1/executions', body))).decision, false)
  }
})

test('another user asks the first for a delegation, and may what was granted', {
  skip,
}, async () => {
  const wanted = { to: 'me', actions: ['job:deploy'], resource: 'env:staging', ttlMs: 60_000 }
  const body = JSON.stringify({ ...wanted, message: 'INC-9' })
  assert.equal(statusOf(asOther(request('POST', '/v1/wallet/requests', body))), 201)
  const [id = ''] = (await host.do('artifact', 'requests', '-o', 'id')).split('\n')
  assert.match(
    await host.do('artifact', 'grant', id),
    /granted {2}other asks me for job:deploy on env:staging/,
  )
  assert.equal(decided(asOther(request('POST', '/v1/decisions', GOOD))).decision, true)
})
