/** A log that comes back from mirrors, whatever mirrors say; and that nothing is written which its key did not sign. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { equalBytes, textOf, toHex, utf8 } from '../../src/core/bytes.ts'
import { logOrigin, signCheckpoint } from '../../src/core/checkpoint.ts'
import type { Did } from '../../src/core/keys.ts'
import { REFETCH_QUIET_MS, REFETCH_RETRY_MS } from '../../src/core/limits.ts'
import { append, EMPTY, leafHash, rootHash } from '../../src/core/merkle.ts'
import { MeshError } from '../../src/core/problems.ts'
import { Log } from '../../src/mesh/log.ts'
import type { LogAnswer, LogRequest } from '../../src/mesh/log-frames.ts'
import type { Rollback } from '../../src/mesh/own-log.ts'
import { Refetch } from '../../src/mesh/refetch.ts'
import { batchOf } from '../ports/stores.ts'
import { VirtualClock } from '../sim/clock.ts'
import { Disk, DiskStore } from '../sim/disk.ts'
import { atlas, borealis, corvus, World } from './statements.ts'

const world = new World()
const self = atlas.identity.did
const [one, other] = [borealis.identity.did, corvus.identity.did]
const texts = Array.from({ length: 700 }, (_, i) => `{"n":${i},"type":"system"}`)
const whole = texts.map(utf8)
type Copy = (request: Extract<LogRequest, { ask: 'copy' }>) => LogAnswer

const treeOf = (records: readonly Uint8Array[]) =>
  records.reduce((tree, record) => append(tree, leafHash(record)), EMPTY)

/** Gives what it has, as an honest mirror does. */
const honest =
  (records: readonly Uint8Array[]): Copy =>
  ({ first, count }) => {
    const some = records.slice(first, first + count)
    return some.length === 0 ? { say: 'refused', why: 'absent' } : { say: 'records', records: some }
  }

/** A node that has `kept` records of a log of 600, and meets these mirrors. */
async function restoring(kept: number, mirrors: readonly (readonly [Did, Copy])[], epoch = 1) {
  const clock = new VirtualClock()
  const store = await DiskStore.open(new Disk(clock))
  await store.persist(batchOf(store, texts.slice(0, kept)))
  const log = await Log.open({ store, clock, node: self })
  const origin = logOrigin(world.mesh, self, epoch)
  const head = { origin, size: 600, rootHash: rootHash(treeOf(whole.slice(0, 600))) }
  const checkpoint = textOf(signCheckpoint(head, atlas.log))
  const rollback: Rollback = { kind: 'rollback', epoch, size: 600, checkpoint }
  const boot = {
    done: false,
    rollback: rollback as Rollback | null,
    restored: async () => {
      const last = rootHash(treeOf(whole.slice(0, 600)))
      boot.done = equalBytes(rootHash(log.tree), last)
    },
  }
  const asked: number[] = []
  const relearned: string[] = []
  const problems: string[] = []
  const refetch = new Refetch({
    ...{ clock, log, boot },
    network: { self, peers: () => mirrors.map(([peer]) => ({ peer }) as never) },
    ask: async (peer, request) => {
      assert.ok(request.ask === 'copy')
      asked.push(request.first)
      const copy = mirrors.find(([did]) => did === peer)?.[1]
      return copy?.(request) ?? assert.fail()
    },
    relearn: (record) => {
      relearned.push(textOf(record))
      return []
    },
    problem: (what) => problems.push(what),
  })
  const stop = new AbortController()
  const running = refetch.run(stop.signal)
  const end = async (ms = 2 * REFETCH_QUIET_MS + 3 * REFETCH_RETRY_MS) => {
    await clock.advance(ms)
    stop.abort()
    await clock.until(running)
  }
  const size = () => log.tree.size
  return { clock, store, log, boot, refetch, asked, relearned, problems, end, size }
}

test('what is missing comes back, and what it says is learned anew', async () => {
  const { store, boot, refetch, relearned, end } = await restoring(90, [[one, honest(whole)]])
  await end()
  assert.equal(boot.done, true)
  assert.equal(toHex(rootHash(store.tree)), toHex(rootHash(treeOf(whole.slice(0, 600)))))
  assert.deepEqual(relearned, texts.slice(90, 600))
  assert.deepEqual(refetch.restored, { epoch: 1, from: 90, to: 600, mirror: one })
})

