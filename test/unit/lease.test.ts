import assert from 'node:assert/strict'
import { test } from 'node:test'
import { utf8 } from '../../src/core/bytes.ts'
import { idOf } from '../../src/core/id.ts'
import type { Did } from '../../src/core/keys.ts'
import { LEASE_PAUSE_MS } from '../../src/core/limits.ts'
import type { Answered } from '../../src/mesh/challenge.ts'
import { Lease } from '../../src/mesh/lease.ts'
import type { Network } from '../../src/mesh/ports.ts'
import type { StateAnswer } from '../../src/mesh/state-frames.ts'
import { row } from '../lab/row.ts'
import { VirtualClock } from '../sim/clock.ts'
import { DIDS, MESH, rootOf } from '../sim/lease-roots.ts'
import { type SimNode, World } from '../sim/lease-world.ts'

const TERMS = { read: 2, write: 2, faults: 0, stalenessMs: 4_000, skewMs: 500 }

async function meshOf(nodes = 3, witnesses = nodes, terms = TERMS) {
  const clock = new VirtualClock(1)
  const roots = [
    rootOf(1, DIDS.slice(0, witnesses), terms),
    rootOf(2, DIDS.slice(0, witnesses), terms),
  ]
  const world = new World({ clock, nodes, roots, rules: { signed: true } })
  await world.start()
  return { clock, world, a: world.nodes[0] as SimNode, b: world.nodes[1] as SimNode }
}

const alone = { ...TERMS, read: 1, write: 1 }

test('a lease is empty after boot, and held once enough witnesses answered', async () => {
  const { clock, a } = await meshOf()
  assert.equal(a.lease.status().held, false)
  await clock.advance(1_500)
  const { held, need, of, witnesses } = a.lease.status()
  assert.deepEqual({ held, need, of }, { held: true, need: 2, of: 3 })
  assert.ok(witnesses.includes(a.did))
})

test('a lone witness in a mesh of one node holds its lease at once and for ever', async () => {
  const { clock, a } = await meshOf(1, 1, alone)
  await clock.advance(100)
  for (let step = 0; step < 5; step++) {
    const { held, untilMs } = a.lease.status()
    assert.deepEqual([held, untilMs], [true, clock.monotonicMs() + TERMS.stalenessMs])
    await clock.advance(10_000)
  }
})

test('who is not connected is asked nothing, and at once when it is', async () => {
  const { clock, world, a } = await meshOf(3, 2)
  await clock.advance(1_500)
  const asked: Did[] = []
  const connected = new Set([DIDS[0]])
  let greet: (peer: Did, greeted: boolean) => void = () => {}
  const lease = new Lease({
    clock,
    random: clock.dice,
    network: {
      ...networkOf(world),
      onPeer: (listener) => (greet = listener),
      peers: () =>
        networkOf(world)
          .peers()
          .filter(({ peer }) => connected.has(peer)),
    },
    statements: { governance: a.governance, onChange: () => {} },
    challenges: {
      ask: async (peer) => {
        asked.push(peer)
        const answer = answerOf(world.of(peer))
        return { answer, sentMs: clock.monotonicMs(), clockOffsetMs: 0 }
      },
      reach: async () => {},
    },
    ...{ boot: { done: true, why: null }, handover: { why: null }, voice: { speaks: false } },
    ...{ stalenessAtMostMs: () => null, policyStalenessMs: () => null, durableTimeMs: () => 0 },
  })
  const done = new AbortController()
  void lease.run(done.signal)
  await clock.advance(3_000)
  assert.ok(asked.length > 2)
  assert.deepEqual([...new Set(asked)], [DIDS[0]])
  connected.add(DIDS[1])
  greet(DIDS[1] as Did, true)
  await clock.advance(1)
  assert.equal(asked.at(-1), DIDS[1])
  assert.equal(lease.status().held, true)
  done.abort()
  world.stop()
})

test('a step of the wall clock empties the lease, in either direction', async () => {
  for (const stepMs of [-3_600_000, 432_000_000]) {
    const { clock, world, a } = await meshOf(3, 2)
    const c = world.nodes[2] as SimNode
    await clock.advance(1_500)
    assert.equal(c.lease.status().held, true)
    clock.stepWall(stepMs)
    assert.match(c.lease.status().why ?? '', /the clock stepped by/)
    await clock.advance(1_500)
    assert.equal(c.lease.status().held, true, 'all clocks stepped alike: answers count again')
    assert.equal(a.lease.status().held, true)
  }
})

