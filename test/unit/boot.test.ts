import assert from 'node:assert/strict'
import { test } from 'node:test'
import { utf8 } from '../../src/core/bytes.ts'
import { logOrigin, signCheckpoint } from '../../src/core/checkpoint.ts'
import { idOf } from '../../src/core/id.ts'
import type { Signer } from '../../src/core/keys.ts'
import { append, EMPTY, leafHash, rootHash, type Tree } from '../../src/core/merkle.ts'
import type { Epoch } from '../../src/core/statement/epoch.ts'
import { VirtualClock } from '../sim/clock.ts'
import { DIDS, MESH, rootOf, SIGNERS } from '../sim/lease-roots.ts'
import { type SimNode, World } from '../sim/lease-world.ts'

interface MeshOf {
  readonly nodes: number
  readonly witnesses?: number
  readonly read?: number
  readonly write?: number
}

/** All of them have finished their boot check. */
async function meshOf({ nodes, witnesses = nodes, read = 2, write = 2 }: MeshOf) {
  const clock = new VirtualClock(1)
  const terms = { read, write, faults: 0, stalenessMs: 4_000, skewMs: 500 }
  const roots = [rootOf(1, DIDS.slice(0, witnesses), terms)]
  const world = new World({ clock, nodes, roots, rules: { signed: true } })
  await world.start()
  await clock.advance(3_000)
  const away = (...nodes: SimNode[]) => {
    world.groups = world.groups.map((_, at) => (nodes.some((node) => node.at === at) ? at + 1 : 0))
  }
  return { clock, world, away, nodes: world.nodes as unknown as Nodes }
}
type Nodes = readonly [SimNode, SimNode, SimNode, SimNode, SimNode]

function treeOf(...records: string[]): Tree {
  return records.reduce((tree, each) => append(tree, leafHash(utf8(each))), EMPTY)
}

/** The node publishes a checkpoint of this tree, and all others hear of it. */
async function publishes(node: SimNode, tree: Tree, others: readonly SimNode[]) {
  const { epoch } = node.log
  const origin = logOrigin(MESH, node.did, epoch)
  const checkpoint = { origin, size: tree.size, rootHash: rootHash(tree) }
  node.log = { epoch, tree }
  node.checkpoint = signCheckpoint(checkpoint, SIGNERS[node.at] as Signer)
  const note = new TextDecoder().decode(node.checkpoint)
  for (const other of others) await other.checkpoints.offer(node.did, note)
}

function epochOf(node: SimNode, epoch: number, overrules: boolean): Epoch {
  return {
    type: 'epoch',
    id: idOf(utf8(`epoch ${epoch}`)),
    mesh: MESH,
    root: 1,
    issuedMs: 0,
    message: null,
    node: node.did,
    epoch,
    previousSize: null,
    previousRootHash: null,
    overrules,
  }
}

async function restarts(node: SimNode, clock: VirtualClock, ms = 2_000) {
  node.crash()
  await node.start()
  await clock.advance(ms)
}

test('a mesh of one node skips the check', async () => {
  const { nodes } = await meshOf({ nodes: 1, read: 1, write: 1 })
  assert.deepEqual([nodes[0].boot.done, nodes[0].boot.why], [true, null])
})

test('the only witness of a mesh of several nodes waits for one of the others', async () => {
  const { nodes, clock, world, away } = await meshOf({ nodes: 3, witnesses: 1, read: 1, write: 1 })
  const [a, b, c] = nodes
  assert.equal(a.boot.done, true)
  away(a, b, c)
  await restarts(a, clock)
  assert.equal(a.boot.done, false)
  assert.equal(a.boot.why, 'boot check: 0 of 2 other nodes answered, one is needed')
  assert.equal(a.lease.status().held, false)
  world.groups = [0, 0, 1]
  await clock.advance(2_000)
  assert.equal(a.boot.done, true)
})

