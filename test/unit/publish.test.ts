/** When a head is signed, over what, and that none is ever smaller. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { logOrigin, openCheckpoint } from '../../src/core/checkpoint.ts'
import type { StatementId } from '../../src/core/id.ts'
import { signerOf } from '../../src/core/keys.ts'
import { rootHash } from '../../src/core/merkle.ts'
import { Log } from '../../src/mesh/log.ts'
import { Publisher } from '../../src/mesh/publish.ts'
import { VirtualClock } from '../sim/clock.ts'
import { Disk, DiskStore } from '../sim/disk.ts'

const signer = signerOf(new Uint8Array(32).fill(7))
const MESH: StatementId = `sha256:${'ab'.repeat(32)}`
const draft = { type: 'system', event: 'test', detail: '' }

async function world(disk = new Disk(new VirtualClock())) {
  const { clock } = disk
  const store = await DiskStore.open(disk)
  const log = await Log.open({ store, clock, node: signer.did })
  log.openForAppends()
  const mesh: { id: StatementId | null } = { id: MESH }
  const origin = () => (mesh.id === null ? null : logOrigin(mesh.id, signer.did, log.epoch))
  const publisher = await Publisher.open({ log, store, clock, signer, origin })
  const sizes: number[] = []
  publisher.onPublished((note) => {
    const checkpoint = openCheckpoint(note, origin() ?? '', signer.did)
    assert.deepEqual(checkpoint?.rootHash, rootHash(log.tree))
    sizes.push(checkpoint?.size ?? -1)
  })
  return { clock, disk, store, log, mesh, publisher, sizes }
}

test('a checkpoint is of all durable records, signed, and kept before it is said', async () => {
  const { disk, log, publisher, sizes } = await world()
  publisher.onPublished((note) => assert.deepEqual(disk.head, note))
  await log.append(draft)
  assert.equal(await publisher.publish(), true)
  assert.deepEqual(sizes, [1])
  assert.equal(publisher.size, 1)
  assert.deepEqual(publisher.checkpoint, disk.head)
})

test('the empty log is published once, and then only what grew', async () => {
  const { log, publisher, sizes } = await world()
  assert.equal(await publisher.publish(), true)
  assert.equal(await publisher.publish(), false)
  await log.append(draft)
  assert.equal(await publisher.publish(), true)
  assert.deepEqual(sizes, [0, 1])
})

test('at most one is signed in a second, however much is written', async () => {
  const { clock, log, publisher, sizes } = await world()
  const stop = new AbortController()
  const run = publisher.run(stop.signal)
  for (let i = 0; i < 30; i += 1) {
    await log.append(draft)
    await clock.advance(100)
  }
  stop.abort()
  await clock.until(run)
  assert.ok(sizes.length >= 3 && sizes.length <= 4, `${sizes}`)
  assert.deepEqual(
    sizes,
    sizes.toSorted((a, b) => a - b),
  )
})

test('nothing is signed without a mesh, before the boot check is over, or once the log is sealed', async () => {
  const { log, mesh, publisher, store, clock } = await world()
  await log.append(draft)
  mesh.id = null
  assert.equal(await publisher.publish(), false)
  assert.equal(publisher.checkpoint, null)
  mesh.id = MESH
  const closed = await Log.open({ store, clock, node: signer.did })
  const origin = () => logOrigin(MESH, signer.did, 1)
  const early = await Publisher.open({ log: closed, store, clock, signer, origin })
  assert.equal(await early.publish(), false)
  log.seal('a test says so')
  assert.equal(await publisher.publish(), false)
})

test('after a start the one before is the newest, until the log has grown', async () => {
  const before = await world()
  await before.log.append(draft)
  await before.publisher.publish()
  const newest = before.publisher.checkpoint
  await before.store.close()
  const { log, publisher } = await world(before.disk)
  assert.deepEqual(publisher.checkpoint, newest)
  assert.equal(await publisher.publish(), false)
  await log.append(draft)
  assert.equal(await publisher.publish(), true)
  assert.equal(publisher.size, 2)
})

test('a log that begins anew is published under its own name', async () => {
  const { log, publisher, sizes } = await world()
  await log.append(draft)
  await log.append(draft)
  await publisher.publish()
  await log.retire(2, draft)
  assert.equal(publisher.checkpoint, null)
  assert.equal(publisher.size, 0)
  assert.equal(await publisher.publish(), true)
  assert.deepEqual(sizes, [2, 1])
})

test('a head that the disk does not take is not said', async () => {
  const { clock, disk, log, publisher, sizes } = await world()
  await log.append(draft)
  disk.faults.push('gone')
  await clock.until(log.probe())
  disk.refusedOpens = 0
  await clock.settle()
  const { store } = await world(new Disk(clock))
  await store.close()
  const lost = await Publisher.open({ log, store, clock, signer, origin: () => 'meshd/x/y/1' })
  assert.equal(await lost.publish(), false)
  assert.equal(lost.checkpoint, null)
  assert.deepEqual(sizes, [])
  assert.equal(await publisher.publish(), true)
})
