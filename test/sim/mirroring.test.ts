/** Copies of logs on whole nodes: who holds what, and which records are said to be mirrored. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { leafHash } from '../../src/core/merkle.ts'
import { ranked } from '../../src/mesh/mirroring.ts'
import { type Host, meshOfThree } from './three.ts'

const draft = { type: 'system', event: 'test', detail: '' }

/** The first in the order of atlas' log, and the second. */
function inOrder(of: Host, others: readonly Host[]): readonly Host[] {
  const order = ranked(
    of.node.self,
    others.map(({ node }) => node.self),
  )
  return order.map((did) => others.find(({ node }) => node.self === did) as Host)
}

/** Records of the log of `of` that `by` gives back. */
async function copyAt(by: Host, of: Host): Promise<number> {
  const { self, log } = of.node
  const answer = await by.node.mirror.give(self, {
    ...{ ask: 'copy', epoch: log.epoch, first: 0, count: 256 },
  })
  if (answer.say !== 'records') return 0
  const own = await of.node.reader.range(0, answer.records.length)
  assert.deepEqual(
    answer.records.map(leafHash),
    own.map(({ bytes }) => leafHash(bytes)),
  )
  return answer.records.length
}

test('a record is durable, published, witnessed and then mirrored by as many as are wanted', async () => {
  const { mesh, clock, a, b, c } = await meshOfThree()
  mesh.mirrors = 1
  const { index } = await clock.until(a.node.log.append(draft))
  await clock.advance(5_000)
  assert.deepEqual(a.node.records.of(index), {
    ...{ state: 'mirrored', cosigned: 3, need: 2, of: 3 },
    mirrors: { holding: 1, wanted: 1 },
  })
  const [first, second] = inOrder(a, [b, c]) as [Host, Host]
  assert.equal(await clock.until(copyAt(first, a)), a.node.log.tree.size)
  assert.equal(await clock.until(copyAt(second, a)), 0)
  mesh.mirrors = 2
  await clock.advance(5_000)
  assert.equal(a.node.records.of(index)?.state, 'mirrored')
  assert.equal(await clock.until(copyAt(second, a)), a.node.log.tree.size)
})

test('where no copies are wanted none are held, and no record is mirrored', async () => {
  const { clock, a, b } = await meshOfThree()
  const { index } = await clock.until(a.node.log.append(draft))
  await clock.advance(10_000)
  assert.deepEqual(a.node.records.of(index), {
    ...{ state: 'witnessed', cosigned: 3, need: 2, of: 3 },
    mirrors: null,
  })
  assert.deepEqual(b.node.mirror.held, { logs: 0, bytes: 0 })
})

test('what was mirrored still is after a start of both', async () => {
  const { mesh, clock, a, b, c } = await meshOfThree()
  mesh.mirrors = 1
  await clock.until(a.node.log.append(draft))
  await clock.advance(5_000)
  const [mirror] = inOrder(a, [b, c]) as [Host]
  const { mirroredSize } = a.node.records
  assert.ok(mirroredSize > 0)
  for (const host of [a, mirror]) await mesh.stop(host)
  for (const host of [a, mirror]) await mesh.start(host)
  assert.equal(a.node.records.mirroredSize, mirroredSize)
  await clock.advance(10_000)
  assert.equal(a.node.records.mirroredSize, a.node.log.tree.size)
  assert.equal(await clock.until(copyAt(mirror, a)), a.node.log.tree.size)
})
