/** From two heads that were heard to evidence that everybody holds (design 5). */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Checkpoints } from '../../src/mesh/checkpoints.ts'
import { Equivocation } from '../../src/mesh/equivocation.ts'
import type { Store } from '../../src/mesh/ports.ts'
import { Memory } from './memory.ts'
import { offer, opened, world } from './sets.ts'
import { atlas, borealis, corvus, TestLog } from './statements.ts'

/** A node, atlas unless said, that hears of the heads of other logs. */
async function listener(self = atlas) {
  const memory = new Memory()
  const statements = await opened(world, memory)
  for (const node of [atlas, borealis]) await offer(statements, world.member(node))
  const checkpoints = await Checkpoints.open({
    store: { entries: async () => new Map() } as unknown as Store,
    persist: async () => {},
    governance: () => statements.governance,
  })
  const told: string[] = []
  const equivocation = new Equivocation({
    ...{ self: self.identity.did, statements, checkpoints },
    problem: (what) => told.push(what),
  })
  const hear = async (log: TestLog, size: number, node = borealis) => {
    await checkpoints.offer(node.identity.did, log.note(size))
    await new Promise((resolve) => setImmediate(resolve))
  }
  const read = (log: TestLog, size: number) => {
    const seen = checkpoints.read(borealis.identity.did, log.note(size))
    assert.ok(seen !== null)
    return seen
  }
  const distrusted = (node = borealis) => statements.governance.distrusted.has(node.identity.did)
  return { statements, equivocation, hear, read, distrusted, told }
}

const log = new TestLog(world.mesh, borealis)
const clone = new TestLog(world.mesh, borealis, 5)

test('two heads of one size are evidence as soon as both were heard', async () => {
  const { statements, hear, distrusted, told } = await listener()
  await hear(log, 4)
  await hear(clone, 4)
  assert.ok(!distrusted(), 'the clone has the same first records')
  await hear(log, 7)
  await hear(clone, 7)
  assert.ok(distrusted())
  assert.deepEqual(told, ['a log has two histories: its node is distrusted'])
  const [{ evidence } = assert.fail()] = statements.governance.evidence.values()
  assert.equal(statements.get(evidence.id)?.state, 'effective')
  await hear(clone, 8)
  await hear(log, 8)
  assert.equal(told.length, 1, 'once is enough')
})

test('two sizes are evidence with a proof that leads elsewhere, and nothing without', async () => {
  const { equivocation, read, distrusted } = await listener()
  const [known, other] = [read(log, 8), read(clone, 11)]
  equivocation.accuse(known, other, [])
  equivocation.accuse(known, other, log.proof(8, 11))
  equivocation.accuse(known, other, clone.proof(8, 11).slice(1))
  assert.ok(!distrusted())
  equivocation.accuse(known, other, clone.proof(8, 11))
  await new Promise((resolve) => setImmediate(resolve))
  assert.ok(distrusted())
})

test('a log that grows, and one that nobody here knows, are heard of without consequence', async () => {
  const { statements, hear, told } = await listener()
  for (const size of [1, 2, 7, 5, 8, 64]) await hear(log, size)
  await hear(new TestLog(world.mesh, corvus), 3, corvus)
  await hear(new TestLog(world.mesh, corvus, 1), 3, corvus)
  assert.equal(statements.governance.evidence.size, 0)
  assert.deepEqual(told, [])
})

test('no node makes evidence against itself', async () => {
  const { hear, distrusted } = await listener(borealis)
  await hear(log, 7)
  await hear(clone, 7)
  assert.ok(!distrusted())
})
