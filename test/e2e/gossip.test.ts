/**
 * Gossip is a hint that may fall silent (FACTS 3.2); the truth comes by sync.
 * All its streams reset at once, a node that joins late, a partition that heals.
 */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import type { Host } from '../../src/cli/stage.ts'
import { gossips } from '../../src/network/gossip.ts'
import { row } from '../lab/row.ts'
import { Embedded } from './embedded.ts'
import { authorize, eventually, grant, join, Lab, status } from './lab.ts'

const lab = new Lab()
const embedded = new Map<string, Embedded>()
let last: Promise<unknown> = Promise.resolve()
let [atlas, borealis, cygnus] = [] as Host[] as [Host, Host, Host]

/** In turn: two at once would narrow each other's umask. */
function start(host: Host): Promise<void> {
  const started = last.then(async () => {
    embedded.set(host.name, await Embedded.start(host))
  })
  last = started
  return started
}

before(async () => {
  const names = ['atlas', 'borealis', 'cygnus']
  ;[atlas, borealis, cygnus] = (await lab.mesh(names, '5s', start)) as [Host, Host, Host]
})

after(async () => {
  for (const each of embedded.values()) await each[Symbol.asyncDispose]()
  await lab[Symbol.asyncDispose]()
})

const digest = async (of: Host) => (await status(of)).governance.digest

async function agreed(...hosts: readonly Host[]): Promise<void> {
  await eventually(
    'one digest',
    () => Promise.all(hosts.map(digest)),
    (all) => new Set(all).size === 1,
  )
}

const connections = () =>
  [...embedded.values()].flatMap(({ host: libp2p }) => libp2p.getConnections())

/** All three know each other, and gossip flows both ways between each two. */
async function whole(): Promise<boolean> {
  const peers = [...embedded.values()].map(({ daemon }) => daemon.network.peers().length)
  return peers.every((count) => count === 2) && connections().every(gossips)
}

/** Every gossip stream of every node, in both directions, ends now. */
function resetGossip(): number {
  const streams = connections().flatMap(({ streams: all }) =>
    all.filter(({ protocol }) => protocol.startsWith('/meshsub/')),
  )
  for (const stream of streams) stream.abort(new Error('reset by the test'))
  return streams.length
}

test('decisions and revocations flow again within 10 s after all gossip streams are reset', async () => {
  const cid = await grant(cygnus)
  assert.equal((await authorize(cygnus)).code, null)
  await eventually('gossip', whole, Boolean)
  assert.ok(resetGossip() >= 6)
  assert.equal(connections().some(gossips), false)
  const startedMs = performance.now()
  // By sync and push alone, while there is no gossip.
  await atlas.do('revoke', cid, '-m', 'INC-1', '--yes', '--wait=all')
  assert.equal((await authorize(cygnus)).code, 'REVOKED')
  await eventually('gossip anew', whole, Boolean)
  assert.ok(performance.now() - startedMs < 10_000)
  const next = await grant(cygnus)
  assert.equal((await authorize(cygnus)).code, null)
  await borealis.do('revoke', next, '--yes', '--wait=all')
  assert.equal((await authorize(cygnus)).code, 'REVOKED')
})

test('a node that joins late holds what all hold', async () => {
  const dorado = lab.host('dorado')
  await start(dorado)
  await join(borealis, dorado).then(
    () => assert.fail('only where an admitter key is are invites made'),
    ({ message }: Error) => assert.match(message, /KEY_UNAVAILABLE|ROLE_MISSING/),
  )
  await join(atlas, dorado)
  await dorado.do('wait', '--for', 'ready', '--timeout', '20s')
  await agreed(atlas, borealis, cygnus, dorado)
})

test('a partition that heals leaves one governance, with what was said on both sides', async (t) => {
  await cygnus.do('peer', 'isolate')
  await atlas.do('freeze', 'action:one', '--yes', '--wait=committed')
  await cygnus.do('freeze', 'action:two', '--yes', '--wait=none')
  const stale = await eventually(
    'the lease ends',
    () => authorize(cygnus),
    ({ code }) => code === 'GOVERNANCE_STALE',
  )
  assert.equal(stale.decision, false)
  assert.notEqual(await digest(atlas), await digest(cygnus))
  await cygnus.do('peer', 'isolate', '--off')
  await agreed(...lab.hosts)
  const { items } = await borealis.ask<{ items: readonly unknown[] }>('mesh', 'drift')
  assert.deepEqual(items, [])
  row(t, 44, 'a node isolated: denies, and one governance after it heals')
})

test('no node of it told of a fault', () => {
  const lines = [...embedded.values()].flatMap(({ said }) => said)
  const bad = lines.filter((line) => /a fault|"level":"error"|a record was lost/.test(line))
  assert.deepEqual(bad, [])
})
