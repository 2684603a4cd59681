/**
 * kill -9 under load, over and over: whatever was answered is in the log after
 * the next start, and that log verifies. The callers' journal is held against
 * the log itself, read from the disk, and against what the checkers of the
 * simulation say of its exports.
 */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import type { Host } from '../../src/cli/stage.ts'
import type { RecordId } from '../../src/core/id.ts'
import { grant, Lab } from '../e2e/lab.ts'
import type { Audit } from '../lab/audited.ts'
import { callsDuring, logged, lostOf } from '../lab/callers.ts'
import { exported, nothingFound } from '../lab/exported.ts'
import { row } from '../lab/row.ts'

const ROUNDS = process.env['MESHD_LAB'] === 'long' ? 200 : 15
const CALLERS = 8
/** Of a start with its boot check, on a machine that is busy with others. */
const READY_MS_MAX = 60_000

const lab = new Lab()
let host: Host

before(async () => {
  ;[host] = (await lab.mesh(['atlas'], '2s')) as [Host]
  await grant(host)
})

after(() => lab[Symbol.asyncDispose]())

/** @throws with what the daemon said last */
async function started(): Promise<void> {
  await host.answers(READY_MS_MAX)
  await host.do('wait', '--for', 'ready', '--timeout', `${READY_MS_MAX}ms`)
}

const pause = (ms: number) => new Promise((over) => setTimeout(over, ms))

test(`of ${ROUNDS} kills under load none loses an allow that was answered`, async (t) => {
  const all: string[] = []
  const readyMs: number[] = []
  const audits: Audit[] = []
  for (let round = 0; round < ROUNDS; round += 1) {
    const { allowed } = await callsDuring(host, CALLERS, async () => {
      await pause(50 + ((round * 137) % 400))
      await host.stop('SIGKILL')
    })
    all.push(...allowed)
    // In some of the rounds: reading the log takes longer than a round.
    if (round % 10 === 0) assert.deepEqual(lostOf(allowed, await logged(host)), [], `in ${round}`)
    const beganMs = performance.now()
    host.start()
    await started()
    readyMs.push(performance.now() - beganMs)
    if (round % Math.ceil(ROUNDS / 3) === 0) audits.push(await exported(host))
  }
  audits.push(await exported(host))
  await host.do('audit', 'verify')
  await host.stop('SIGKILL')
  assert.deepEqual(lostOf(all, await logged(host)), [])
  assert.equal(new Set(all).size, all.length, 'no record is given twice')
  assert.ok(all.length > ROUNDS, `${all.length} allows`)
  const [{ node }] = audits as [Audit]
  nothingFound(
    audits,
    all.map((id) => ({ node, id: id as RecordId })),
  )
  const sorted = readyMs.toSorted((a, b) => a - b)
  const at = (share: number) => (sorted[Math.floor((sorted.length - 1) * share)] ?? 0).toFixed(0)
  const ready = `ready p50 ${at(0.5)}, p99 ${at(0.99)} ms`
  row(t, 1, `0 lost of ${all.length} acknowledged in ${ROUNDS} kills, ${ready}`)
})