test('nothing is asked while it listens for another daemon with its identity, and never when there is one', async () => {
  const quiet = await restoring(90, [[one, honest(whole)]])
  await quiet.end(2 * REFETCH_QUIET_MS - REFETCH_RETRY_MS - 1)
  assert.deepEqual(quiet.asked, [])
  const twin = await restoring(90, [[one, honest(whole)]])
  // Of the daemon that was here before: it may be late.
  twin.refetch.heardSelf(twin.clock.wallMs() - 1)
  assert.equal(twin.refetch.twin, false)
  twin.refetch.heardSelf(twin.clock.wallMs() + REFETCH_QUIET_MS + 1)
  await twin.end()
  assert.deepEqual([twin.refetch.twin, twin.asked, twin.size()], [true, [], 90])
})

const changed = (at: number) => whole.map((record, i) => (i === at ? record.with(2, 0x6d) : record))

/** What a mirror may do that brings nothing back, and writes nothing. */
const HOSTILE: Readonly<Record<string, () => Copy>> = {
  'the first record is another': () => honest(changed(90)),
  'the last record is another': () => honest(changed(599)),
  'all is another log': () => honest(whole.map((_, i) => utf8(`other ${i}`))),
  'the end is missing': () => honest(whole.slice(0, 599)),
  'it holds nothing': () => () => ({ say: 'refused', why: 'absent' }),
  'it answers something else': () => () => ({ say: 'size', size: 600 }),
  'it answers nothing': () => () => {
    throw new MeshError('TIMEOUT', 'no answer')
  },
  'it gives more than is asked': () => (request) =>
    honest(whole)({ ...request, count: request.count + 1 }),
  'it trickles one record at a time': () => (request) => honest(whole)({ ...request, count: 1 }),
  'records are shifted': () => (request) => honest(whole)({ ...request, first: request.first + 1 }),
  'the same piece comes again and again': () => (request) =>
    honest(whole)({ ...request, first: 90 }),
}

for (const [what, copy] of Object.entries(HOSTILE))
  test(`nothing is written where ${what}; the next mirror is asked`, async () => {
    const alone = await restoring(90, [[one, copy()]])
    await alone.end()
    assert.deepEqual([alone.size(), alone.boot.done, alone.refetch.restored], [90, false, null])
    const both = await restoring(90, [
      [one, copy()],
      [other, honest(whole)],
    ])
    await both.end()
    assert.deepEqual(
      [both.size(), both.boot.done, both.refetch.restored?.mirror],
      [600, true, other],
    )
  })

test('who gives something else the second time has written only what is right', async () => {
  let asked = 0
  const fickle: Copy = (request) => {
    asked += 1
    // It is listened to in two questions; the fourth is the second that is written from.
    return asked === 4 ? honest(changed(400))(request) : honest(whole)(request)
  }
  const { store, boot, end } = await restoring(90, [[one, fickle]])
  await end(2 * REFETCH_QUIET_MS + 500)
  assert.equal(boot.done, false)
  assert.equal(store.tree.size, 346)
  assert.deepEqual(store.tree, treeOf(whole.slice(0, 346)))
})

test('a mirror that led elsewhere is not listened to again', async () => {
  const { asked, end, problems } = await restoring(90, [[one, honest(changed(599))]])
  await end(2 * REFETCH_QUIET_MS + 10 * REFETCH_RETRY_MS)
  assert.equal(asked.length, 2)
  assert.equal(problems.length, 1)
})

test('a log of an earlier epoch is followed by the one that was lost, from its first record', async () => {
  const { store, end } = await restoring(40, [[one, honest(whole)]], 2)
  await end()
  assert.deepEqual([store.epoch, store.tree.size], [2, 600])
})

test('another log of the same size, or a shorter one, cannot be brought back', async () => {
  for (const kept of [600, 650]) {
    const { asked, size, end } = await restoring(kept, [[one, honest(whole)]])
    await end()
    assert.deepEqual([asked, size()], [[], kept])
  }
})

test('a log that is retired meanwhile takes nothing of the old one', async () => {
  const retired: Promise<void>[] = []
  const copy: Copy = (request) => {
    if (retired.length === 0 && request.first > 90)
      retired.push(log.retire(2, { type: 'system', event: 'test', detail: '' }))
    return honest(whole)(request)
  }
  const { log, store, end } = await restoring(90, [[one, copy]])
  await end()
  assert.equal(retired.length, 1)
  assert.deepEqual([store.epoch, store.tree.size], [2, 1])
})
