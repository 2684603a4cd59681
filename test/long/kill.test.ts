/**
 * kill -9 under load, over and over (FAULTS 1, 3, 7): whatever was answered is
 * in the log after the next start, and that log verifies.
 */
import assert from 'node:assert/strict'
import http from 'node:http'
import { after, before, test } from 'node:test'
import type { Host } from '../../src/cli/stage.ts'
import type { DecisionView } from '../../src/client/types.ts'
import type { RecordId } from '../../src/core/id.ts'
import { grant, Lab } from '../e2e/lab.ts'
import { bodyOf, raw, request, socketOf, statusOf } from '../e2e/raw.ts'
import type { Audit } from '../lab/audited.ts'
import { exported, nothingFound } from '../lab/exported.ts'
import { row } from '../lab/row.ts'

const ROUNDS = 15
const CALLERS = 8

const lab = new Lab()
let host: Host

before(async () => {
  ;[host] = (await lab.mesh(['atlas'], '2s')) as [Host]
  await grant(host)
})

after(() => lab[Symbol.asyncDispose]())

const BODY = '{"action":{"name":"job:deploy"},"resource":{"type":"env","id":"staging"}}'

/** null: no answer, which may or may not have been decided. */
function decide(agent: http.Agent): Promise<DecisionView | null> {
  return new Promise((done) => {
    const call = http.request(
      {
        ...{ agent, socketPath: socketOf(host, 'meshd'), method: 'POST', path: '/v1/executions' },
        headers: { 'content-type': 'application/json', 'content-length': BODY.length },
      },
      (response) => {
        let text = ''
        response.on('data', (chunk) => {
          text += chunk
        })
        response.on('error', () => done(null))
        response.on('close', () => {
          done(response.complete ? (JSON.parse(text) as DecisionView) : null)
        })
      },
    )
    call.on('error', () => done(null))
    call.end(BODY)
  })
}

/** Decides on every connection until the daemon is gone; gives the ids of all that was allowed. */
async function underLoad(killAfterMs: number): Promise<string[]> {
  const allowed: string[] = []
  const agent = new http.Agent({ keepAlive: true, maxSockets: CALLERS })
  let killed = false
  const caller = async () => {
    while (!killed) {
      const decision = await decide(agent)
      if (decision?.decision === true && decision.id !== null) allowed.push(decision.id)
    }
  }
  const callers = Array.from({ length: CALLERS }, caller)
  await new Promise((over) => setTimeout(over, killAfterMs))
  process.kill(host.pid, 'SIGKILL')
  killed = true
  await Promise.all(callers)
  agent.destroy()
  return allowed
}

test(`of ${ROUNDS} kills under load none loses an allow that was answered`, async (t) => {
  const all: string[] = []
  const audits: Audit[] = []
  for (let round = 0; round < ROUNDS; round += 1) {
    const allowed = await underLoad(50 + ((round * 137) % 400))
    await host.stop('SIGKILL')
    host.start()
    await host.do('wait', '--for', 'ready', '--timeout', '20s')
    await host.do('audit', 'verify')
    // The last ones are the ones at risk; all of them are looked up at the end.
    all.push(...allowed)
    for (const id of allowed.slice(-20))
      assert.equal(
        statusOf(await raw(socketOf(host, 'read'), request('GET', `/v1/records/${id}`))),
        200,
        `round ${round}: ${id} is gone`,
      )
    if (round % 5 === 4) audits.push(await exported(host))
  }
  assert.ok(all.length > ROUNDS * 20, `${all.length} allows`)
  assert.equal(new Set(all).size, all.length)
  for (const id of all.filter((_, i) => i % 10 === 0)) {
    const answer = await raw(socketOf(host, 'read'), request('GET', `/v1/records/${id}`))
    assert.match(bodyOf(answer), /"effect":"allow"/)
  }
  const [{ node }] = audits as [Audit]
  nothingFound(
    audits,
    all.map((id) => ({ node, id: id as RecordId })),
  )
  row(t, 1, `0 of ${all.length} allows lost that were answered, in ${ROUNDS} kills under load`)
})
