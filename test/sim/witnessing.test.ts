/** Cosigning on whole nodes: what a quorum vouches for, and what it never does. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { openCheckpoint } from '../../src/core/checkpoint.ts'
import { cosignaturesOf, witnessKeysOf } from '../../src/core/cosignature.ts'
import { meshOfThree } from './three.ts'

const draft = { type: 'system', event: 'test', detail: '' }

test('a record is durable, then published, then witnessed, within three seconds', async () => {
  const { clock, a } = await meshOfThree()
  const { records, log } = a.node
  const { index } = await clock.until(log.append(draft))
  assert.equal(records.of(index)?.state, 'durable')
  assert.equal(records.of(index + 1), null)
  const waiting = records.witnessed(index, 3_000)
  assert.equal(await clock.until(waiting), true)
  await clock.advance(1_000)
  assert.deepEqual(records.of(index), {
    state: 'witnessed',
    cosigned: 3,
    need: 2,
    of: 3,
    mirrors: null,
  })
})

test('what is kept is a note of C2SP: its log and its witnesses signed it', async () => {
  const { clock, a, b } = await meshOfThree()
  await clock.until(a.node.log.append(draft))
  await clock.advance(3_000)
  const own = a.node.cosigned.newest(a.node.self)
  assert.ok(own !== null)
  const { governance } = b.node.statements
  const log = governance.members.get(a.node.self)?.log as typeof a.node.self
  const bytes = new TextEncoder().encode(own.note)
  assert.equal(openCheckpoint(bytes, a.node.origin() ?? '', log)?.size, a.node.log.tree.size)
  assert.equal(cosignaturesOf(own.note, witnessKeysOf(governance), log).length, 3)
  // Others learn of it with the next announcement.
  assert.equal(b.node.cosigned.newest(a.node.self)?.note, own.note)
})

test('one witness that is away holds up nobody, and cosigns when it is back', async () => {
  const { clock, a, c } = await meshOfThree()
  c.network.isolate(true)
  const { index } = await clock.until(a.node.log.append(draft))
  assert.equal(await clock.until(a.node.records.witnessed(index, 3_000)), true)
  await clock.advance(5_000)
  assert.equal(a.node.records.of(index)?.cosigned, 2)
  c.network.isolate(false)
  await clock.advance(20_000)
  assert.equal(a.node.records.of(index)?.cosigned, 3)
})

test('a minority witnesses nothing, however long', async () => {
  const { clock, a } = await meshOfThree()
  a.network.isolate(true)
  const { index } = await clock.until(a.node.log.append(draft))
  assert.equal(await clock.until(a.node.records.witnessed(index, 10_000)), false)
  assert.deepEqual(a.node.records.of(index), {
    state: 'published',
    cosigned: 1,
    need: 2,
    of: 3,
    mirrors: null,
  })
})

test('after a start what was witnessed is witnessed, and a witness goes on from what it cosigned', async () => {
  const { mesh, clock, a, b } = await meshOfThree()
  const { index } = await clock.until(a.node.log.append(draft))
  await clock.advance(3_000)
  for (const host of [a, b]) await mesh.stop(host)
  for (const host of [a, b]) await mesh.start(host)
  assert.equal(a.node.records.of(index)?.state, 'witnessed')
  await clock.advance(5_000)
  const { index: next } = await clock.until(a.node.log.append(draft))
  assert.equal(await clock.until(a.node.records.witnessed(next, 3_000)), true)
  await clock.advance(1_000)
  assert.equal(a.node.records.of(next)?.cosigned, 3)
})
