import assert from 'node:assert/strict'
import { test } from 'node:test'
import { utf8 } from '../../src/core/bytes.ts'
import { idOf } from '../../src/core/id.ts'
import type { Did } from '../../src/core/keys.ts'
import { GOSSIP_BYTES_MAX, PUSH_PEERS_MAX, SYNC_IDS_MAX } from '../../src/core/limits.ts'
import { MeshError } from '../../src/core/problems.ts'
import type { Learned, Via } from '../../src/mesh/learned.ts'
import { Spread } from '../../src/mesh/spread.ts'
import { Statements } from '../../src/mesh/statements.ts'
import { formatSyncAnswer, parseSyncRequest } from '../../src/mesh/sync-frames.ts'
import { Dice } from '../sim/clock.ts'
import { Memory } from './memory.ts'
import { atlas, keyOf, type Made, World } from './statements.ts'

const world = new World()
const freeze = (n: number, frozen = true) =>
  world.freeze({ scope: { kind: 'principal', did: keyOf(`p${n}`).did }, frozen })
const neighbours = Array.from({ length: 12 }, (_, n) => keyOf(`neighbour ${n}`).did)
const [first, second] = neighbours as [Did, Did]

/** Spreads to these peers what it is told of; what it sends is kept. */
function spreading(peers: readonly Did[], statements: Pick<Statements, 'onChange' | 'onStop'>) {
  const pushed: { readonly to: Did; readonly blobs: readonly Uint8Array[] }[] = []
  const published: Uint8Array[] = []
  let answer: (to: Did) => Promise<void> = () => Promise.resolve()
  Spread.open({
    statements,
    random: new Dice(1),
    network: {
      peers: () => peers.map((peer) => ({ peer, address: '', direction: 'out', rttMs: null })),
      publish: (_, message) => void published.push(message),
      ask: async (to, _, request) => {
        const frame = parseSyncRequest(request)
        assert.ok(frame.ask === 'push')
        pushed.push({ to, blobs: frame.blobs })
        await answer(to)
        return formatSyncAnswer({ say: 'held', held: frame.blobs.length })
      },
    },
  })
  const onPush = (next: (to: Did) => Promise<void>) => {
    answer = next
  }
  return { pushed, published, onPush }
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

const toOf = (pushed: readonly { readonly to: Did }[]) => pushed.map(({ to }) => to).sort()

test('what begins here goes to every neighbour, and is published', async () => {
  const { learn, pushed, published } = await open(neighbours)
  await learn(freeze(1), null, 'local')
  assert.deepEqual(toOf(pushed), [...neighbours].sort())
  assert.deepEqual(published, [freeze(1).bytes])
})

test('what is passed on goes to a few, never back, and what came by gossip is not published again', async () => {
  const { learn, pushed, published } = await open(neighbours)
  await learn(freeze(1), first, 'gossip')
  assert.equal(new Set(toOf(pushed)).size, PUSH_PEERS_MAX)
  assert.equal(toOf(pushed).includes(first), false)
  assert.deepEqual(published, [])
  await learn(freeze(2), first, 'push')
  assert.deepEqual(published, [freeze(2).bytes])
})

test('what sync brought was spread by others before', async () => {
  const { learn, pushed, published } = await open(neighbours)
  await learn(freeze(1), first, 'sync')
  assert.deepEqual([pushed.length, published.length], [0, 0])
})

/** Offers a statement to a disk that takes its time, and gives what was sent before it was durable, and after. */
async function sentAround(made: Pick<Made, 'bytes'>) {
  const { statements, memory, pushed, published } = await open([first])
  memory.hold()
  const { done } = statements.offer(made.bytes, null, 'local')
  await new Promise(setImmediate)
  const before = [pushed.length, published.length]
  memory.release()
  await done
  await new Promise(setImmediate)
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
  const { learn, pushed, onPush } = await open([first])
  const waits: (() => void)[] = []
  onPush(() => new Promise((resolve) => waits.push(resolve)))
  for (let n = 0; n < 5; n++) await learn(freeze(n), null, 'local')
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
  const { pushed, onPush } = spreading([first, second], { onChange, onStop: () => {} })
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
    await new Promise(setImmediate)
  }
  const sum = (to: Did) =>
    pushed.filter((each) => each.to === to).reduce((all, { blobs }) => all + blobs.length, 0)
  assert.deepEqual([sum(first), sum(second)], [1, many])
  resolve()
  await new Promise(setImmediate)
  assert.equal(sum(first), 1 + SYNC_IDS_MAX)
})

test('a peer that cannot be pushed to is pushed to again with the next statement', async () => {
  const { learn, pushed, onPush } = await open([first])
  onPush(() => Promise.reject(new MeshError('UNREACHABLE', 'gone')))
  await learn(freeze(1), null, 'local')
  onPush(() => Promise.resolve())
  await learn(freeze(2), null, 'local')
  assert.deepEqual(
    pushed.map(({ blobs }) => blobs.length),
    [1, 1],
  )
})

test('a statement too long for gossip is pushed alone', async () => {
  const { learn, pushed, published } = await open([first])
  const text = `@id("long") permit (principal, action, resource); // ${'x'.repeat(GOSSIP_BYTES_MAX)}`
  await learn(world.policy({ policies: new Map([['all.cedar', text]]) }), null, 'local')
  assert.deepEqual([pushed.length, published.length], [1, 0])
})
