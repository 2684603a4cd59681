/**
 * Processes that die, stop and are held up, in a mesh of three: what was acknowledged stays, a
 * revocation that was accepted reaches everybody, and no start allows on what an earlier one had.
 */
import assert from 'node:assert/strict'
import net from 'node:net'
import { after, before, test } from 'node:test'
import type { Host } from '../../src/cli/stage.ts'
import type { DecisionView } from '../../src/client/types.ts'
import { authorize, eventually, grant, Lab, status } from '../e2e/lab.ts'
import { bodyOf, raw, request, socketOf } from '../e2e/raw.ts'
import { BODY, callsDuring, logged, lostOf } from './callers.ts'
import { row } from './row.ts'

const STALENESS_MS = 4_000
const BLOCK_MS = 3_000
/** Blocks the loop of the process that it is imported into, whenever it is told to. */
const BLOCKER = `data:text/javascript,process.on('SIGUSR2',()=>{Atomics.wait(new%20Int32Array(new%20SharedArrayBuffer(4)),0,0,${BLOCK_MS})})`
/** Between the signal and its arrival. */
const SLACK_MS = 500
const STARTS = 10
/** Connections × requests on each: within what the API takes at once. */
const IN_FLIGHT = { connections: 200, requests: 5 }
const EXIT_MS_MAX = 5_000

const lab = new Lab()
let [atlas, borealis, cygnus] = [] as Host[] as [Host, Host, Host]

before(async () => {
  const hosts = await lab.mesh(['atlas', 'borealis', 'cygnus'], `${STALENESS_MS}ms`)
  ;[atlas, borealis, cygnus] = hosts as [Host, Host, Host]
  await grant(cygnus)
  assert.equal((await authorize(cygnus)).code, null)
})

after(() => lab[Symbol.asyncDispose]())

const signal = (hosts: readonly Host[], name: NodeJS.Signals) => {
  for (const each of hosts) process.kill(each.pid, name)
}

const ready = (host: Host) => host.do('wait', '--for', 'ready', '--timeout', '30s')

test('a revocation that was accepted, and whose node was killed before it told anybody, reaches all', async (t) => {
  const id = await grant(atlas)
  // They hear nothing while they stand still.
  signal([borealis, cygnus], 'SIGSTOP')
  await atlas.do('revoke', id, '-m', 'INC-4', '--yes', '--wait=none')
  await atlas.stop('SIGKILL')
  signal([borealis, cygnus], 'SIGCONT')
  for (const each of [borealis, cygnus])
    assert.equal((await status(each)).governance.revocations, 0, 'nobody else knows of it')
  const beganMs = performance.now()
  atlas.start()
  for (const each of [atlas, borealis, cygnus])
    await eventually(
      `${each.name} knows`,
      async () => (await each.run('status', '--json')).stdout,
      (text) => text.includes('"revocations": 1') || text.includes('"revocations":1'),
      60_000,
    )
  const seconds = ((performance.now() - beganMs) / 1000).toFixed(1)
  row(t, 4, `known to all ${seconds} s after the start of the only one that knew`)
  for (const each of [atlas, borealis, cygnus]) await ready(each)
})

test('a node that crashes again and again allows nothing before its lease is renewed', async (t) => {
  // Nobody can renew it: what it allowed would rest on what it had before.
  signal([atlas, borealis], 'SIGSTOP')
  let denied = 0
  for (let i = 0; i < STARTS; i += 1) {
    await cygnus.stop('SIGKILL')
    cygnus.start()
    await cygnus.answers()
    for (let each = 0; each < 5; each += 1) {
      const { decision, code } = await authorize(cygnus)
      assert.equal(decision, false)
      assert.match(code ?? '', /GOVERNANCE_STALE|AUDIT_UNAVAILABLE|CLOCK_UNTRUSTED/)
      denied += 1
    }
  }
  signal([atlas, borealis], 'SIGCONT')
  const beganMs = performance.now()
  await ready(cygnus)
  const readyMs = performance.now() - beganMs
  assert.equal((await authorize(cygnus)).code, null)
  await cygnus.do('audit', 'verify')
  row(t, 7, `0 allows of ${denied} asked in ${STARTS} starts; ready ${readyMs.toFixed(0)} ms after`)
})

