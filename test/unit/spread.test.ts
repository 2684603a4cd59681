import assert from 'node:assert/strict'
import { test } from 'node:test'
import { utf8 } from '../../src/core/bytes.ts'
import { idOf } from '../../src/core/id.ts'
import type { Did } from '../../src/core/keys.ts'
import {
  GOSSIP_BYTES_MAX,
  GOSSIP_PAUSE_MS,
  GOSSIP_STATEMENTS_MAX,
  PUSH_BESIDE_GOSSIP_MS,
  PUSH_BESIDE_GOSSIP_PEERS,
  PUSH_PEERS_MAX,
  SYNC_IDS_MAX,
} from '../../src/core/limits.ts'
import { MeshError } from '../../src/core/problems.ts'
import type { Learned, Via } from '../../src/mesh/learned.ts'
import { Spread } from '../../src/mesh/spread.ts'
import { Statements } from '../../src/mesh/statements.ts'
import { formatSyncAnswer, parseSyncRequest } from '../../src/mesh/sync-frames.ts'
import { Dice, VirtualClock } from '../sim/clock.ts'
import { Memory } from './memory.ts'
import { atlas, keyOf, type Made, World } from './statements.ts'

const world = new World()
const freeze = (n: number, frozen = true) =>
  world.freeze({ scope: { kind: 'principal', did: keyOf(`p${n}`).did }, frozen })
const neighbours = Array.from({ length: 12 }, (_, n) => keyOf(`neighbour ${n}`).did)
const [first, second] = neighbours as [Did, Did]

interface Pushed {
  readonly to: Did
  readonly blobs: readonly Uint8Array[]
}

function blobsOf(frame: Uint8Array): readonly Uint8Array[] {
  const request = parseSyncRequest(frame)
  assert.ok(request.ask === 'push')
  return request.blobs
}

/** Spreads to these peers what it is told of; what it sends is kept. */
function spreading(peers: readonly Did[], statements: Pick<Statements, 'onChange' | 'onStop'>) {
  const clock = new VirtualClock()
  const pushed: Pushed[] = []
  const published: (readonly Uint8Array[])[] = []
  let answer: (to: Did) => Promise<void> = () => Promise.resolve()
  Spread.open({
    statements,
    clock,
    random: new Dice(1),
    network: {
      peers: () => peers.map((peer) => ({ peer, address: '', direction: 'out', rttMs: null })),
      publish: (_, message) => void published.push(blobsOf(message)),
      ask: async (to, _, request) => {
        const blobs = blobsOf(request)
        pushed.push({ to, blobs })
        await answer(to)
        return formatSyncAnswer({ say: 'held', held: blobs.length })
      },
    },
  })
  const onPush = (next: (to: Did) => Promise<void>) => {
    answer = next
  }
  return { clock, pushed, published, onPush }
}

async function open(peers: readonly Did[]) {
  const memory = new Memory()
  const persist = memory.persist.bind(memory)
  const statements = await Statements.open({ store: memory, persist, policy: { check: () => [] } })
  await statements.pin(world.mesh)
  await statements.offer(world.first.bytes, null, 'local').done
  const learn = async (made: Pick<Made, 'bytes'>, from: Did | null, via: Via) => {
    await statements.offer(made.bytes, from, via).done
    await new Promise(setImmediate)
  }
  return { memory, statements, learn, ...spreading(peers, statements) }
}

const toOf = (pushed: readonly Pushed[]) => pushed.map(({ to }) => to).sort()
const counts = (messages: readonly (readonly Uint8Array[])[]) =>
  messages.map(({ length }) => length)
const beside = PUSH_BESIDE_GOSSIP_MS

test('what begins here is published at once, and pushed to a few a little later', async () => {
  const { learn, pushed, published, clock } = await open(neighbours)
  await learn(freeze(1), null, 'local')
  assert.deepEqual([published, pushed], [[[freeze(1).bytes]], []])
  await clock.advance(beside)
  assert.equal(new Set(toOf(pushed)).size, PUSH_BESIDE_GOSSIP_PEERS)
  assert.deepEqual(pushed[0]?.blobs, [freeze(1).bytes])
})

test('what came by gossip is passed on by gossip alone', async () => {
  const { learn, pushed, published, clock } = await open(neighbours)
  await learn(freeze(1), first, 'gossip')
  await clock.advance(beside)
  assert.deepEqual([pushed, published], [[], []])
})

test('what came by a push, before gossip brought it, is pushed on at once, never back', async () => {
  for (const peers of [neighbours, [first], [first, second]]) {
    const { learn, pushed, published } = await open(peers)
    await learn(freeze(1), first, 'push')
    const others = Math.min(PUSH_BESIDE_GOSSIP_PEERS, peers.length - 1)
    assert.equal(new Set(toOf(pushed)).size, others)
    assert.equal(toOf(pushed).includes(first), false)
    assert.deepEqual(published, [])
  }
})

test('what sync brought was spread by others before', async () => {
  const { learn, pushed, published, clock } = await open(neighbours)
  await learn(freeze(1), first, 'sync')
  await clock.advance(beside)
  assert.deepEqual([pushed, published], [[], []])
})

