/** Group commit: order, numbers, and what happens when the disk refuses. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { utf8 } from '../../src/core/bytes.ts'
import { idOf } from '../../src/core/id.ts'
import { parseJson } from '../../src/core/json.ts'
import type { Did } from '../../src/core/keys.ts'
import { BATCH_RECORDS_MAX, LOG_WAITERS_MAX, RECORD_BYTES_MAX } from '../../src/core/limits.ts'
import { rootHash } from '../../src/core/merkle.ts'
import { Log } from '../../src/mesh/log.ts'
import type { Put } from '../../src/mesh/ports.ts'
import { VirtualClock } from '../sim/clock.ts'
import { Disk, DiskStore, rootOf } from '../sim/disk.ts'

const NODE = 'did:key:z6MkhaXgBZDvotDkL5257faiztiGiC2QtKLGpbnnEGta2doK' as Did
const NOT_READY = { name: 'MeshError', code: 'NOT_READY' }
const DAMAGED = { name: 'MeshError', code: 'LOG_DAMAGED' }

const draft = (detail: string) => ({ type: 'system', event: 'test', detail })
const put = (key: string): Put => ({ space: 'statement', key, value: utf8(key) })

async function world(delayMs = 0) {
  const clock = new VirtualClock()
  const disk = new Disk(clock)
  disk.delayMs = delayMs
  const store = await DiskStore.open(disk)
  const log = await Log.open({ store, clock, node: NODE })
  log.openForAppends()
  return { clock, disk, store, log }
}

/** Rejections are looked at later; until then they are nobody's. */
function later<T>(promise: Promise<T>): Promise<T> {
  promise.catch(() => {})
  return promise
}

const bytesOn = (disk: Disk) => disk.state.records.map(({ bytes }) => bytes)
const detailsOn = (disk: Disk) =>
  bytesOn(disk).map((bytes) => (parseJson(bytes, RECORD_BYTES_MAX) as { detail: string }).detail)

test('a record is numbered, dated, named after its bytes, and durable when it is answered', async () => {
  const { disk, log, clock } = await world()
  const { id, index } = await log.append(draft('one'))
  const [bytes] = bytesOn(disk) as [Uint8Array]
  assert.equal(index, 0)
  assert.equal(id, idOf(bytes))
  const time = new Date(clock.wallMs()).toISOString()
  assert.equal(
    Buffer.from(bytes).toString(),
    `{"detail":"one","epoch":1,"event":"test","index":0,"node":"${NODE}","time":"${time}","type":"system"}`,
  )
  assert.deepEqual(rootHash(log.tree), rootOf(disk))
})

test('a decision says when it was judged where it is written at another time, and there alone', async () => {
  const { disk, log, clock } = await world(10)
  const judged = new Date(clock.wallMs()).toISOString()
  const decision = { type: 'decision', judged }
  // The second waits for the disk, which has the first.
  const first = log.append(decision)
  await clock.settle()
  await clock.until(Promise.all([first, log.append(decision)]))
  const [at, later] = bytesOn(disk).map((bytes) => JSON.parse(Buffer.from(bytes).toString()))
  assert.deepEqual([at.time, at.judged], [judged, undefined])
  assert.notEqual(later.time, judged)
  assert.equal(later.judged, judged)
})

test('what comes while the disk is busy is one batch, in the order in which it came', async () => {
  const { disk, log, clock } = await world(10)
  const names = Array.from({ length: 50 }, (_, i) => `${i}`)
  const first = log.append(draft('first'))
  await clock.settle()
  const all = names.map((name) => log.append(draft(name)))
  await clock.until(Promise.all([first, ...all]))
  assert.equal(disk.state.commit, 2)
  assert.deepEqual(detailsOn(disk), ['first', ...names])
  assert.deepEqual(
    (await Promise.all(all)).map(({ index }) => index),
    names.map((_, i) => i + 1),
  )
})

test('puts that are made at the last moment have all that came while the disk was busy', async () => {
  const { disk, log, clock } = await world(10)
  const keys = ['a']
  const first = log.append(draft('first'))
  await clock.settle()
  const kept = log.persist(() => keys.map(put))
  keys.push('b')
  await clock.until(Promise.all([first, kept]))
  assert.equal(disk.state.commit, 2)
  assert.deepEqual([...disk.state.kept.keys()], ['statement/a', 'statement/b'])
})

