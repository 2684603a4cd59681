import assert from 'node:assert/strict'
import { test } from 'node:test'
import { closersNeeded, erasOf } from '../../src/core/eras.ts'
import type { LeaseTerms, Root } from '../../src/core/statement/root.ts'
import { VirtualClock } from '../sim/clock.ts'
import { DIDS, rootOf } from '../sim/lease-roots.ts'
import { type SimNode, World } from '../sim/lease-world.ts'

const TERMS: LeaseTerms = { read: 2, write: 2, faults: 0, stalenessMs: 4_000, skewMs: 500 }
const [A, B, C, D, E, F] = [0, 1, 2, 3, 4, 5] as const
const named = (...nodes: number[]) => nodes.map((at) => DIDS[at] as (typeof DIDS)[0])

async function meshOf(nodes: number, ...roots: Root[]) {
  const clock = new VirtualClock(1)
  const world = new World({ clock, nodes, roots, rules: { signed: true } })
  await world.start()
  await clock.advance(3_000)
  const learn = (at: number, version: number) =>
    clock.until((world.nodes[at] as SimNode).learn(roots.slice(0, version).map(({ id }) => id)))
  const places = () => world.nodes.map(({ handover }) => [handover.opened, handover.closed])
  const speaks = () => world.nodes.map(({ voice }) => voice.speaks)
  return { clock, world, learn, places, speaks, nodes: world.nodes as unknown as Nodes }
}
type Nodes = readonly [SimNode, SimNode, SimNode, SimNode, SimNode, SimNode]

test('roots of the same witnesses and terms are one era', () => {
  const other = { ...TERMS, skewMs: 1 }
  const eras = erasOf([
    rootOf(1, named(A, B), TERMS),
    rootOf(2, named(B, A), TERMS),
    rootOf(3, named(A, B), other),
    rootOf(4, named(A, B, C), other),
    rootOf(5, named(A, B, C), other),
    rootOf(6, named(A, B), TERMS),
  ])
  assert.deepEqual(
    eras.map(({ from }) => from),
    [1, 3, 4, 6],
  )
})

test('closers meet every commit, and leave too few for any lease of the old root', () => {
  for (let n = 1; n <= 7; n++)
    for (let read = 1; read <= n; read++)
      for (let write = n - read + 1; write <= n; write++) {
        const lease = { ...TERMS, read, write }
        const closers = closersNeeded({ from: 1, witnesses: DIDS.slice(0, n), lease })
        assert.ok(closers + write > n && n - closers < read)
      }
})

test('the witnesses of the first root speak without a handover', async () => {
  const { places, speaks } = await meshOf(4, rootOf(1, named(A, B, C), TERMS))
  assert.deepEqual(speaks(), [true, true, true, false])
  assert.deepEqual(places(), [
    [1, 0],
    [1, 0],
    [1, 0],
    [0, 0],
  ])
})

test('a root with the same terms hands nothing over', async () => {
  const roots = [rootOf(1, named(A, B, C), TERMS), rootOf(2, named(A, B, C), TERMS)]
  const { clock, learn, places, speaks } = await meshOf(3, ...roots)
  await learn(A, 2)
  await clock.advance(3_000)
  assert.deepEqual(speaks(), [true, true, true])
  assert.deepEqual(places()[A], [1, 0])
})

test('a lone witness that changes its own terms closes and opens in one go', async () => {
  const alone = { ...TERMS, read: 1, write: 1 }
  const roots = [rootOf(1, named(A), alone), rootOf(2, named(A), { ...alone, stalenessMs: 9_000 })]
  const { clock, learn, places, nodes } = await meshOf(1, ...roots)
  await learn(A, 2)
  await clock.advance(100)
  assert.deepEqual(places(), [[2, 2]])
  assert.equal(nodes[A].lease.status().held, true)
})

test('new witnesses speak once enough of the old ones closed, not before', async () => {
  const roots = [rootOf(1, named(A, B, C), TERMS), rootOf(2, named(D, E, F), TERMS)]
  const { clock, world, learn, places, speaks } = await meshOf(6, ...roots)
  // Of the old witnesses only a learns of the new root: one of the two that are needed.
  world.groups = [0, 1, 1, 0, 0, 0]
  await learn(A, 2)
  await clock.advance(5_000)
  assert.deepEqual(places()[A], [1, 2])
  assert.deepEqual(speaks(), [false, true, true, false, false, false])
  const d = world.nodes[D] as SimNode
  assert.match(
    d.lease.status().why ?? '',
    /handover: 1 of 2 witnesses closed what came before root v2/,
  )
  world.groups = [0, 0, 1, 0, 0, 0]
  await clock.advance(5_000)
  assert.deepEqual(speaks(), [false, false, true, true, true, true])
  assert.equal(d.lease.status().held, true)
})

test('a witness that stays counts its own close', async () => {
  const roots = [
    rootOf(1, named(A, B, C), TERMS),
    rootOf(2, named(A, B, C), { ...TERMS, skewMs: 9 }),
  ]
  const { clock, world, learn, places, speaks } = await meshOf(3, ...roots)
  world.groups = [0, 0, 1]
  await learn(A, 2)
  await clock.advance(5_000)
  assert.deepEqual(speaks(), [true, true, true])
  assert.deepEqual(places(), [
    [2, 2],
    [2, 2],
    [1, 0],
  ])
})

test('what was closed and opened stays so over restarts', async () => {
  const roots = [rootOf(1, named(A, B, C), TERMS), rootOf(2, named(C, D, E), TERMS)]
  const { clock, learn, nodes, places } = await meshOf(5, ...roots)
  await learn(A, 2)
  await clock.advance(5_000)
  const before = places()
  assert.deepEqual(before.slice(0, 3), [
    [1, 2],
    [1, 2],
    [2, 2],
  ])
  for (const node of nodes.slice(0, 5)) {
    node.crash()
    await node.start()
    assert.deepEqual([node.handover.opened, node.handover.closed], before[node.at])
  }
})

test('two changes at once are gone through in order, also by who missed the one between', async () => {
  const roots = [
    rootOf(1, named(A, B, C), TERMS),
    rootOf(2, named(B, C, D), TERMS),
    rootOf(3, named(C, D, E), TERMS),
  ]
  const { clock, learn, speaks, places } = await meshOf(5, ...roots)
  await learn(E, 3)
  await clock.advance(10_000)
  assert.deepEqual(speaks(), [false, false, true, true, true])
  assert.deepEqual(places().slice(0, 2), [
    [1, 2],
    [2, 3],
  ])
})

test('a node that may have forgotten something closes nothing', async () => {
  const roots = [rootOf(1, named(A, B, C), TERMS), rootOf(2, named(D, E, F), TERMS)]
  const { clock, world, learn, nodes } = await meshOf(6, ...roots)
  world.groups = [0, 1, 1, 1, 1, 1]
  nodes[A].crash()
  await nodes[A].start()
  await learn(A, 2)
  await clock.advance(3_000)
  assert.deepEqual([nodes[A].boot.done, nodes[A].handover.closed], [false, 0])
})