test('nodes that all start together finish: unchecked ones are enough when there are no others', async () => {
  for (const shape of [{ nodes: 2, read: 1, write: 2 }, { nodes: 3 }, { nodes: 5, witnesses: 3 }]) {
    const { world } = await meshOf(shape)
    assert.ok(world.nodes.every(({ boot }) => boot.done))
  }
})

test('a witness waits for n − write + 1 other checked ones, and is silent until then', async () => {
  const { nodes, clock, world, away } = await meshOf({ nodes: 5, read: 3, write: 3 })
  const [a, b, c, d, e] = nodes
  away(a, d, e)
  await restarts(a, clock)
  world.groups = [0, 0, 0, 1, 1]
  await clock.advance(2_000)
  assert.equal(a.boot.why, 'boot check: 2 of 3 witnesses answered')
  assert.deepEqual([a.boot.done, a.voice.speaks, a.lease.status().held], [false, false, false])
  assert.match(a.lease.status().why ?? '', /^boot check: 2 of 3/)
  world.groups = [0, 0, 0, 0, 1]
  await clock.advance(2_000)
  assert.deepEqual([a.boot.done, a.voice.speaks, a.boot.why], [true, true, null])
  assert.ok(b.boot.done && c.boot.done)
})

test('answers of nodes whose own check is not done count only when all are there', async () => {
  const { nodes, clock, world, away } = await meshOf({ nodes: 3 })
  const [a, b, c] = nodes
  away(a, b, c)
  for (const node of [a, b]) {
    node.crash()
    await node.start()
  }
  world.groups = [0, 0, 1]
  await clock.advance(3_000)
  assert.equal(a.boot.why, 'boot check: 0 of 2 witnesses answered, 1 unchecked')
  world.groups = [0, 0, 0]
  await clock.advance(3_000)
  assert.deepEqual([a.boot.done, b.boot.done], [true, true])
})

test('an answer counts once its state is held whole', async () => {
  const { nodes, clock } = await meshOf({ nodes: 3 })
  const [a, b, c] = nodes
  const revocation = idOf(utf8('revocation'))
  const old = a.image()
  for (const node of nodes.slice(0, 3)) await clock.until(node.learn([revocation]))
  a.crash()
  await a.start(old)
  for (let step = 0; step < 100 && !a.boot.done; step++) await clock.advance(10)
  assert.ok(a.boot.done && a.disk.ids.has(revocation))
  assert.ok(b.boot.done && c.boot.done)
})

test('a node that is no witness needs n − write + 1 checked ones', async () => {
  const { nodes, clock, world, away } = await meshOf({ nodes: 4, witnesses: 3 })
  const [a, b, c, d] = nodes
  away(a, b, c)
  await restarts(d, clock)
  world.groups = [0, 1, 1, 0]
  await clock.advance(2_000)
  assert.equal(d.boot.why, 'boot check: 1 of 2 witnesses answered')
  world.groups = [0, 0, 1, 0]
  await clock.advance(2_000)
  assert.equal(d.boot.done, true)
})

test('a peer that saw more of this log proves a rollback, and nothing continues it', async () => {
  const { nodes, clock } = await meshOf({ nodes: 3 })
  const [a, b, c] = nodes
  await clock.until(publishes(a, treeOf('one', 'two', 'three'), [b, c]))
  a.log = { epoch: 1, tree: treeOf('one', 'two') }
  await restarts(a, clock)
  assert.deepEqual([a.boot.done, a.boot.rollback?.size, a.boot.rollback?.epoch], [false, 3, 1])
  assert.match(a.boot.why ?? '', /^rollback: a peer holds a checkpoint of this log at size 3/)
  assert.equal(a.lease.status().held, false)

  // The operator's statement retires the log; then the check goes on.
  a.also = { epochs: new Map([[a.did, epochOf(a, 2, false)]]) }
  a.log = { epoch: 2, tree: EMPTY }
  await clock.until(a.learn([idOf(utf8('epoch 2'))]))
  await clock.advance(1_000)
  assert.deepEqual([a.boot.done, a.boot.rollback], [true, null])
})

