/**
 * Many daemons at once, daemons that come and go, all of them restarted in
 * turn, and addresses that lead nowhere (FAULTS 54 to 57).
 */
import assert from 'node:assert/strict'
import { readFileSync, writeFileSync } from 'node:fs'
import http from 'node:http'
import { test } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import type { Host } from '../../src/cli/stage.ts'
import { agreed, authorize, grant, Lab, status } from '../e2e/lab.ts'
import { decide, logged, lostOf } from './callers.ts'
import { handlesOf, rssOf } from './gauges.ts'
import { RelayedLab } from './relay.ts'
import { row } from './row.ts'
import { LONG } from './shim.ts'

const WITNESSES = ['atlas', 'borealis', 'cygnus'] as const
const seconds = (fromMs: number) => Math.round((performance.now() - fromMs) / 100) / 10
const ready = (host: Host) => host.do('wait', '--for', 'ready', '--timeout', '60s')

/** Two cores have much to do for so many: a hello that gets no answer in time is said again by the command itself. */
async function join(member: Host, newcomer: Host): Promise<void> {
  const invite = await member.do('invite', 'create', '--name', newcomer.name, '-o', 'id')
  await newcomer.do('peer', 'join', invite.trim(), '--timeout', '60s')
}

test('daemons that start and join at once are all ready, and agree', async (t) => {
  await using lab = new Lab()
  const [atlas] = (await lab.mesh(WITNESSES, '20s')) as [Host]
  const many = LONG ? 20 : 8
  const crowd = Array.from({ length: many - WITNESSES.length }, (_, n) => lab.host(`node-${n}`))
  const beganMs = performance.now()
  for (const host of crowd) host.start()
  await Promise.all(crowd.map((host) => host.answers(60_000)))
  await Promise.all(crowd.map((host) => join(atlas, host)))
  await Promise.all(crowd.map(ready))
  const readyS = seconds(beganMs)
  const agreedS = await agreed(...lab.hosts)
  row(
    t,
    54,
    `${many} daemons, ${crowd.length} of them started and joined at once: all ready in ${readyS} s, one governance ${agreedS} s later`,
  )
})

/** Three witnesses behind relays, and somebody who may ask atlas. */
async function trio(): Promise<[RelayedLab, [Host, Host, Host]]> {
  const lab = await RelayedLab.open(WITNESSES)
  const hosts = (await lab.mesh(WITNESSES, '20s')) as [Host, Host, Host]
  await grant(hosts[0])
  return [lab, hosts]
}

/** How many of those asked there while that runs are allowed. */
async function askedWhile(host: Host, run: () => Promise<void>) {
  const seen = { asked: 0, allowed: 0 }
  let over = false
  const asking = (async () => {
    while (!over) {
      const { decision } = await authorize(host)
      seen.asked += 1
      if (decision) seen.allowed += 1
    }
  })()
  try {
    await run()
  } finally {
    over = true
    await asking
  }
  return seen
}

async function restart(host: Host): Promise<void> {
  await host.stop()
  host.start()
  await ready(host)
}

/** A tenth of them each second; what is long takes as long as the row says. */
const CHURN = { everyMs: 2_000, ms: LONG ? 300_000 : 20_000 }
const CALL_EVERY_MS = 50

/** Asked now and then while that runs: the records of what was allowed. */
async function allowedDuring(host: Host, run: () => Promise<void>): Promise<readonly string[]> {
  const agent = new http.Agent({ keepAlive: true })
  const ids: string[] = []
  let over = false
  const asking = (async () => {
    while (!over) {
      const answer = await decide(host, agent)
      if (answer?.decision === true && answer.id !== null) ids.push(answer.id)
      await pause(CALL_EVERY_MS)
    }
  })()
  try {
    await run()
  } finally {
    over = true
    await asking
    agent.destroy()
  }
  return ids
}

test('while one of five is killed every two seconds, what is signed reaches all, and nothing that was allowed is lost', async (t) => {
  await using lab = new Lab()
  const hosts = await lab.mesh([...WITNESSES, 'draco', 'eridanus'], '20s')
  const [atlas, ...coming] = hosts as [Host, ...Host[]]
  await grant(atlas)
  const [rssBefore, handlesBefore] = [rssOf(atlas), handlesOf(atlas)]
  let kills = 0
  const allowed = await allowedDuring(atlas, async () => {
    for (const endMs = performance.now() + CHURN.ms; performance.now() < endMs; kills += 1) {
      const nextMs = performance.now() + CHURN.everyMs
      const host = coming[kills % coming.length] as Host
      await host.stop('SIGKILL')
      host.start()
      await atlas.do('freeze', `action:churn-${kills}`, '--yes', '--wait=none')
      await pause(Math.max(0, nextMs - performance.now()))
    }
  })
  const lastMs = performance.now()
  await Promise.all(coming.map((host) => host.answers(60_000)))
  await agreed(...hosts)
  const one = seconds(lastMs)
  for (const host of hosts) assert.equal((await status(host)).governance.freezes, kills)
  await Promise.all(hosts.map(ready))
  const [rss, handles] = [rssOf(atlas) - rssBefore, handlesOf(atlas) - handlesBefore]
  await atlas.stop()
  assert.ok(allowed.length > 0)
  assert.deepEqual(lostOf(allowed, await logged(atlas)), [])
  row(
    t,
    55,
    `10 % a second of ${hosts.length} daemons for ${CHURN.ms / 1_000} s: ${kills} killed and back, one governance with all ${kills} statements ${one} s after; of the one that stayed 0 lost of ${allowed.length} allowed, RSS ${rss} MiB, ${handles} handles more`,
  )
})

test('while all are restarted in turn, those that are there allow', async (t) => {
  const [lab, hosts] = await trio()
  await using _ = lab
  const [atlas, borealis, cygnus] = hosts
  const { asked, allowed } = await askedWhile(atlas, async () => {
    for (const host of [borealis, cygnus]) await restart(host)
  })
  assert.ok(allowed > 0)
  await restart(atlas)
  assert.equal((await authorize(atlas)).code, null)
  row(
    t,
    56,
    `the others restarted in turn: ${allowed} of ${asked} allowed meanwhile; then the asker, and it allows again`,
  )
})

test('a node that moved is found by what the others know, though its old address is dead and its new name is none', async (t) => {
  const [lab, hosts] = await trio()
  await using _ = lab
  const [atlas, , cygnus] = hosts
  await cygnus.stop()
  await atlas.stop()
  lab.close('atlas')
  const config = atlas.env['MESHD_CONFIG'] as string
  const announce = 'announce: [/dns4/no-such-host.invalid/tcp/4717]'
  writeFileSync(config, readFileSync(config, 'utf8').replace(/announce: \[[^\]]*\]/, announce))
  atlas.start()
  cygnus.start()
  const beganMs = performance.now()
  await Promise.all([ready(atlas), ready(cygnus)])
  const how = ['--yes', '--wait=committed', '--timeout', '40s']
  await atlas.do('freeze', 'action:dead', ...how)
  const one = await agreed(...hosts)
  row(
    t,
    57,
    `its address dead, its new one without DNS: all ready in ${seconds(beganMs)} s, one governance ${one} s later`,
  )
})
