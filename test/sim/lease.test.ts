/**
 * The bound, on random partitions: no node allows what a revocation covers
 * later than its commit + staleness + 2 · skew (Q1). Each rule that carries
 * weight is left out once, so that the check is known to fail without it.
 */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { utf8 } from '../../src/core/bytes.ts'
import { idOf } from '../../src/core/id.ts'
import { row } from '../lab/row.ts'
import { VirtualClock } from './clock.ts'
import { DIDS, rootOf } from './lease-roots.ts'
import { BREAKS, HOLDS } from './lease-rows.ts'
import { boundMs, runs, STALENESS_MS, termsOf } from './lease-runs.ts'
import { type SimNode, World } from './lease-world.ts'

for (const { name, situation, seeds } of HOLDS)
  test(`the bound holds with ${name}`, async (t) => {
    const { late, allows, commits, worstMs } = await runs(situation, seeds)
    assert.equal(late, 0, `${late} of ${seeds} runs allowed too late, by ${worstMs} ms at worst`)
    assert.ok(allows > seeds, 'nodes do allow')
    assert.ok(commits > seeds, 'revocations do commit')
    const says = `${late} late of ${allows} allows, ${worstMs.toFixed(0)} of ${boundMs(situation)} ms`
    if (situation.restores !== true && situation.rotation !== true) row(t, 109, says)
    if (situation.restores === true) row(t, 110, says)
    if (situation.restores === true && situation.n === 2) row(t, 111, says)
    if (situation.rotation === true && situation.stalenessMs === undefined) row(t, 112, says)
    if (situation.stalenessMs !== undefined) row(t, 113, says)
    if (situation.behindMs !== undefined) row(t, 115, says)
    if (situation.liars === 1) row(t, 118, says)
    if (situation.liars === 2) row(t, 70, `k - 1 collude: ${says}`)
  })

for (const { name, situation, first, seeds } of BREAKS)
  test(`the check sees the bound broken by ${name}`, async () => {
    const { late } = await runs(situation, seeds, { first, enough: true })
    assert.ok(late > 0, 'a rule that can be left out is no rule')
  })

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

test('a lease is not lost while statements keep coming in another order at each node', async (t) => {
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
  row(t, 119, `${lost} of 400 looks without a lease`)
  world.stop()
})

test('a witness that answers nobody takes no allow from those that reach enough others', async (t) => {
  const clock = new VirtualClock(7)
  const { read, write } = { read: 2, write: 2 }
  const roots = [rootOf(1, DIDS.slice(0, 3), termsOf({ n: 3, read, write }))]
  const world = new World({ clock, nodes: 5, roots })
  await world.start()
  await clock.advance(3_000)
  world.silent = [0]
  let [held, looks] = [0, 0]
  for (let step = 0; step < 200; step++) {
    await clock.advance(100)
    if (step % 20 === 0) void (world.nodes[1] as SimNode).learn([idOf(utf8(`statement ${step}`))])
    for (const node of world.nodes.slice(1)) {
      looks += 1
      held += node.lease.status().held ? 1 : 0
    }
  }
  assert.equal(held, looks)
  assert.equal(world.committed.size, 11, 'what is said is committed without it: the root and ten')
  row(
    t,
    70,
    `a witness withholds: ${((100 * held) / looks).toFixed(1)} % allowed of ${looks} looks`,
  )
  world.stop()
})