test('a pause empties the lease: nothing that was asked before it counts', async () => {
  const { clock, world } = await meshOf(3, 2, { ...TERMS, stalenessMs: 60_000 })
  const c = world.nodes[2] as SimNode
  await clock.advance(1_500)
  const { lease } = c
  assert.equal(lease.status().held, true)
  // The process stops: neither its loop runs nor anything looks.
  c.crash()
  await clock.advance(LEASE_PAUSE_MS + 1)
  const { held, why } = lease.status()
  assert.equal(held, false)
  assert.match(why ?? '', /did not run for/)
})

test('a question that left before a reset does not fill the lease after it', async () => {
  for (const resets of [false, true]) {
    const { clock, world, a } = await meshOf(3, 2)
    await clock.advance(1_500)
    const waiting: ((answered: Answered) => void)[] = []
    const lease = new Lease({
      clock,
      random: clock.dice,
      network: networkOf(world),
      statements: { governance: a.governance, onChange: () => {} },
      challenges: {
        ask: () => new Promise((resolve) => waiting.push(resolve)),
        reach: async () => {},
      },
      boot: { done: true, why: null },
      handover: { why: null },
      voice: { speaks: false },
      stalenessAtMostMs: () => null,
      policyStalenessMs: () => null,
      durableTimeMs: () => 0,
    })
    const done = new AbortController()
    void lease.run(done.signal)
    await clock.settle()
    assert.equal(waiting.length, 2)
    const asked = waiting.splice(0)
    if (resets) lease.reset('the test says so')
    const sentMs = clock.monotonicMs()
    for (const [at, answer] of asked.entries())
      answer({ answer: answerOf(world.nodes[at] as SimNode), sentMs, clockOffsetMs: 0 })
    await clock.settle()
    assert.equal(lease.status().held, !resets)
    done.abort()
    world.stop()
  }
})

/** The third node's, connected with all others. */
function networkOf({ nodes }: World): Network {
  const peers = nodes.filter(({ at }) => at !== 2).map(({ did }) => ({ peer: did }))
  return { self: DIDS[2], onPeer: () => {}, peers: () => peers } as unknown as Network
}

function answerOf({ did, governance, clock }: SimNode): StateAnswer {
  return {
    mesh: MESH,
    node: did,
    nonce: '',
    incarnation: '',
    checked: true,
    root: 1,
    digest: governance.digest,
    size: 1,
    opened: 1,
    closed: 0,
    checkpoint: null,
    timeMs: clock.wallMs(),
    held: [],
    yours: null,
  }
}

test('this clock far ahead of the witnesses is not trusted; far behind, answers are from the future', async () => {
  for (const [offsetMs, held] of [
    [3_000, true],
    [-3_000, false],
  ] as const) {
    const { clock, world } = await meshOf(4, 3, { ...TERMS, stalenessMs: 20_000 })
    const d = world.nodes[3] as SimNode
    d.offsetMs = offsetMs
    await clock.advance(3_000)
    const status = d.lease.status()
    assert.deepEqual([status.held, status.clockTrusted], [held, false])
    assert.ok(Math.abs((status.clockOffsetMs ?? 0) - offsetMs) < 50)
    assert.equal((world.nodes[0] as SimNode).lease.status().clockTrusted, true)
  }
})

test('one witness with a wrong clock is outvoted', async (t) => {
  const { clock, world, a, b } = await meshOf()
  ;(world.nodes[2] as SimNode).offsetMs = 300_000
  await clock.advance(2_000)
  for (const node of [a, b]) {
    const { held, clockTrusted } = node.lease.status()
    assert.deepEqual([held, clockTrusted], [true, true])
  }
  row(t, 41, 'one of three 5 min ahead: 0 denied, both others hold a lease and trust their clocks')
})

