/**
 * The bound, on random partitions: no node allows what a revocation covers
 * later than its commit + staleness + 2 · skew (Q1). Each rule that carries
 * weight is left out once, so that the check is known to fail without it.
 */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { utf8 } from '../../src/core/bytes.ts'
import { idOf } from '../../src/core/id.ts'
import { VirtualClock } from './clock.ts'
import { runs, type Situation, STALENESS_MS, termsOf } from './lease-runs.ts'
import { DIDS, rootOf, type SimNode, World } from './lease-world.ts'

const HOLDS: readonly [string, Situation, number][] = [
  ['two witnesses 1/2', { n: 2, read: 1, write: 2 }, 30],
  ['three witnesses 2/2', { n: 3, read: 2, write: 2 }, 40],
  ['five witnesses 2/4', { n: 5, read: 2, write: 4 }, 8],
  ['restored disks 1/2', { n: 2, read: 1, write: 2, restores: true }, 30],
  ['restored disks 2/2', { n: 3, read: 2, write: 2, restores: true }, 30],
  ['all witnesses replaced 2/2', { n: 3, read: 2, write: 2, rotation: true }, 20],
  [
    'one witness replaced and disks restored 2/2',
    { n: 3, read: 2, write: 2, rotation: true, kept: 2, restores: true },
    15,
  ],
]

for (const [name, situation, seeds] of HOLDS) {
  test(`the bound holds with ${name}`, async () => {
    const { late, allows, commits, worstMs } = await runs(situation, seeds)
    assert.equal(late, 0, `${late} of ${seeds} runs allowed too late, by ${worstMs} ms at worst`)
    assert.ok(allows > seeds, 'nodes do allow')
    assert.ok(commits > seeds, 'revocations do commit')
  })
}

/** From a seed that showed it once; some more, should the world have changed. */
const BREAKS: readonly [string, Situation, number][] = [
  ['read + write = n, 1/1 of two', { n: 2, read: 1, write: 1 }, 1],
  ['read + write = n, 1/2 of three', { n: 3, read: 1, write: 2 }, 10],
  [
    'restored disks without boot check',
    { n: 2, read: 1, write: 2, restores: true, rules: { bootCheck: false } },
    2,
  ],
  [
    'all witnesses replaced without handover',
    { n: 3, read: 2, write: 2, rotation: true, rules: { handover: false } },
    22,
  ],
]

for (const [name, situation, first] of BREAKS) {
  test(`the check sees the bound broken by ${name}`, async () => {
    const { late } = await runs(situation, 60, { first, enough: true })
    assert.ok(late > 0, 'a rule that can be left out is no rule')
  })
}

test('a node that is cut off stops allowing within the staleness, and allows again once it is back', async () => {
  const clock = new VirtualClock(3)
  const roots = [rootOf(1, DIDS.slice(0, 3), termsOf({ n: 3, read: 2, write: 2 }))]
  const world = new World({ clock, nodes: 4, roots })
  await world.start()
  await clock.advance(3_000)
  const held = () => world.nodes.map(({ lease }) => lease.status().held)
  assert.deepEqual(held(), [true, true, true, true])

  world.groups = [0, 0, 1, 2]
  await clock.advance(STALENESS_MS)
  assert.deepEqual(held(), [true, true, false, false])

  world.groups = [0, 0, 0, 0]
  await clock.advance(STALENESS_MS)
  assert.deepEqual(held(), [true, true, true, true])
  world.stop()
})

test('a lease is not lost while statements keep coming in another order at each node', async () => {
  const clock = new VirtualClock(5)
  const roots = [rootOf(1, DIDS.slice(0, 3), termsOf({ n: 3, read: 2, write: 2 }))]
  const world = new World({ clock, nodes: 4, roots })
  await world.start()
  await clock.advance(3_000)
  let lost = 0
  for (let step = 0; step < 100; step++) {
    const node = world.nodes[step % 4] as SimNode
    void node.learn([idOf(utf8(`statement ${step}`))])
    await clock.advance(100)
    lost += world.nodes.filter(({ lease }) => !lease.status().held).length
  }
  assert.equal(lost, 0)
  world.stop()
})
