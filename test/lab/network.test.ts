/**
 * Three daemons, all witnesses, on a network that is cut, one-way, slow and
 * lossy (FAULTS 44 to 47): who is cut off denies by itself, nobody allows what
 * was revoked, and all agree soon after it heals.
 */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import type { Host } from '../../src/cli/stage.ts'
import { agreed, authorize, eventually, grant } from '../e2e/lab.ts'
import { type Link, RelayedLab } from './relay.ts'
import { row } from './row.ts'

const NAMES = ['atlas', 'borealis', 'cygnus'] as const
const STALENESS_MS = 5_000
/** T and twice the skew. */
const BOUND_MS = STALENESS_MS + 4_000

let lab: RelayedLab
let [atlas, borealis, cygnus] = [] as Host[] as [Host, Host, Host]

before(async () => {
  lab = await RelayedLab.open(NAMES)
  ;[atlas, borealis, cygnus] = (await lab.mesh(NAMES, '5s')) as [Host, Host, Host]
})

after(() => lab[Symbol.asyncDispose]())

async function well(): Promise<void> {
  lab.heal()
  for (const host of lab.hosts) await host.do('wait', '--for', 'ready', '--timeout', '60s')
}

/** Asks there until the time is over; allows that came later than lastMs. */
async function asked(host: Host, untilMs: number, lastMs: number) {
  const seen = { allows: 0, late: 0, lastAllowMs: 0 }
  while (performance.now() < untilMs) {
    const { decision } = await authorize(host)
    const nowMs = performance.now()
    if (!decision) continue
    seen.allows += 1
    seen.lastAllowMs = nowMs
    if (nowMs > lastMs) seen.late += 1
  }
  return seen
}

/** A thing to be revoked where it is asked for. @returns the id of an artifact */
async function granted(host: Host): Promise<string> {
  const cid = await grant(host)
  await eventually(
    'allowed',
    async () => (await authorize(host)).code,
    (code) => code === null,
    20_000,
  )
  return cid
}

for (const [what, way] of [
  ['cut off in both directions', 'both'],
  ['heard by nobody', 'from'],
  ['told nothing', 'to'],
] as const)
  test(`a node that is ${what} while its artifact is revoked allows nothing after the bound`, async (t) => {
    await well()
    const cid = await granted(cygnus)
    const cutMs = performance.now()
    for (const other of ['atlas', 'borealis']) {
      if (way !== 'to') lab.between('cygnus', other, { cut: true })
      if (way !== 'from') lab.between(other, 'cygnus', { cut: true })
    }
    const revoking = atlas.do('revoke', cid, '--yes', '--wait=committed', '--timeout', '20s')
    const committed = revoking.then(() => performance.now())
    const seen = await asked(cygnus, cutMs + BOUND_MS + 3_000, cutMs + BOUND_MS)
    const lateMs = seen.lastAllowMs - (await committed)
    assert.equal(seen.late, 0)
    assert.ok(lateMs <= BOUND_MS, `${lateMs} ms after the commit`)
    lab.heal()
    const healed = await agreed(atlas, borealis, cygnus)
    await eventually(
      'revoked there',
      async () => (await authorize(cygnus)).code,
      (code) => code === 'REVOKED',
      20_000,
    )
    const metric = `${what}: ${seen.late} stale allows, the last one ${Math.max(0, Math.round(lateMs))} ms after the commit (bound ${BOUND_MS}); healed in ${healed} s`
    if (way === 'both') row(t, 44, metric)
    else row(t, 45, metric)
  })

test('of two that cannot reach each other each learns all from the third', async (t) => {
  await well()
  lab.between('atlas', 'borealis', { cut: true })
  lab.between('borealis', 'atlas', { cut: true })
  const beganMs = performance.now()
  await atlas.do('freeze', 'action:bridge', '--yes', '--wait=none')
  await agreed(atlas, borealis, cygnus)
  row(t, 44, `a bridge: converged in ${Math.round(performance.now() - beganMs)} ms`)
})

test('where nobody reaches anybody, everybody denies; what each signed is everywhere once it heals', async (t) => {
  await well()
  await granted(atlas)
  lab.all({ cut: true })
  await Promise.all(
    lab.hosts.map((host) => host.do('freeze', `action:alone-${host.name}`, '--yes', '--wait=none')),
  )
  await eventually(
    'stale',
    async () => (await authorize(atlas)).code,
    (code) => code === 'GOVERNANCE_STALE',
    BOUND_MS + 5_000,
  )
  lab.heal()
  const seconds = await agreed(atlas, borealis, cygnus)
  row(t, 44, `nobody reaches anybody: all deny; converged ${seconds} s after the heal`)
})

/** What is signed on such a network: in force everywhere at once, or once the network is well again. */
async function signedOn(link: Link, name: string): Promise<string> {
  await well()
  lab.all(link)
  const tookMs: number[] = []
  for (let i = 0; i < 4; i += 1) {
    const beganMs = performance.now()
    const how = ['--yes', '--wait=all', '--timeout', '5s']
    const { status: code } = await atlas.run('freeze', `action:${name}-${i}`, ...how)
    if (code === 0) tookMs.push(Math.round(performance.now() - beganMs))
  }
  lab.heal()
  const healed = await agreed(...lab.hosts)
  const said = `${tookMs.length} of 4 applied by all within 5 s (${tookMs.join(', ')} ms)`
  return `${said}, one governance ${healed} s after it healed`
}

for (const loss of [0.05, 0.3, 0.6])
  test(`what is signed while ${loss * 100} % of packets are lost is everywhere in the end`, async (t) => {
    const metric = await signedOn({ loss, delayMs: 5 }, `loss-${loss * 100}`)
    row(t, 46, `${loss * 100} % of packets retransmitted: ${metric}`)
  })

for (const delayMs of [50, 500])
  test(`what is signed while every packet takes ${delayMs} ms and more is everywhere in the end`, async (t) => {
    const metric = await signedOn({ delayMs, jitterMs: delayMs / 2 }, `delay-${delayMs}`)
    row(t, 47, `${delayMs} to ${1.5 * delayMs} ms a packet: ${metric}`)
  })
