/** The scrub, and reading: what is damaged is found, said, and seals the log. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { toHex, utf8 } from '../../src/core/bytes.ts'
import { signCheckpoint } from '../../src/core/checkpoint.ts'
import { signerOf } from '../../src/core/keys.ts'
import { SCRUB_INTERVAL_MS, SCRUB_PAUSE_MS, SCRUB_RECORDS } from '../../src/core/limits.ts'
import { leafHash, rootHash } from '../../src/core/merkle.ts'
import { verifyConsistency, verifyInclusion } from '../../src/core/proof.ts'
import { Log } from '../../src/mesh/log.ts'
import { LogReader } from '../../src/mesh/log-reader.ts'
import { Scrub } from '../../src/mesh/scrub.ts'
import { VirtualClock } from '../sim/clock.ts'
import { Disk, DiskStore } from '../sim/disk.ts'

const signer = signerOf(new Uint8Array(32).fill(7))
const DAMAGED = { name: 'MeshError', code: 'LOG_DAMAGED' }
const draft = (detail: string) => ({ type: 'system', event: 'test', detail })

async function world(records: number) {
  const disk = new Disk(new VirtualClock())
  const { clock } = disk
  const store = await DiskStore.open(disk)
  const log = await Log.open({ store, clock, node: signer.did })
  log.openForAppends()
  await Promise.all(Array.from({ length: records }, (_, i) => log.append(draft(`${i}`))))
  const reader = new LogReader({ log, store })
  return { clock, disk, store, log, reader, scrub: Scrub.open({ log, store, clock }) }
}

test('a scrub reads everything in steps, says how far it is, and begins again', async () => {
  const { clock, log, scrub } = await world(2 * SCRUB_RECORDS + 10)
  const stop = new AbortController()
  const run = scrub.run(stop.signal)
  await clock.settle()
  assert.equal(scrub.percent, Math.floor((100 * SCRUB_RECORDS) / log.tree.size))
  await clock.advance(2 * SCRUB_PAUSE_MS)
  assert.equal(scrub.percent, 100)
  await clock.advance(SCRUB_INTERVAL_MS)
  assert.ok(scrub.percent < 100)
  stop.abort()
  await clock.until(run)
  assert.equal(log.sealed, null)
})

test('a record that changed on disk is found by the scrub and seals the log', async () => {
  const { clock, disk, log, scrub } = await world(2 * SCRUB_RECORDS)
  disk.flipRecord(SCRUB_RECORDS + 3)
  const stop = new AbortController()
  const run = scrub.run(stop.signal)
  await clock.advance(3 * SCRUB_PAUSE_MS)
  assert.match(log.sealed ?? '', /not what was written/)
  stop.abort()
  await clock.until(run)
})

test('a disk that fails for a while is no damage', async () => {
  const { clock, disk, log, store, scrub } = await world(10)
  disk.faults.push('gone')
  await assert.rejects(
    store.persist({ epoch: 1, first: 10, records: [], tree: log.tree, puts: [] }),
  )
  const stop = new AbortController()
  const run = scrub.run(stop.signal)
  await clock.advance(1_000)
  assert.equal(log.sealed, null)
  assert.equal(log.unwritable(), null)
  assert.equal(scrub.percent, 100)
  stop.abort()
  await clock.until(run)
})

test('records are read by number, newest first, and by id', async () => {
  const { reader } = await world(20)
  const numbers = (records: readonly { index: number }[]) => records.map(({ index }) => index)
  assert.deepEqual(numbers(await reader.range(18, 5)), [18, 19])
  assert.deepEqual(numbers(await reader.newest(null, 3)), [19, 18, 17])
  assert.deepEqual(numbers(await reader.newest(2, 5)), [1, 0])
  assert.deepEqual(numbers(await reader.newest(0, 5)), [])
  assert.equal(await reader.at(20), null)
  const seventh = await reader.at(7)
  assert.deepEqual(await reader.find(seventh?.id ?? 'sha256:'), seventh)
  assert.equal(await reader.find(`sha256:${'00'.repeat(32)}`), null)
})

test('a proof from the reader is a proof', async () => {
  const { log, reader } = await world(300)
  const root = rootHash(log.tree)
  for (const index of [0, 255, 256, 299]) {
    const leaf = leafHash((await reader.at(index))?.bytes ?? utf8(''))
    assert.ok(verifyInclusion(leaf, index, 300, await reader.inclusion(index), root))
  }
  const before = await world(0)
  assert.ok(verifyConsistency(0, rootHash(before.log.tree), 300, root, await reader.consistency(0)))
  assert.throws(() => reader.inclusion(300), { code: 'NOT_FOUND' })
  assert.throws(() => reader.consistency(301), { code: 'NOT_FOUND' })
})

test('a log that is what was written verifies, up to its end and its published head', async () => {
  const { log, store, reader } = await world(300)
  const checkpoint = { origin: 'meshd/m/n/1', size: 300, rootHash: rootHash(log.tree) }
  await store.keepHead(signCheckpoint(checkpoint, signer))
  await log.append(draft('one more'))
  const verified = await reader.verifyLog()
  assert.deepEqual(verified, {
    epoch: 1,
    size: 301,
    rootHash: toHex(rootHash(log.tree)),
    published: 300,
    verified: 301,
    pruned: 0,
    problems: [],
  })
})

test('a changed record and a head that contradicts the log are problems, and seal it', async () => {
  const changed = await world(300)
  changed.disk.flipRecord(280)
  const { problems, verified } = await changed.reader.verifyLog()
  assert.deepEqual([problems.length, verified], [1, 256])
  assert.notEqual(changed.log.sealed, null)

  const contradicted = await world(3)
  const lie = { origin: 'meshd/m/n/1', size: 2, rootHash: leafHash(utf8('another')) }
  await contradicted.store.keepHead(signCheckpoint(lie, signer))
  assert.match((await contradicted.reader.verifyLog()).problems[0] ?? '', /published/)
  assert.notEqual(contradicted.log.sealed, null)
})

test('reading a damaged record says so, gives nothing, and seals the log', async () => {
  const { disk, log, reader } = await world(3)
  disk.flipRecord(1)
  await assert.rejects(reader.at(1), DAMAGED)
  assert.notEqual(log.sealed, null)
})
