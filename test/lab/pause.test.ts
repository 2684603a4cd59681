/**
 * A process that is stopped while it decides, and a machine that is suspended, in a mesh of three:
 * what was decided before is not used when it wakes up (FAULTS 8, 43).
 */
import assert from 'node:assert/strict'
import { closeSync, openSync, renameSync, writeFileSync, writeSync } from 'node:fs'
import http from 'node:http'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import type { Host } from '../../src/cli/stage.ts'
import type { DecisionView } from '../../src/client/types.ts'
import { SKEW_DEFAULT_MS, STALENESS_MS_MIN } from '../../src/core/limits.ts'
import { authorize, eventually, grant, Lab } from '../e2e/lab.ts'
import { decide } from './callers.ts'
import { row } from './row.ts'
import { built, LONG, shim, skip } from './shim.ts'

/** As short as it may be: a pause can be longer, and end before the deadline of what it interrupts. */
const STALENESS_MS = STALENESS_MS_MIN
/** Each decision takes so long in the middle: for its record. */
const SYNC_MS = 100
const CALLERS = 16
/** Of the clocks of two processes that are read one after the other. */
const SLACK_MS = 100

const lab = new Lab()
let [atlas, borealis, cygnus] = [] as Host[] as [Host, Host, Host]
const suspension = built('suspend')
let stoodStillMs = 0
/** What cygnus allows. */
let held = ''

before(async () => {
  if (skip !== false) return
  const hosts = await lab.mesh(['atlas', 'borealis', 'cygnus'], `${STALENESS_MS}ms`)
  ;[atlas, borealis, cygnus] = hosts as [Host, Host, Host]
  held = await grant(cygnus)
  await cygnus.stop()
  disk('')
  stoodStill(0)
  cygnus.start({
    LD_PRELOAD: `${shim} ${suspension}`,
    ...{ PF_DIR: join(cygnus.dir, 'data'), PF_CONTROL: place('disk') },
    SUSPEND_FILE: place('suspend'),
  })
  await cygnus.answers()
})

after(() => lab[Symbol.asyncDispose]())

const place = (name: string) => join(lab.dir, name)
const pause = (ms: number) => new Promise((over) => setTimeout(over, ms))
const serves = () =>
  eventually(
    'allowed',
    () => authorize(cygnus),
    ({ decision }) => decision,
    60_000,
  )

function disk(does: string): void {
  writeFileSync(`${place('disk')}.new`, does)
  renameSync(`${place('disk')}.new`, place('disk'))
}

/** For so much longer; the file stays what the process has mapped. */
function stoodStill(ms: number): void {
  stoodStillMs += ms
  const file = openSync(place('suspend'), 'a')
  closeSync(file)
  const writable = openSync(place('suspend'), 'r+')
  const ns = Buffer.from(BigInt64Array.of(BigInt(stoodStillMs) * 1_000_000n).buffer)
  writeSync(writable, ns, 0, ns.length, 0)
  closeSync(writable)
}

function signal(hosts: readonly Host[], name: NodeJS.Signals): void {
  for (const each of hosts) process.kill(each.pid, name)
}

/** By the clock of the wall. */
interface Answer {
  readonly askedMs: number
  readonly gotMs: number
  readonly view: DecisionView
}

/** Asks on all connections until it is told to end; gives what came back. */
async function asking(over: () => boolean): Promise<readonly Answer[]> {
  const answers: Answer[] = []
  const agent = new http.Agent({ keepAlive: true, maxSockets: CALLERS })
  const caller = async () => {
    while (!over()) {
      const askedMs = Date.now()
      const view = await decide(cygnus, agent)
      if (view !== null) answers.push({ askedMs, gotMs: Date.now(), view })
    }
  }
  await Promise.all(Array.from({ length: CALLERS }, caller))
  agent.destroy()
  return answers
}

const untilMs = ({ view }: Answer) => Date.parse(view.leaseUntil ?? '')