/** Sends all of it at once; gives what came back until the end was closed. */
function flight(path: string, requests: number): Promise<string> {
  const text = `POST /v1/executions HTTP/1.1\r\nHost: meshd\r\nContent-Type: application/json\r\nContent-Length: ${BODY.length}\r\n\r\n${BODY}`
  return new Promise((done) => {
    let got = ''
    const socket = net.connect(path, () => socket.write(text.repeat(requests)))
    socket.on('data', (chunk) => {
      got += chunk.toString()
    })
    // A reset closes it as well.
    socket.on('error', () => {})
    socket.on('close', () => done(got))
  })
}

test('asked to stop with a thousand requests in flight it answers or closes each, and is gone in time', async (t) => {
  await ready(cygnus)
  const path = socketOf(cygnus, 'meshd')
  const flights = Array.from({ length: IN_FLIGHT.connections }, () =>
    flight(path, IN_FLIGHT.requests),
  )
  // Some are answered: the others are under way.
  await new Promise((over) => setTimeout(over, 100))
  const beganMs = performance.now()
  const exit = await cygnus.stop('SIGTERM')
  const tookMs = performance.now() - beganMs
  const answers = (await Promise.all(flights)).join('')
  assert.equal(exit, 0)
  assert.ok(tookMs <= EXIT_MS_MAX, `${tookMs} ms`)
  const allowed = [...answers.matchAll(/"decision":true.*?"id":"([\w:]+)"/g)].map(
    ([, id]) => id ?? '',
  )
  assert.ok(allowed.length > 0, 'some were allowed')
  assert.deepEqual(lostOf(allowed, await logged(cygnus)), [])

  const answered = [...answers.matchAll(/^HTTP\/1\.1 200/gm)].length
  const all = IN_FLIGHT.connections * IN_FLIGHT.requests
  row(
    t,
    9,
    `of ${all} in flight ${answered} answered, the others closed; 0 lost of ${allowed.length} allowed; gone in ${tookMs.toFixed(0)} ms`,
  )
  cygnus.start()
  await ready(cygnus)
})

test('a loop that is blocked allows nothing late, and goes on', async (t) => {
  await cygnus.stop()
  cygnus.start({ NODE_OPTIONS: `--import=${BLOCKER}` })
  await ready(cygnus)
  process.kill(cygnus.pid, 'SIGUSR2')
  const [askedMs, blockedMs] = [performance.now(), Date.now()]
  const asked = Array.from({ length: 50 }, async () => {
    const answer = await raw(
      socketOf(cygnus, 'meshd'),
      request('POST', '/v1/executions', BODY),
      20_000,
    )
    return { text: bodyOf(answer), tookMs: performance.now() - askedMs }
  })
  const answers = await Promise.all(asked)
  const codes = new Map<string, number>()
  for (const { text, tookMs } of answers) {
    const view = JSON.parse(text) as DecisionView
    // Looked at again once the loop went on: the lease of an allow lasted until then.
    if (view.decision && tookMs > BLOCK_MS / 2)
      assert.ok(Date.parse(view.leaseUntil ?? '') > blockedMs + BLOCK_MS - SLACK_MS, text)
    const code = view.code ?? 'allowed'
    codes.set(code, (codes.get(code) ?? 0) + 1)
  }
  assert.ok(Math.max(...answers.map(({ tookMs }) => tookMs)) > BLOCK_MS / 2, 'it was blocked')
  await ready(cygnus)
  assert.equal((await authorize(cygnus)).code, null)
  const says = [...codes].map(([code, count]) => `${count} ${code}`).join(', ')
  row(t, 11, `blocked for ${BLOCK_MS} ms: 50 of 50 answered (${says}), 0 past their lease`)
})

test('a second daemon on the same data is refused, and the first one does not notice', async (t) => {
  const second = await cygnus.run('start')
  assert.notEqual(second.status, 0)
  assert.match(second.stderr, /NOT_READY|CONFLICT|in use|answers already/)
  const journal = await callsDuring(cygnus, 2, () => cygnus.run('start'))
  assert.deepEqual([...journal.denied.keys()], [])
  row(
    t,
    29,
    `second daemon: exit ${second.status}; ${journal.allowed.length} allowed meanwhile, 0 denied`,
  )
})
