import assert from 'node:assert/strict'
import { test } from 'node:test'
import { utf8 } from '../../src/core/bytes.ts'
import { idOf } from '../../src/core/id.ts'
import type { Did } from '../../src/core/keys.ts'
import { MeshError } from '../../src/core/problems.ts'
import type { Evidence } from '../../src/core/statement/evidence.ts'
import { VirtualClock } from '../sim/clock.ts'
import { DIDS, rootOf } from '../sim/lease-roots.ts'
import { type SimNode, World } from '../sim/lease-world.ts'

const TERMS = { read: 2, write: 2, faults: 0, stalenessMs: 4_000, skewMs: 500 }
const REVOCATION = idOf(utf8('revocation'))
const OTHER = idOf(utf8('freeze'))
const never = new AbortController().signal

/** Three witnesses and a member. */
async function meshOf() {
  const clock = new VirtualClock(1)
  const roots = [rootOf(1, DIDS.slice(0, 3), TERMS)]
  const world = new World({ clock, nodes: 4, roots, rules: { signed: true } })
  await world.start()
  await clock.advance(5_000)
  return { clock, world, nodes: world.nodes as unknown as [SimNode, SimNode, SimNode, SimNode] }
}

test('a statement is committed once `write` witnesses signed it, and all have it in the end', async () => {
  const { clock, nodes } = await meshOf()
  const [a] = nodes
  await clock.until(a.learn([REVOCATION]))
  const atMs = clock.wallMs()
  const committed = await clock.until(a.spread.view(REVOCATION, 'committed', 10_000, never))
  assert.equal(committed.acceptedAtMs, atMs)
  assert.ok(committed.witnessesHolding >= 2 && committed.committedAtMs !== null)
  assert.equal(committed.boundAtMs, committed.committedAtMs + 4_000 + 2 * 500)
  const all = await clock.until(a.spread.view(REVOCATION, 'all', 10_000, never))
  assert.deepEqual(
    all.holders.map(({ node, role, applied }) => [node, role, applied]),
    [
      [DIDS[0], 'witness', true],
      [DIDS[1], 'witness', true],
      [DIDS[2], 'witness', true],
      [DIDS[3], 'member', true],
    ],
  )
  assert.equal(all.committedAtMs, committed.committedAtMs)
  for (const { appliedMs } of all.holders) assert.ok(appliedMs !== null && appliedMs < 10_000)
})

test('before the commit there is no bound, and who does not answer is said', async () => {
  const { clock, world, nodes } = await meshOf()
  const [a] = nodes
  world.groups = [0, 1, 2, 0]
  await clock.until(a.learn([REVOCATION]))
  const view = await clock.until(a.spread.view(REVOCATION, 'committed', 5_000, never))
  assert.deepEqual(
    [view.witnessesHolding, view.committedAtMs, view.committedMs, view.boundAtMs],
    [1, null, null, null],
  )
  assert.deepEqual(
    view.holders.map(({ applied, unreachable }) => [applied, unreachable]),
    [
      [true, null],
      [false, 'unreachable'],
      [false, 'unreachable'],
      [true, null],
    ],
  )
})

test('a witness of which there is evidence makes no commit', async () => {
  const { clock, world, nodes } = await meshOf()
  const [a] = nodes
  const liar = DIDS[1] as Did
  a.also = { distrusted: new Map([[liar, {} as Evidence]]) }
  world.groups = [0, 0, 1, 1]
  await clock.until(a.learn([REVOCATION]))
  const view = await clock.until(a.spread.view(REVOCATION, 'committed', 5_000, never))
  assert.deepEqual([view.witnessesHolding, view.committedAtMs], [1, null])
})

test('one round asks everybody once and waits no longer than it may', async () => {
  const { clock, world, nodes } = await meshOf()
  const [a] = nodes
  world.groups = [0, 0, 0, 3]
  await clock.until(a.learn([REVOCATION]))
  const begunMs = clock.monotonicMs()
  const view = await clock.until(a.spread.view(REVOCATION, 'none', 500, never))
  assert.ok(clock.monotonicMs() - begunMs <= 500)
  assert.equal(view.holders[3]?.applied, false)
})

test('the last moment of a wait is long enough for the clock to move', async () => {
  const { clock, world, nodes } = await meshOf()
  const [a] = nodes
  world.groups = [0, 1, 2, 0]
  await clock.until(a.learn([REVOCATION]))
  // Its clock counts finer than that of the world: what is left may be less than either can tell.
  a.suspendedMs = clock.monotonicMs() - 0.1
  for (let tenths = 1; tenths < 100; tenths += 1) {
    const begunMs = clock.monotonicMs()
    await clock.until(a.spread.view(REVOCATION, 'committed', tenths / 10, never))
    const waitedMs = clock.monotonicMs() - begunMs
    assert.ok(waitedMs >= tenths / 10 - 1e-6 && waitedMs < tenths / 10 + 2)
  }
})