test('a rollback that was shown is known at the next start, whoever is away then', async () => {
  const { nodes, clock, world } = await meshOf({ nodes: 4, witnesses: 3 })
  const [a, , , d] = nodes
  world.groups = [0, 1, 1, 0]
  await clock.until(publishes(a, treeOf('one', 'two', 'three'), [d]))
  a.log = { epoch: 1, tree: treeOf('one', 'two') }
  await restarts(a, clock)
  assert.equal(a.boot.rollback?.size, 3)
  world.groups = [0, 0, 0, 1]
  await restarts(a, clock)
  assert.deepEqual([a.boot.done, a.boot.rollback?.size], [false, 3])

  // Its disk is set forward again, or the log is retired: nothing is held against it any more.
  a.log = { epoch: 1, tree: treeOf('one', 'two', 'three') }
  await restarts(a, clock)
  assert.deepEqual([a.boot.done, a.boot.rollback], [true, null])
})

test('what a peer showed of this log counts though its state was never held whole', async () => {
  const { nodes, clock, world } = await meshOf({ nodes: 4, witnesses: 3 })
  const [a, , , d] = nodes
  world.groups = [0, 1, 1, 0]
  await clock.until(publishes(a, treeOf('one', 'two', 'three'), [d]))
  a.log = { epoch: 1, tree: treeOf('one', 'two') }
  a.checkpoint = null
  await clock.until(d.learn([idOf(utf8('what only d knows'))]))
  const pull = a.pull.bind(a)
  a.pull = (peer) => (peer === d ? Promise.reject(new Error('cut off')) : pull(peer))
  await restarts(a, clock)
  world.groups = [0, 0, 0, 1]
  await clock.advance(2_000)
  assert.deepEqual([a.boot.done, a.boot.rollback?.size], [false, 3])
})

test('a rollback of an epoch that this disk never heard of shows once the epoch is known', async () => {
  const { nodes, clock } = await meshOf({ nodes: 2, read: 1, write: 2 })
  const [a, b] = nodes
  const old = a.image()
  const second = epochOf(a, 2, false)
  for (const node of [a, b])
    node.also = {
      get epochs() {
        return new Map(node.disk.ids.has(second.id) ? [[a.did, second] as const] : [])
      },
    }
  for (const node of [a, b]) await clock.until(node.learn([second.id]))
  a.log = { epoch: 2, tree: EMPTY }
  await clock.until(publishes(a, treeOf('one', 'two'), [b]))
  a.log = { epoch: 2, tree: EMPTY }
  a.crash()
  await a.start(old)
  await clock.advance(3_000)
  assert.deepEqual([a.boot.done, a.boot.rollback?.epoch, a.boot.rollback?.size], [false, 2, 2])
})

test('another tree of the same or a smaller size is a rollback too; the same tree and its own past are not', async () => {
  const cases: [Tree, Tree, boolean][] = [
    [treeOf('one', 'two'), treeOf('one', 'other'), true],
    [treeOf('one', 'two'), treeOf('one', 'two'), false],
    [treeOf('one'), treeOf('one', 'two'), false],
    [treeOf('other'), treeOf('one', 'two'), true],
  ]
  for (const [shown, own, rollback] of cases) {
    const { nodes, clock } = await meshOf({ nodes: 3 })
    const [a, b, c] = nodes
    await clock.until(publishes(a, shown, [b, c]))
    a.log = { epoch: 1, tree: own }
    a.past = [treeOf('one')]
    await restarts(a, clock)
    assert.equal(a.boot.rollback !== null, rollback)
    assert.equal(a.boot.done, !rollback)
  }
})