test('a burst shares messages: the first goes at once, the others together a moment later', async () => {
  const { learn, pushed, published, clock } = await open([first])
  const many = GOSSIP_STATEMENTS_MAX + 3
  for (let n = 0; n < many; n++) await learn(freeze(n), null, 'local')
  assert.deepEqual(counts(published), [1])
  await clock.advance(GOSSIP_PAUSE_MS)
  assert.deepEqual(counts(published), [1, GOSSIP_STATEMENTS_MAX])
  await clock.advance(beside)
  assert.deepEqual(counts(published), [1, GOSSIP_STATEMENTS_MAX, 2])
  assert.deepEqual(
    published.flat(),
    Array.from({ length: many }, (_, n) => freeze(n).bytes),
  )
  assert.deepEqual(counts(pushed.map(({ blobs }) => blobs)), [many])
  await learn(freeze(many), null, 'local')
  assert.equal(published.length, 4)
})

/** Offers a statement to a disk that takes its time, and gives what was sent before it was durable, and after. */
async function sentAround(made: Pick<Made, 'bytes'>) {
  const { statements, memory, pushed, published, clock } = await open([first])
  memory.hold()
  const { done } = statements.offer(made.bytes, null, 'local')
  await clock.advance(beside)
  const before = [pushed.length, published.length]
  memory.release()
  await done
  await clock.advance(beside)
  return { before, after: [pushed.length, published.length] }
}

test('what stops is spread beside the disk, and once', async () => {
  const { before, after } = await sentAround(freeze(1))
  assert.deepEqual(
    [before, after],
    [
      [1, 1],
      [1, 1],
    ],
  )
})

test('nothing else is spread before it is durable (B14)', async () => {
  for (const made of [world.member(atlas), freeze(1, false)]) {
    const { before, after } = await sentAround(made)
    assert.deepEqual(
      [before, after],
      [
        [0, 0],
        [1, 1],
      ],
    )
  }
})

test('what is learned while a push waits goes together in the next', async () => {
  const { learn, pushed, onPush, clock } = await open([first])
  const waits: (() => void)[] = []
  onPush(() => new Promise((resolve) => waits.push(resolve)))
  await learn(freeze(0), null, 'local')
  await clock.advance(beside)
  for (let n = 1; n < 5; n++) await learn(freeze(n), null, 'local')
  await clock.advance(beside)
  assert.deepEqual(
    pushed.map(({ blobs }) => blobs.length),
    [1],
  )
  waits.shift()?.()
  await new Promise(setImmediate)
  assert.deepEqual(
    pushed.map(({ blobs }) => blobs.length),
    [1, 4],
  )
})

test('a peer that hangs keeps a bounded number waiting, and delays nobody else', async () => {
  let tell: (learned: Learned) => void = () => {}
  const onChange = (listener: typeof tell) => {
    tell = listener
  }
  const { pushed, onPush, clock } = spreading([first, second], { onChange, onStop: () => {} })
  const { statement, envelope } = freeze(0)
  const rest = {
    statement,
    envelope,
    state: 'effective',
    changed: [],
    digest: '',
    note: null,
    early: false,
  } as const
  const { promise, resolve } = Promise.withResolvers<void>()
  onPush((to) => (to === first ? promise : Promise.resolve()))
  const many = SYNC_IDS_MAX + 20
  for (let n = 0; n < many; n++) {
    tell({ ...rest, id: idOf(utf8(`${n}`)), from: null, via: 'local' })
    await clock.advance(beside)
  }
  const sum = (to: Did) =>
    pushed.filter((each) => each.to === to).reduce((all, { blobs }) => all + blobs.length, 0)
  assert.deepEqual([sum(first), sum(second)], [1, many])
  resolve()
  await new Promise(setImmediate)
  assert.equal(sum(first), 1 + SYNC_IDS_MAX)
})

test('a peer that cannot be pushed to is pushed to again with the next statement', async () => {
  const { learn, pushed, onPush, clock } = await open([first])
  onPush(() => Promise.reject(new MeshError('UNREACHABLE', 'gone')))
  await learn(freeze(1), null, 'local')
  await clock.advance(beside)
  onPush(() => Promise.resolve())
  await learn(freeze(2), null, 'local')
  await clock.advance(beside)
  assert.deepEqual(
    pushed.map(({ blobs }) => blobs.length),
    [1, 1],
  )
})

test('a statement too long for gossip is pushed at once: to everybody where it begins, then to some', async () => {
  const text = `@id("long") permit (principal, action, resource); // ${'x'.repeat(GOSSIP_BYTES_MAX)}`
  const long = world.policy({ policies: new Map([['all.cedar', text]]) })
  const begun = await open(neighbours)
  await begun.learn(long, null, 'local')
  assert.deepEqual(toOf(begun.pushed), [...neighbours].sort())
  const passed = await open(neighbours)
  await passed.learn(long, first, 'push')
  assert.equal(new Set(toOf(passed.pushed)).size, PUSH_PEERS_MAX)
  assert.deepEqual([begun.published, passed.published], [[], []])
})