test('nobody is answered before the batch is durable', async () => {
  const { disk, log, clock } = await world(10)
  let answered = false
  const appended = log.append(draft('one')).then(() => {
    answered = true
  })
  await clock.advance(9)
  assert.equal(answered, false)
  assert.equal(log.tree.size, 0)
  assert.equal(disk.state.commit, 0)
  await clock.until(appended)
  assert.equal(log.tree.size, 1)
})

test('a batch holds so many records at most', async () => {
  const { disk, log } = await world()
  const sizes: number[] = []
  log.onDurable((records) => sizes.push(records.length))
  await Promise.all(Array.from({ length: 300 }, (_, i) => log.append(draft(`${i}`))))
  assert.deepEqual(sizes, [BATCH_RECORDS_MAX, BATCH_RECORDS_MAX, 300 - 2 * BATCH_RECORDS_MAX])
  assert.equal(disk.state.commit, 3)
})

test('puts travel with the record that names them, and with no record at all', async () => {
  const { disk, log } = await world()
  const { id } = await log.append(draft('allow'), (own) => [put(own)])
  await log.persist([put('statement')])
  assert.deepEqual(
    [...disk.state.kept.keys()].sort(),
    [`statement/${id}`, 'statement/statement'].sort(),
  )
  assert.equal(log.tree.size, 1)
})

test('listeners hear of each record once, after it is durable', async () => {
  const { disk, log } = await world()
  const heard: string[] = []
  log.onDurable((records) => {
    for (const { index, id } of records) {
      assert.equal(idOf(bytesOn(disk)[index] as Uint8Array), id)
      heard.push(id)
    }
  })
  const appended = await Promise.all([log.append(draft('a')), log.append(draft('b'))])
  await log.persist([put('silent')])
  assert.deepEqual(
    heard,
    appended.map(({ id }) => id),
  )
})

test('before the boot check is over nothing is appended, and everything else is kept', async () => {
  const { disk, store, clock } = await world()
  const log = await Log.open({ store, clock, node: NODE })
  assert.match(log.unwritable() ?? '', /boot check/)
  await assert.rejects(log.append(draft('early')), NOT_READY)
  await log.persist([put('learned')])
  assert.ok(disk.state.kept.has('statement/learned'))
  log.openForAppends()
  assert.equal(log.unwritable(), null)
})

test('a low disk takes statements, and no records', async () => {
  const { disk, log } = await world()
  disk.low = 'the disk has 3 MiB left'
  assert.equal(log.unwritable(), 'the disk has 3 MiB left')
  await assert.rejects(log.append(draft('a')), NOT_READY)
  await log.persist([put('revocation')])
  assert.ok(disk.state.kept.has('statement/revocation'))
})

test('more than so many waiting records are refused, while statements are still taken', async () => {
  const { disk, log, clock } = await world(1)
  const waiting = Array.from({ length: LOG_WAITERS_MAX }, (_, i) => log.append(draft(`${i}`)))
  await assert.rejects(log.append(draft('too many')), { name: 'MeshError', code: 'TOO_MANY' })
  const kept = log.persist([put('revocation')])
  await clock.until(Promise.all([...waiting, kept]))
  assert.equal(disk.state.records.length, LOG_WAITERS_MAX)
  assert.ok(disk.state.kept.has('statement/revocation'))
})

test('a record that is too large is refused by itself; its neighbours are written', async () => {
  const { disk, log } = await world()
  const [before, large, after] = await Promise.allSettled([
    log.append(draft('before')),
    log.append(draft('x'.repeat(RECORD_BYTES_MAX))),
    log.append(draft('after')),
  ])
  assert.equal(large?.status === 'rejected' && large.reason.code, 'TOO_LARGE')
  assert.deepEqual([before?.status, after?.status], ['fulfilled', 'fulfilled'])
  assert.deepEqual(detailsOn(disk), ['before', 'after'])
})