test('a rollback shows though the log key was replaced after it', async () => {
  const { nodes, clock } = await meshOf({ nodes: 3 })
  const [a, b, c] = nodes
  await clock.until(publishes(a, treeOf('one', 'two', 'three'), [b, c]))
  const [, , , next] = SIGNERS as unknown as [Signer, Signer, Signer, Signer]
  const { members } = a.governance
  for (const node of [a, b, c])
    node.also = {
      members: new Map(
        [...members].map(([did, each]) => [did, did === a.did ? { ...each, log: next.did } : each]),
      ),
    }
  a.log = { epoch: 1, tree: treeOf('one', 'two') }
  a.logKeys = [a.did, next.did]
  await restarts(a, clock)
  assert.deepEqual([a.boot.done, a.boot.rollback?.size], [false, 3])
  a.logKeys = [next.did]
  a.crash()
  await a.start({ ids: a.image().ids, kept: new Map() })
  await clock.advance(3_000)
  assert.equal(a.boot.rollback, null, 'a key that no membership names proves nothing')
})

test('a checkpoint that another key signed proves nothing', async () => {
  const { nodes, clock } = await meshOf({ nodes: 3 })
  const [a, b, c] = nodes
  const tree = treeOf('one', 'two')
  const origin = logOrigin(MESH, a.did, 1)
  const forged = signCheckpoint({ origin, size: 2, rootHash: rootHash(tree) }, SIGNERS[1] as Signer)
  for (const node of [b, c])
    await clock.until(node.checkpoints.offer(a.did, new TextDecoder().decode(forged)))
  assert.equal(b.checkpoints.newest(a.did), null)
  await restarts(a, clock)
  assert.equal(a.boot.done, true)
})

test('an operator overrules one start: the next one asks again', async () => {
  const { nodes, clock, away } = await meshOf({ nodes: 3 })
  const [a] = nodes
  away(a)
  a.also = { epochs: new Map([[a.did, epochOf(a, 1, true)]]) }
  await restarts(a, clock, 8_000)
  assert.equal(a.boot.done, true)
  await restarts(a, clock, 8_000)
  assert.equal(a.boot.done, false)
})

test('an operator overrules who is away, not who is there and remembers more', async () => {
  const { nodes, clock } = await meshOf({ nodes: 2, read: 1, write: 2 })
  const [a, b] = nodes
  a.also = { epochs: new Map([[a.did, epochOf(a, 1, true)]]) }
  await clock.until(publishes(a, treeOf('one', 'two'), [b]))
  // Its disk is new: it no longer knows that the statement was used up.
  a.log = { epoch: 1, tree: EMPTY }
  a.crash()
  await a.start({ ids: a.image().ids, kept: new Map() })
  await clock.advance(8_000)
  assert.deepEqual([a.boot.done, a.boot.rollback?.size], [false, 2])
})

test('a statement that overrules nothing, or an older epoch, does not help', async () => {
  for (const [epoch, own, overrules] of [
    [2, 1, false],
    [1, 2, true],
  ] as const) {
    const { nodes, clock, away } = await meshOf({ nodes: 3 })
    const [a] = nodes
    away(a)
    a.log = { epoch: own, tree: EMPTY }
    a.also = { epochs: new Map([[a.did, epochOf(a, epoch, overrules)]]) }
    await restarts(a, clock)
    assert.equal(a.boot.done, false)
  }
})

test('a node that is no member yet waits until it is one', async () => {
  const { nodes, clock } = await meshOf({ nodes: 3 })
  const [a] = nodes
  const { members } = a.governance
  a.also = { members: new Map([...members].filter(([did]) => did !== a.did)) }
  await restarts(a, clock)
  assert.equal(a.boot.why, 'boot check: this node is not a member of a mesh yet')
  a.also = {}
  await clock.until(a.learn([idOf(utf8('member'))]))
  await clock.advance(1_000)
  assert.equal(a.boot.done, true)
})