test('answers count within one root version only', async () => {
  const { clock, world, a } = await meshOf(3, 2)
  const [b, c] = [world.nodes[1] as SimNode, world.nodes[2] as SimNode]
  await clock.advance(1_500)
  assert.equal(c.lease.status().held, true)
  world.groups = [0, 0, 1]
  await clock.until(c.learn(world.roots.map(({ id }) => id)))
  assert.equal(c.lease.status().held, false)
  world.groups = [0, 0, 0]
  await clock.advance(3_000)
  assert.deepEqual(
    [a, b, c].map(({ lease }) => lease.status().held),
    [true, true, true],
  )
})

test('a shorter bound of a policy is asked for from then on, and shortens the lease', async () => {
  const { clock, world } = await meshOf(3, 2, { ...TERMS, stalenessMs: 60_000 })
  const c = world.nodes[2] as SimNode
  await clock.advance(14_000)
  const long = c.lease.status()
  assert.equal(long.held, true)
  c.lease.within(2_000)
  await clock.advance(2_000)
  for (let step = 0; step < 10; step++) {
    await clock.advance(500)
    const short = c.lease.within(2_000)
    assert.equal(short.held, true)
    assert.ok(short.untilMs <= clock.monotonicMs() + 2_000)
    assert.ok(c.lease.within(90_000).untilMs <= c.lease.status().untilMs)
  }
})

test('a witness that holds more than this node counts once that is held here too', async () => {
  const { clock, world } = await meshOf(3, 2)
  const [a, b, c] = world.nodes as [SimNode, SimNode, SimNode]
  await clock.advance(1_500)
  await clock.until(a.learn([idOf(utf8('revocation'))]))
  await clock.until(b.learn([idOf(utf8('revocation'))]))
  await clock.advance(TERMS.stalenessMs)
  assert.equal(c.lease.status().held, true)
  assert.ok(c.disk.ids.has(idOf(utf8('revocation'))))
})

test('printed terms are the longest that may be live: the old ones die by themselves', async () => {
  const clock = new VirtualClock(1)
  const witnesses = DIDS.slice(0, 3)
  const roots = [
    rootOf(1, witnesses, { ...TERMS, stalenessMs: 30_000 }),
    rootOf(2, witnesses, { ...TERMS, stalenessMs: 4_000 }),
  ]
  const world = new World({ clock, nodes: 3, roots, rules: { signed: true } })
  await world.start()
  await clock.advance(1_500)
  const a = world.nodes[0] as SimNode
  assert.equal(a.lease.longestTerms().stalenessMs, 30_000)
  await clock.until(a.learn(roots.map(({ id }) => id)))
  await clock.advance(10_000)
  assert.equal(a.lease.status().held, true)
  assert.equal(a.lease.longestTerms().stalenessMs, 30_000)
  await clock.advance(30_000)
  assert.equal(a.lease.longestTerms().stalenessMs, 4_000)
})

test('an answer counts only as each condition of Q3 says', async () => {
  const { clock, world, a } = await meshOf(3, 2)
  await clock.advance(1_500)
  const cases: [string, Partial<StateAnswer>, boolean][] = [
    ['as it should be', {}, true],
    ['by a witness whose boot check is not done', { checked: false }, false],
    ['under another root', { root: 2 }, false],
    ['by a witness that has not opened this era', { opened: 0 }, false],
    ['dated in the future', { timeMs: clock.wallMs() + TERMS.skewMs + 1 }, false],
    ['dated too long ago', { timeMs: clock.wallMs() - 4_501 }, false],
    ['by a node that is no witness', { node: DIDS[2] as Did }, false],
  ]
  for (const [name, change, held] of cases) {
    const lease = new Lease({
      clock,
      random: clock.dice,
      network: networkOf(world),
      statements: { governance: a.governance, onChange: () => {} },
      challenges: {
        ask: async (peer) => ({
          answer: { ...answerOf(world.of(peer)), ...(peer === a.did ? change : {}) },
          sentMs: clock.monotonicMs(),
          clockOffsetMs: 0,
        }),
        reach: async () => {},
      },
      boot: { done: true, why: null },
      handover: { why: null },
      voice: { speaks: false },
      stalenessAtMostMs: () => null,
      policyStalenessMs: () => null,
      durableTimeMs: () => 0,
    })
    const done = new AbortController()
    void lease.run(done.signal)
    await clock.settle()
    assert.equal(lease.status().held, held, name)
    done.abort()
  }
  world.stop()
})