for (const fault of ['gone', 'there'] as const)
  test(`after a refused batch that is ${fault} nobody is answered, and the next number comes from disk`, async () => {
    const { disk, log, clock } = await world()
    await log.append(draft('first'))
    disk.faults.push(fault)
    const refused = [later(log.append(draft('a'))), later(log.append(draft('b')))]
    for (const each of refused) await assert.rejects(clock.until(each), NOT_READY)
    await clock.advance(1_000)
    assert.equal(log.unwritable(), null)
    const { index } = await log.append(draft('next'))
    assert.equal(index, fault === 'gone' ? 1 : 3)
    const ghosts = fault === 'gone' ? [] : ['a', 'b']
    assert.deepEqual(detailsOn(disk), ['first', ...ghosts, 'next'])
    assert.deepEqual(rootHash(log.tree), rootOf(disk))
  })

test('a store that does not open is tried again, and refuses meanwhile', async () => {
  const { disk, log, clock } = await world()
  disk.faults.push('gone')
  disk.refusedOpens = 3
  await assert.rejects(clock.until(later(log.append(draft('a')))), NOT_READY)
  await clock.settle()
  assert.match(log.unwritable() ?? '', /the disk failed/)
  await assert.rejects(log.append(draft('b')), NOT_READY)
  await assert.rejects(clock.until(later(log.persist([put('c')]))), NOT_READY)
  await assert.rejects(clock.until(later(log.persist([put('c')]))), NOT_READY)
  await clock.until(log.persist([put('revocation')]))
  assert.ok(disk.state.kept.has('statement/revocation'))
  assert.equal(log.unwritable(), null)
  await log.append(draft('d'))
  assert.deepEqual(detailsOn(disk), ['d'])
})

test('acknowledged records that are gone seal the log for good', async () => {
  const { disk, log, clock } = await world()
  const sealed: string[] = []
  log.onSealed((why) => sealed.push(why))
  for (const name of ['a', 'b', 'c']) await log.append(draft(name))
  disk.tear(1)
  disk.faults.push('gone')
  await assert.rejects(clock.until(later(log.append(draft('d')))), NOT_READY)
  await clock.settle()
  assert.equal(sealed.length, 1)
  assert.match(log.unwritable() ?? '', /sealed/)
  await assert.rejects(log.append(draft('e')), DAMAGED)
  await assert.rejects(log.persist([put('f')]), DAMAGED)
  await clock.advance(60_000)
  assert.match(log.unwritable() ?? '', /sealed/)
})

test('a retired log is followed by one that begins with the record that says so', async () => {
  const { disk, log } = await world()
  await log.append(draft('old'))
  await log.retire(4, { type: 'epoch', detail: 'retired' })
  assert.equal(log.epoch, 4)
  assert.equal((await log.append(draft('new'))).index, 1)
  assert.deepEqual(detailsOn(disk), ['retired', 'new'])
  await assert.rejects(log.retire(4, draft('again')), { code: 'CONFLICT' })
})

test('a log is retired before the boot check is over, and records that wait come after', async () => {
  const { disk, store, clock } = await world(5)
  const log = await Log.open({ store, clock, node: NODE })
  const retired = log.retire(2, draft('retired'))
  log.openForAppends()
  const appended = log.append(draft('next'))
  await clock.until(Promise.all([retired, appended]))
  assert.deepEqual(detailsOn(disk), ['retired', 'next'])
  assert.equal((await appended).index, 1)
})

test('what is appended once a new log is asked for is told to be in that one', async () => {
  const { disk, store, clock } = await world(5)
  const log = await Log.open({ store, clock, node: NODE })
  log.openForAppends()
  const old = log.append(draft('old'))
  assert.deepEqual(log.next, { epoch: 1, index: 1 })
  const retired = log.retire(2, draft('retired'))
  assert.equal(log.next.epoch, 2)
  const appended = log.append(draft('new'))
  await clock.until(Promise.all([old, retired, appended]))
  assert.deepEqual([log.epoch, log.next], [2, { epoch: 2, index: 2 }])
  assert.deepEqual(detailsOn(disk), ['retired', 'new'])
})

test('closing waits for what was asked, and takes nothing more', async () => {
  const { disk, log, clock } = await world(10)
  const appended = log.append(draft('last'))
  const closed = log.close()
  await assert.rejects(log.append(draft('late')), NOT_READY)
  await clock.until(closed)
  await appended
  assert.deepEqual(detailsOn(disk), ['last'])
})

test('a probe finds out that the handle failed, and opens it anew', async () => {
  const { disk, log, clock } = await world()
  disk.faults.push('gone')
  await clock.until(log.probe())
  await clock.settle()
  assert.equal(log.unwritable(), null)
  await log.append(draft('a'))
})
