/** A node whose disk was set back, on whole nodes: its log comes back from a mirror and goes on, or it stays closed. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { equalBytes } from '../../src/core/bytes.ts'
import { idOf } from '../../src/core/id.ts'
import { rootHash } from '../../src/core/merkle.ts'
import { row } from '../lab/row.ts'
import { type Host, meshOfThree } from './three.ts'

const draft = { type: 'system', event: 'test', detail: '' }

/** Three nodes; the first wrote some records, and then more that an image of its disk lacks. */
async function setBack(mirrors: number, more = 40) {
  const three = await meshOfThree()
  const { mesh, clock, a } = three
  mesh.mirrors = mirrors
  const write = async (count: number) => {
    for (let i = 0; i < count; i += 1) await clock.until(a.node.log.append(draft))
    await clock.advance(4_000)
  }
  await write(5)
  const image = a.disk.state
  const { size: kept } = a.node.log.tree
  await write(more)
  const lost = await clock.until(a.node.reader.range(0, a.node.log.tree.size))
  const { tree } = a.node.log
  return { ...three, image, kept, lost, tree }
}

/** Nobody has anything against it. */
function trusted(hosts: readonly Host[]): void {
  for (const { node } of hosts) assert.equal(node.statements.governance.evidence.size, 0)
}

test('the log comes back whole and goes on in its epoch, and nobody has anything against it', async (t) => {
  const { mesh, clock, a, b, c, image, kept, lost, tree } = await setBack(1)
  await mesh.setBack(a, image)
  assert.equal(a.node.log.tree.size, kept)
  await clock.advance(15_000)
  assert.equal(a.node.boot.done, true)
  assert.equal(a.node.log.epoch, 1)
  assert.ok(equalBytes(await clock.until(a.node.reader.rootHashAt(tree.size)), rootHash(tree)))
  const now = await clock.until(a.node.reader.range(0, lost.length))
  assert.deepEqual(now, lost)
  const { mirror, ...restored } = a.node.refetch.restored ?? assert.fail()
  assert.deepEqual(restored, { epoch: 1, from: kept, to: tree.size })
  assert.ok([b, c].some(({ node }) => node.self === mirror))
  const count = tree.size - kept
  row(t, 20, `0 contradictions: ${count} of ${count} lost records are back, epoch 1 goes on`)
  // It says so in the log, too.
  const next = await clock.until(a.node.reader.range(tree.size, 10))
  const events = next.map(({ bytes }) => JSON.parse(Buffer.from(bytes).toString()))
  assert.ok(events.some(({ event }) => event === 'restored'))
  // And it is found by its id, and witnessed and mirrored as what follows.
  const { id } = await clock.until(a.node.log.append(draft))
  await clock.advance(5_000)
  assert.equal(a.node.records.of(a.node.log.tree.size - 1)?.state, 'mirrored')
  assert.equal((await clock.until(a.node.reader.find(id)))?.id, id)
  assert.equal(
    (await clock.until(a.node.reader.find(idOf(lost[kept]?.bytes ?? assert.fail()))))?.index,
    kept,
  )
  trusted([a, b, c])
})

test('a disk that lost everything gets all of it back', async () => {
  const { mesh, clock, a, b, c, image, lost, tree } = await setBack(1, 300)
  await mesh.setBack(a, { ...image, records: [] })
  await clock.advance(15_000)
  assert.equal(a.node.boot.done, true)
  assert.deepEqual(await clock.until(a.node.reader.range(0, lost.length)), lost)
  assert.ok(a.node.log.tree.size > tree.size)
  trusted([a, b, c])
})

test('without mirrors it stays closed, and writes and signs nothing', async () => {
  const { mesh, clock, a, b, c, image, kept } = await setBack(0)
  await mesh.setBack(a, image)
  await clock.advance(20_000)
  assert.equal(a.node.boot.done, false)
  assert.match(a.node.boot.why ?? '', /rollback/)
  assert.equal(a.node.log.tree.size, kept)
  assert.equal(a.node.publisher.checkpoint, null)
  trusted([a, b, c])
})

test('while the mirror is away it stays closed, and the log comes back with it', async () => {
  const { mesh, clock, a, b, c, image, kept, tree } = await setBack(1)
  const [holder] = [...a.node.mirroring.holders().keys()]
  const mirror = [b, c].find(({ node }) => node.self === holder) as Host
  mirror.network.isolate(true)
  await mesh.setBack(a, image)
  await clock.advance(15_000)
  assert.equal(a.node.boot.done, false)
  assert.equal(a.node.log.tree.size, kept)
  mirror.network.isolate(false)
  await clock.advance(30_000)
  assert.equal(a.node.boot.done, true)
  assert.ok(a.node.log.tree.size > tree.size)
  trusted([a, b, c])
})

test('a copy that was changed on the mirror brings nothing back', async () => {
  const { mesh, clock, a, b, c, image, kept } = await setBack(1)
  const [holder] = [...a.node.mirroring.holders().keys()]
  const mirror = [b, c].find(({ node }) => node.self === holder) as Host
  const { copies } = mirror.store
  mirror.store.copies = async (keys) => {
    const records = await copies.call(mirror.store, keys)
    return records.map((record) => record?.with(20, 0) ?? null)
  }
  await mesh.setBack(a, image)
  await clock.advance(20_000)
  assert.equal(a.node.boot.done, false)
  assert.equal(a.node.log.tree.size, kept)
  trusted([a, b, c])
})

test('a record that was damaged comes back from a mirror: the log was sealed, and goes on', async () => {
  const { mesh, clock, a, b, c } = await meshOfThree()
  mesh.mirrors = 1
  for (let i = 0; i < 5; i += 1) await clock.until(a.node.log.append(draft))
  await clock.advance(4_000)
  a.disk.flipRecord(2)
  await assert.rejects(clock.until(a.node.reader.at(2)), { code: 'LOG_DAMAGED' })
  assert.match(a.node.log.unwritable() ?? '', /sealed/)
  await clock.advance(10_000)
  assert.equal(a.node.log.unwritable(), null)
  assert.deepEqual(a.node.mend.mended, [2])
  assert.equal((await clock.until(a.node.reader.at(2)))?.index, 2)
  const last = await clock.until(a.node.reader.newest(null, 20))
  const events = last.map(({ bytes }) => JSON.parse(Buffer.from(bytes).toString()).event)
  assert.ok(events.includes('mended'))
  trusted([a, b, c])
})