test('a witness that cannot speak does not commit', async () => {
  const { clock, world, nodes } = await meshOf()
  const [a, b, c] = nodes
  world.groups = [0, 1, 2, 0]
  // b starts anew while nobody is there to tell it what it may have forgotten.
  b.crash()
  await b.start()
  world.groups = [0, 0, 2, 0]
  a.crash()
  await a.start()
  await clock.until(a.learn([REVOCATION]))
  await clock.until(b.learn([REVOCATION]))
  const view = await clock.until(a.spread.view(REVOCATION, 'committed', 3_000, never))
  assert.equal(view.holders[1]?.applied, true)
  assert.deepEqual([view.witnessesHolding, view.committedAtMs], [0, null])
  assert.ok(c.boot.done && !a.boot.done && !b.boot.done)
})

test('the word of a witness whose disk was set back since makes no commit', async () => {
  const { clock, world, nodes } = await meshOf()
  const [a, b, c, d] = nodes
  // The member and one witness, while the two others are elsewhere; then that one forgets.
  world.groups = [0, 1, 1, 0]
  const before = a.image()
  await clock.until(d.learn([REVOCATION]))
  await clock.until(a.learn([REVOCATION]))
  const first = await clock.until(d.spread.view(REVOCATION, 'committed', 1_000, never))
  assert.deepEqual([first.holders[1]?.applied, first.witnessesHolding], [true, 1])
  a.crash()
  world.groups = [1, 1, 1, 0]
  await a.start(before)
  await clock.advance(5_000)
  assert.ok(a.boot.done && !a.disk.ids.has(REVOCATION))
  // Another one learns of it alone: never did two hold it at one moment.
  world.groups = [1, 0, 1, 0]
  await clock.until(b.learn([REVOCATION]))
  const second = await clock.until(d.spread.view(REVOCATION, 'committed', 3_000, never))
  assert.deepEqual([second.committedAtMs, second.boundAtMs], [null, null])
  assert.ok(!c.disk.ids.has(REVOCATION))
})

test('what a witness accepted before its boot check was over counts from then on, and not before', async () => {
  const { clock, world, nodes } = await meshOf()
  const [a, b] = nodes
  world.groups = [0, 1, 2, 3]
  const before = b.image()
  a.crash()
  await a.start()
  await clock.until(a.learn([REVOCATION]))
  await clock.until(b.learn([REVOCATION]))
  // One holds it and speaks, and then its disk is an older one; only then the other comes to speak.
  world.groups = [0, 0, 1, 2]
  const first = await clock.until(a.spread.view(REVOCATION, 'committed', 1_000, never))
  assert.deepEqual([first.witnessesHolding, a.boot.done], [1, false])
  b.crash()
  await b.start(before)
  world.groups = [0, 0, 0, 1]
  for (let ms = 0; !a.boot.done && ms < 5_000; ms += 1) await clock.advance(1)
  const now = await clock.until(a.spread.view(REVOCATION, 'none', 0, never))
  assert.deepEqual([a.boot.done, b.boot.done], [true, false])
  assert.deepEqual([now.committedAtMs, now.boundAtMs], [null, null])
})

test('a clock that was set since the commit moves the bound that is printed', async () => {
  const { clock, nodes } = await meshOf()
  const [a] = nodes
  await clock.until(a.learn([REVOCATION]))
  const before = await clock.until(a.spread.view(REVOCATION, 'committed', 10_000, never))
  a.offsetMs = 300_000
  const after = await clock.until(a.spread.view(REVOCATION, 'none', 1_000, never))
  assert.ok(before.boundAtMs !== null)
  assert.equal(after.boundAtMs, before.boundAtMs + 300_000)
})

test('a statement that is not known here has no spread', async () => {
  const { nodes } = await meshOf()
  await assert.rejects(
    nodes[0].spread.view(REVOCATION, 'none', 100, never),
    (error) => error instanceof MeshError && error.code === 'NOT_FOUND',
  )
})

test('a commit is noticed without anybody asking for it', async () => {
  const { clock, nodes } = await meshOf()
  const [a] = nodes
  await clock.until(a.learn([REVOCATION]))
  const atMs = clock.wallMs()
  await clock.advance(60_000)
  const { committedAtMs, boundAtMs } = await clock.until(
    a.spread.view(REVOCATION, 'none', 1_000, never),
  )
  assert.ok(committedAtMs !== null && committedAtMs <= atMs + 3_000)
  assert.equal(boundAtMs, committedAtMs + 5_000)
})

test('drift says who lacks what since when, and from when it denies by itself', async () => {
  const { clock, world, nodes } = await meshOf()
  const [a] = nodes
  await clock.advance(3_000)
  world.groups = [0, 0, 0, 3]
  const atMs = clock.wallMs()
  for (const node of nodes.slice(0, 3)) await clock.until(node.learn([REVOCATION]))
  await clock.until(a.learn([OTHER]))
  await clock.advance(3_000)
  const drift = await clock.until(a.drift.view(never))
  const [b, , d] = drift
  assert.deepEqual([b?.missing, b?.missingCount, b?.cause], [[], 0, 'none'])
  assert.deepEqual([d?.missing, d?.missingCount, d?.cause], [[REVOCATION, OTHER], 2, 'unreachable'])
  assert.ok(d !== undefined && d.sinceMs !== null && d.sinceMs >= atMs && d.sinceMs < atMs + 100)
  assert.ok(d.deniesFromMs !== null && d.deniesFromMs >= d.sinceMs + 5_000)
  await clock.advance(d.deniesFromMs - clock.wallMs())
  assert.equal(nodes[3].lease.status().held, false)
})
