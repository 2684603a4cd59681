/**
 * Three daemons on links that are thin, that stop reading, that are reset, that
 * vanish without a word, that come in pieces, that flap (FAULTS 49 to 53): one
 * bad link costs nobody else anything, and all agree soon after it is good.
 */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import type { Host } from '../../src/cli/stage.ts'
import { agreed, authorize, eventually, grant, status } from '../e2e/lab.ts'
import { cpuOf, rssOf } from './gauges.ts'
import { RelayedLab } from './relay.ts'
import { row } from './row.ts'

const NAMES = ['atlas', 'borealis', 'cygnus'] as const
/** A peer that does not answer is given up by then. */
const SILENT_MS = 30_000

let lab: RelayedLab
let [atlas, borealis, cygnus] = [] as Host[] as [Host, Host, Host]

before(async () => {
  lab = await RelayedLab.open(NAMES)
  ;[atlas, borealis, cygnus] = (await lab.mesh(NAMES, '10s')) as [Host, Host, Host]
  await grant(atlas)
})

after(() => lab[Symbol.asyncDispose]())

const pause = (ms: number) => new Promise((done) => setTimeout(done, ms))
async function well(): Promise<void> {
  lab.heal()
  for (const host of lab.hosts) await host.do('wait', '--for', 'ready', '--timeout', '60s')
}

const links = async (of: Host) =>
  (await status(of)).peers.filter(({ link }) => link !== null).length

async function burst(count: number, name: string): Promise<void> {
  for (let i = 0; i < count; i += 1)
    await atlas.do('freeze', `action:${name}-${i}`, '-m', 'x'.repeat(500), '--yes', '--wait=none')
}

for (const [what, bytesPerS] of [
  ['that takes a kilobyte a second', 1_000],
  ['that reads nothing at all', 0],
] as const)
  test(`a peer ${what} keeps nobody else waiting, and no endless queue`, async (t) => {
    await well()
    const rssBefore = rssOf(atlas)
    const link = bytesPerS > 0 ? { bytesPerS } : { cut: true }
    for (const other of ['atlas', 'borealis']) lab.between(other, 'cygnus', link)
    const beganMs = performance.now()
    await burst(30, `thin-${bytesPerS}`)
    await agreed(atlas, borealis)
    const tookMs = Math.round(performance.now() - beganMs)
    assert.equal((await authorize(atlas)).code, null)
    const grown = rssOf(atlas) - rssBefore
    assert.ok(grown < 100, `${grown} MiB`)
    await well()
    const seconds = await agreed(...lab.hosts)
    row(
      t,
      49,
      `a peer ${what}: RSS +${grown} MiB, the others agreed on 30 statements in ${tookMs} ms; it caught up ${seconds} s after`,
    )
  })

test('connections that are reset now and then come back', async (t) => {
  await well()
  lab.all({ reset: 0.01 })
  await burst(10, 'reset')
  const under = await agreed(...lab.hosts)
  lab.heal()
  const ended = lab.reset()
  const beganMs = performance.now()
  await eventually(
    'linked again',
    () => Promise.all(lab.hosts.map(links)),
    (all) => all.every((n) => n === 2),
    40_000,
  )
  const seconds = Math.round((performance.now() - beganMs) / 100) / 10
  row(
    t,
    50,
    `1 % of packets reset: agreed in ${under} s; all ${ended} sockets reset at once: linked again in ${seconds} s`,
  )
})

test('a peer that vanishes without a word is noticed, and comes back', async (t) => {
  await well()
  await eventually(
    'linked',
    () => links(atlas),
    (count) => count === 2,
    40_000,
  )
  lab.isolate('cygnus')
  const beganMs = performance.now()
  await eventually(
    'noticed',
    () => links(atlas),
    (count) => count === 1,
    SILENT_MS,
  )
  const noticed = Math.round((performance.now() - beganMs) / 100) / 10
  lab.heal()
  const healedMs = performance.now()
  await eventually(
    'back',
    () => links(atlas),
    (count) => count === 2,
    40_000,
  )
  const back = Math.round((performance.now() - healedMs) / 100) / 10
  await agreed(...lab.hosts)
  row(
    t,
    51,
    `noticed after ${noticed} s (bound ${SILENT_MS / 1000}), linked again ${back} s after the heal`,
  )
})

test('bytes that come one by one, and in small pieces, say the same', async (t) => {
  await well()
  for (const segment of [1, 536]) {
    lab.all({ segment })
    lab.reset()
    await eventually(
      'linked',
      () => Promise.all(lab.hosts.map(links)),
      (all) => all.every((n) => n === 2),
      40_000,
    )
    await burst(3, `segment-${segment}`)
    const seconds = await agreed(...lab.hosts)
    row(t, 52, `segments of ${segment} bytes: linked anew and agreed in ${seconds} s`)
  }
})

test('bytes that are changed on the way end connections, and no daemon', async (t) => {
  await well()
  const pids = lab.hosts.map(({ pid }) => pid)
  lab.all({ corrupt: 0.05 })
  for (let i = 0; i < 15; i += 1) {
    await burst(1, `corrupt-${i}`)
    await pause(1_000)
  }
  await well()
  const seconds = await agreed(...lab.hosts)
  assert.deepEqual(
    lab.hosts.map(({ pid }) => pid),
    pids,
  )
  row(
    t,
    52,
    `a byte changed in 5 % of packets for 15 s: agreed ${seconds} s after, 0 daemons ended`,
  )
})

test('a link that flaps every second costs little, and all agree when it stays', async (t) => {
  await well()
  const cpu = cpuOf(cygnus)
  const beganMs = performance.now()
  for (let i = 0; i < 6; i += 1) {
    lab.isolate('cygnus')
    lab.reset()
    await pause(1_000)
    lab.heal()
    await burst(1, `flap-${i}`)
    await pause(1_000)
  }
  const share = Math.round(((cpuOf(cygnus) - cpu) / ((performance.now() - beganMs) / 1000)) * 100)
  const seconds = await agreed(...lab.hosts)
  row(t, 53, `6 flaps of 1 s: ${share} % of a core, agreed ${seconds} s after`)
})
