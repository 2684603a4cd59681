/** That the simulated network can do to nodes what the real one does (FAULTS.md section 3), and does it again from the same seed. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { textOf, utf8 } from '../../src/core/bytes.ts'
import { GOSSIP_BYTES_MAX } from '../../src/core/limits.ts'
import { SimLab } from '../ports/labs.ts'
import {
  admit,
  begin,
  connect,
  connected,
  full,
  type Node,
  spread,
  two,
} from '../ports/network-nodes.ts'
import { SimNetwork } from './network.ts'

const STORM = {
  delayMsMin: 5,
  delayMsMax: 400,
  loss: 0.3,
  gossipLoss: 0.4,
  duplicates: 0.3,
  reorder: 0.2,
}

test('streams are whole and in order in any weather, gossip is not', async () => {
  await using lab = new SimLab(3, STORM)
  const [a, b] = await two(lab)
  const asks = Array.from({ length: 16 }, (_, i) => utf8(`${i}`.padStart(2, '0')))
  const answers = await lab.run(
    Promise.allSettled(asks.map((ask) => a.network.ask(b.network.self, 'state', ask))),
  )
  assert.ok(answers.filter(({ status }) => status === 'fulfilled').length >= 12)
  assert.deepEqual(b.asked, b.asked.toSorted())
  const sent = Array.from({ length: 200 }, (_, i) => `g${`${i}`.padStart(3, '0')}`)
  for (const text of sent) {
    a.network.publish('statements', utf8(text))
    await lab.pass(20)
  }
  await lab.pass(2_000)
  assert.ok(b.heard.length > 80 && b.heard.length < 160, `${b.heard.length} of 200`)
  assert.notDeepEqual(b.heard, b.heard.toSorted())
  assert.equal(new Set(b.heard).size, b.heard.length, 'a repeat is not heard twice')
})

test('a partition is silent at first, then ends connections, and heals by redialling', async () => {
  await using lab = new SimLab()
  const [a, b] = await two(lab)
  lab.hub.partition(() => true)
  const lost = assert.rejects(a.network.ask(b.network.self, 'state', utf8('x')), {
    code: 'TIMEOUT',
  })
  await lab.pass(3_001)
  await lost
  assert.ok(connected(a, b))
  await lab.until(() => a.network.peers().length + b.network.peers().length === 0, 15_000)
  await lab.pass(60_000)
  lab.hub.heal()
  await lab.until(() => connected(a, b), 20_000)
  await spread(lab, a, [b], 'healed')
})

test('a link can pass one way alone', async () => {
  await using lab = new SimLab()
  const [a, b] = await two(lab)
  lab.hub.partition((from) => from === a.network.self)
  const lost = assert.rejects(b.network.ask(a.network.self, 'state', utf8('in')), {
    code: 'TIMEOUT',
  })
  await lab.pass(3_001)
  await lost
  assert.deepEqual(a.asked, ['in'])
})

test('a host that vanished and comes back supersedes its half-open connection', async () => {
  await using lab = new SimLab()
  const a = await begin(lab, 1)
  const b = await begin(lab, 2)
  admit(a, b)
  await connect(lab, a, b)
  assert.ok(b.network instanceof SimNetwork)
  b.network.vanish()
  await lab.pass(1_000)
  assert.equal(a.network.peers().length, 1, 'nobody told')
  const again = await begin(lab, 2)
  admit(a, again)
  assert.equal(await connect(lab, again, a), true)
  const peer = again.network.self
  assert.deepEqual(a.events, [`+${peer}`, `-${peer}`, `+${peer}`])
  assert.equal(textOf(await lab.run(a.network.ask(peer, 'state', utf8('alive')))), 'alive')
  await spread(lab, a, [again], 'found')
})

test('dead gossip on a living connection is healed by dropping it', async () => {
  await using lab = new SimLab()
  const [a, b] = await two(lab)
  await spread(lab, a, [b], 'before')
  lab.hub.killGossip(a.network.self, b.network.self)
  a.network.publish('statements', utf8('lost'))
  await lab.pass(1_000)
  assert.ok(connected(a, b))
  await spread(lab, a, [b], 'after', 6_000)
  await spread(lab, b, [a], 'back', 1_000)
  assert.equal(b.heard.includes('lost'), false)
})

test('a frozen host answers late or never, and is dropped; the others go on', async () => {
  await using lab = new SimLab()
  const [a, b, c] = (await full(lab, 3)) as [Node, Node, Node]
  lab.hub.freeze(b.network.self)
  const lost = assert.rejects(a.network.ask(b.network.self, 'state', utf8('x')), {
    code: 'TIMEOUT',
  })
  await spread(lab, a, [c], 'still')
  await lab.pass(20_000)
  await lost
  assert.ok(!connected(a, b))
  assert.ok(connected(a, c))
  lab.hub.thaw(b.network.self)
  await lab.until(() => connected(a, b) && connected(b, c), 40_000)
})

test('gossip that is too large, or that nobody hears, is silence', async () => {
  await using lab = new SimLab()
  const [a, b] = await two(lab)
  const alone = await begin(lab, 3)
  alone.network.publish('statements', utf8('nobody'))
  await lab.pass(100)
  a.network.publish('statements', new Uint8Array(GOSSIP_BYTES_MAX + 1))
  await lab.pass(100)
  assert.deepEqual(b.heard, [])
})

test('one seed gives one trace', async () => {
  const trace = async (seed: number) => {
    await using lab = new SimLab(seed, STORM)
    const nodes: Node[] = []
    for (let number = 1; number <= 5; number++) nodes.push(await begin(lab, number))
    admit(...nodes)
    for (const { network } of nodes)
      for (const to of nodes) network.remember(to.network.self, to.network.addresses())
    await lab.pass(5_000)
    for (const [i, { network }] of nodes.entries()) network.publish('statements', utf8(`m${i}`))
    lab.hub.partition(
      (from, to) => from === nodes[0]?.network.self || to === nodes[1]?.network.self,
    )
    await lab.pass(30_000)
    lab.hub.heal()
    await lab.pass(30_000)
    const ends = nodes.map(({ network }) => network.peers())
    return JSON.stringify([
      nodes.map(({ events, heard }) => [events, heard]),
      ends,
      lab.clock.dice.integer(1e9),
    ])
  }
  assert.equal(await trace(11), await trace(11))
  assert.notEqual(await trace(11), await trace(12))
})
