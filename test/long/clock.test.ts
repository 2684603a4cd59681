/**
 * Clocks that cannot be trusted, on real daemons (FAULTS 8, 38 to 40, 43): one an
 * hour ahead or behind, one that is stepped, and a process that stood still.
 */
import assert from 'node:assert/strict'
import { renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import type { Host } from '../../src/cli/stage.ts'
import type { DecisionView } from '../../src/client/types.ts'
import { ASK, authorize, eventually, grant, Lab, status } from '../e2e/lab.ts'
import { bodyOf, raw, request, socketOf } from '../e2e/raw.ts'
import { row } from '../lab/row.ts'
import { installed } from './packages.ts'

const STALENESS_MS = 4_000
const FAKETIME = installed(
  ['x86_64', 'aarch64'].map((cpu) => `/usr/lib/${cpu}-linux-gnu/faketime/libfaketimeMT.so.1`),
  'libfaketime',
)
const skip = FAKETIME === null && 'no libfaketime here, and it could not be installed'

const lab = new Lab()
let [atlas, borealis, cygnus] = [] as Host[] as [Host, Host, Host]
let offset = ''

before(async () => {
  const names = ['atlas', 'borealis', 'cygnus']
  const hosts = await lab.mesh(names, `${STALENESS_MS}ms`)
  ;[atlas, borealis, cygnus] = hosts as [Host, Host, Host]
  offset = join(lab.dir, 'offset')
  await grant(cygnus)
  assert.equal((await authorize(cygnus)).code, null)
})

after(() => lab[Symbol.asyncDispose]())

/** Only the wall clock; timers and the monotonic clock run on. */
function steps(by: string): void {
  writeFileSync(`${offset}.new`, `${by}\n`)
  renameSync(`${offset}.new`, offset)
}

function restarted(by: string): Promise<void> {
  steps(by)
  return restartedWith({ FAKETIME_TIMESTAMP_FILE: offset, FAKETIME_NO_CACHE: '1' })
}

async function restartedWith(faked: Readonly<Record<string, string>>): Promise<void> {
  await cygnus.stop('SIGKILL')
  cygnus.start({
    ...faked,
    LD_PRELOAD: FAKETIME ?? '',
    DONT_FAKE_MONOTONIC: '1',
    FAKETIME_DONT_FAKE_MONOTONIC: '1',
  })
  await cygnus.answers()
}

const DOUBT = ['CLOCK_UNTRUSTED', 'GOVERNANCE_STALE', 'EXPIRED', 'NOT_YET_VALID']

/** Asked again and again for so long, it never allows. */
async function denies(ms: number): Promise<DecisionView['code'][]> {
  const untilMs = performance.now() + ms
  const codes = new Set<DecisionView['code']>()
  while (performance.now() < untilMs) {
    const { decision, code } = await authorize(cygnus)
    assert.equal(decision, false)
    codes.add(code)
  }
  return [...codes]
}

for (const by of ['+1h', '-1h'])
  test(`a node whose clock is off by ${by} denies, and says why`, { skip }, async (t) => {
    await restarted(by)
    const codes = await denies(STALENESS_MS)
    assert.ok(
      codes.every((code) => code !== null && DOUBT.includes(code)),
      codes.join(),
    )
    const { ready, notReady } = await status(cygnus)
    assert.equal(ready, false)
    assert.match(notReady.join('\n'), /CLOCK_UNTRUSTED|GOVERNANCE_STALE/)
    assert.equal((await authorize(cygnus)).decision, false)
    if (by === '-1h') row(t, 40, `started ${by}: 0 allows, ${codes.join()}`)
  })

test('with a right clock again it is ready without a restart', { skip }, async () => {
  steps('+0')
  await cygnus.do('wait', '--for', 'ready', '--timeout', '20s')
  assert.equal((await authorize(cygnus)).code, null)
})

for (const by of ['-30s', '+5d'])
  test(`a step of ${by} while it runs empties the lease`, { skip }, async (t) => {
    steps(by)
    const denied = await eventually(
      'denied',
      () => authorize(cygnus),
      ({ decision }) => decision === false,
      2_000,
    )
    assert.ok(DOUBT.includes(denied.code ?? ''), `${denied.code} ${denied.detail}`)
    const codes = await denies(1_000)
    steps('+0')
    await cygnus.do('wait', '--for', 'ready', '--timeout', '20s')
    row(t, 38, `${by}: 0 allows, ${codes.join()}`)
  })

/** Asked again and again while its peers stand still: how long after that it was last asked in time to allow. */
async function allowedAlone(): Promise<{ allows: number; lastMs: number; codes: Set<unknown> }> {
  const codes = new Set<DecisionView['code']>()
  let [allows, lastMs] = [0, 0]
  for (const each of [atlas, borealis]) process.kill(each.pid, 'SIGSTOP')
  try {
    const beganMs = performance.now()
    for (let askedMs = 0; askedMs < 2 * STALENESS_MS; askedMs = performance.now() - beganMs) {
      const { decision, code } = await authorize(cygnus)
      codes.add(code)
      if (!decision) continue
      allows += 1
      lastMs = askedMs
    }
  } finally {
    for (const each of [atlas, borealis]) process.kill(each.pid, 'SIGCONT')
  }
  return { allows, lastMs, codes }
}

for (const rate of ['1.1', '10', '0.1'])
  test(`a wall clock that runs ${rate} times as fast lengthens no lease`, { skip }, async (t) => {
    await restartedWith({ FAKETIME: `+0 x${rate}` })
    // One that is nearly right is believed for a while; the others are wrong within a second.
    if (rate === '1.1')
      await eventually(
        'allowed',
        () => authorize(cygnus),
        ({ decision }) => decision,
        30_000,
      )
    const { allows, lastMs, codes } = await allowedAlone()
    assert.ok(lastMs < STALENESS_MS, `allowed after ${lastMs} ms alone`)
    assert.ok(allows > 0 || rate !== '1.1')
    codes.delete(null)
    assert.ok(codes.size > 0 && [...codes].every((code) => DOUBT.includes(String(code))))
    const says = `${allows} allows, the last ${lastMs.toFixed(0)} ms alone, then ${[...codes].join()}`
    row(t, 39, `x${rate}: 0 wrong of ${says}`)
  })

test('one that runs at the right speed again allows', { skip }, async () => {
  await restarted('+0')
  await cygnus.do('wait', '--for', 'ready', '--timeout', '30s')
  assert.equal((await authorize(cygnus)).code, null)
})

test('a process that stood still longer than its lease allows nothing before it is renewed', async (t) => {
  await cygnus.do('wait', '--for', 'ready', '--timeout', '20s')
  const body = '{"action":{"name":"job:deploy"},"resource":{"type":"env","id":"staging"}}'
  process.kill(cygnus.pid, 'SIGSTOP')
  // Nobody can renew it: what it allows after waking up rests on what it had before.
  for (const each of [atlas, borealis]) process.kill(each.pid, 'SIGSTOP')
  const asked = Array.from({ length: 20 }, () =>
    raw(socketOf(cygnus, 'meshd'), request('POST', '/v1/executions', body), 4 * STALENESS_MS),
  )
  await new Promise((over) => setTimeout(over, 2 * STALENESS_MS))
  process.kill(cygnus.pid, 'SIGCONT')
  for (const answer of await Promise.all(asked))
    assert.doesNotMatch(bodyOf(answer), /"decision":true/)
  const { decision, code } = await authorize(cygnus)
  assert.deepEqual([decision, code], [false, 'GOVERNANCE_STALE'])
  for (const each of [atlas, borealis]) process.kill(each.pid, 'SIGCONT')
  await cygnus.do('wait', '--for', 'ready', '--timeout', '20s')
  assert.equal((await cygnus.run('authorize', ...ASK)).status, 0)
  await cygnus.do('audit', 'verify')
  row(t, 8, `0 stale allows of ${asked.length} asked across a pause of ${2 * STALENESS_MS} ms`)
  row(t, 43, '0 allows before the lease was renewed')
})