/** `12 GOVERNANCE_STALE, 4 DEADLINE` */
function codesOf(answers: readonly Answer[]): string {
  const codes = Map.groupBy(answers, ({ view }) => view.code ?? 'allowed')
  return [...codes].map(([code, { length }]) => `${length} ${code}`).join(', ')
}

const PAUSES_MS = [1.2 * STALENESS_MS, 4_000, ...(LONG ? [60_000] : [])]

for (const ms of PAUSES_MS)
  test(`stopped for ${ms} ms in the middle of decisions it allows on no lease that is over`, {
    skip,
  }, async (t) => {
    await serves()
    disk(`delay ${SYNC_MS}`)
    let over = false
    const asked = asking(() => over)
    await pause(4 * SYNC_MS)
    // Nobody can renew it: what it allows after waking up rests on what it had before.
    signal([atlas, borealis], 'SIGSTOP')
    const stoppedMs = Date.now()
    signal([cygnus], 'SIGSTOP')
    await pause(ms)
    const wokenMs = Date.now()
    signal([cygnus], 'SIGCONT')
    await pause(4 * SYNC_MS)
    over = true
    const answers = (await asked).filter(({ gotMs }) => gotMs >= wokenMs)
    signal([atlas, borealis], 'SIGCONT')
    disk('')

    const middle = answers.filter(({ askedMs }) => askedMs < stoppedMs)
    assert.ok(middle.length > 0, 'it was stopped in the middle')
    const allows = answers.filter(({ view }) => view.decision)
    // A caller takes none that comes after its own lease (client.test.ts).
    const used = allows.filter((each) => each.gotMs < untilMs(each))
    const stale = used.filter(({ gotMs }) => gotMs > stoppedMs + STALENESS_MS + SLACK_MS)
    assert.deepEqual(stale, [])
    await serves()
    row(
      t,
      8,
      `${ms} ms: 0 stale allows; ${middle.length} in the middle (${codesOf(middle)}), ${answers.length - middle.length} after it (${codesOf(answers.filter((each) => !middle.includes(each)))}); ${allows.length - used.length} came too late by their lease`,
    )
  })

/** So long that nothing of before holds any more, by any clock within the skew. */
const SUSPENDED_MS = STALENESS_MS + 2 * SKEW_DEFAULT_MS + SLACK_MS

/** Everything in it stands still; the wall clock does not. */
async function suspended(meanwhile: () => Promise<unknown>): Promise<void> {
  signal([cygnus], 'SIGSTOP')
  const beganMs = performance.now()
  await meanwhile()
  await pause(SUSPENDED_MS)
  stoodStill(Math.round(performance.now() - beganMs))
  signal([cygnus], 'SIGCONT')
}

test('a machine that was suspended allows nothing before its lease is renewed', {
  skip,
}, async (t) => {
  await serves()
  await suspended(async () => signal([atlas, borealis], 'SIGSTOP'))
  const endMs = performance.now() + 2_000
  const answers = await asking(() => performance.now() > endMs)
  signal([atlas, borealis], 'SIGCONT')
  assert.ok(answers.length > CALLERS)
  assert.deepEqual(
    answers.filter(({ view }) => view.decision),
    [],
  )
  const beganMs = performance.now()
  await serves()
  const s = ((performance.now() - beganMs) / 1000).toFixed(1)
  row(
    t,
    43,
    `${SUSPENDED_MS} ms: 0 allows before renewal of ${answers.length} asked (${codesOf(answers)}); allows again ${s} s after its peers do`,
  )
})

test('what was revoked while a machine was suspended is never allowed there again', {
  skip,
}, async (t) => {
  await serves()
  await suspended(() =>
    atlas.do('revoke', held, '-m', 'INC-8', '--yes', '--wait=committed', '--timeout', '20s'),
  )
  const endMs = performance.now() + 3_000
  const answers = await asking(() => performance.now() > endMs)
  assert.deepEqual(
    answers.filter(({ view }) => view.decision),
    [],
  )
  row(t, 43, `revoked meanwhile: 0 allows of ${answers.length} asked (${codesOf(answers)})`)
})
