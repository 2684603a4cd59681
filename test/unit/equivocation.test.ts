/** From two heads that were heard to evidence that everybody holds (design 5). */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { MeshError } from '../../src/core/problems.ts'
import { Checkpoints } from '../../src/mesh/checkpoints.ts'
import { Equivocation } from '../../src/mesh/equivocation.ts'
import type { LogAnswer, LogRequest } from '../../src/mesh/log-frames.ts'
import type { Store } from '../../src/mesh/ports.ts'
import { row } from '../lab/row.ts'
import { VirtualClock } from '../sim/clock.ts'
import { Memory } from './memory.ts'
import { offer, opened, world } from './sets.ts'
import { atlas, borealis, corvus, TestLog } from './statements.ts'

const AWAY = new MeshError('UNREACHABLE', 'it is away')

/** A node, atlas unless said, that hears of the heads of other logs, and asks for proofs. */
async function listener(self = atlas) {
  const memory = new Memory()
  const clock = new VirtualClock()
  const statements = await opened(world, memory)
  for (const node of [atlas, borealis]) await offer(statements, world.member(node))
  const checkpoints = await Checkpoints.open({
    store: { entries: async () => new Map() } as unknown as Store,
    persist: async () => {},
    governance: () => statements.governance,
  })
  const told: string[] = []
  const asked: LogRequest[] = []
  let answering: TestLog | null = null
  const equivocation = new Equivocation({
    ...{ self: self.identity.did, clock, statements, checkpoints },
    ask: async (_, request) => {
      asked.push(request)
      if (answering === null) throw AWAY
      return answerOf(answering, request)
    },
    problem: (what) => told.push(what),
  })
  void equivocation.run(new AbortController().signal)
  return {
    ...{ statements, told, asked, clock },
    /** Whose log answers from now on. */
    serve: (log: TestLog | null) => {
      answering = log
    },
    hear: async (log: TestLog, size: number, node = borealis) => {
      await checkpoints.offer(node.identity.did, log.note(size))
      await clock.settle()
    },
    distrusted: (node = borealis) => statements.governance.distrusted.has(node.identity.did),
  }
}

function answerOf(log: TestLog, request: LogRequest): LogAnswer {
  if (request.ask === 'consistency')
    return { say: 'proof', hashes: log.consistency(request.from, request.to) }
  if (request.ask === 'inclusion')
    return { say: 'proof', hashes: log.path(request.index, request.size) }
  return { say: 'refused', why: 'absent' }
}

const log = new TestLog(world.mesh, borealis)
const clone = new TestLog(world.mesh, borealis, 5)
const CAUGHT = 'a log has two histories: its node is distrusted'

test('two heads of one size are evidence as soon as both were heard', async (t) => {
  const { statements, hear, distrusted, told } = await listener()
  await hear(log, 4)
  await hear(clone, 4)
  assert.ok(!distrusted(), 'the clone has the same first records')
  await hear(log, 7)
  await hear(clone, 7)
  assert.ok(distrusted())
  assert.deepEqual(told, [CAUGHT])
  const [{ evidence } = assert.fail()] = statements.governance.evidence.values()
  assert.equal(statements.get(evidence.id)?.state, 'effective')
  await hear(clone, 8)
  await hear(log, 8)
  assert.equal(told.length, 1, 'once is enough')
  row(t, 67, 'evidence as soon as both heads were heard')
})

for (const [from, to] of [
  [7, 11],
  [8, 11],
  [8, 9],
  [16, 32],
] as const)
  test(`heads of ${from} and ${to} records are evidence once the log proves the larger one`, async () => {
    const { serve, hear, distrusted, clock, told } = await listener()
    serve(clone)
    await hear(log, from)
    await hear(clone, to)
    assert.ok(!distrusted())
    await clock.advance(5_000)
    assert.ok(distrusted())
    assert.deepEqual(told, [CAUGHT])
  })

test('a smaller head than the newest is held against it, too', async (t) => {
  const { serve, hear, distrusted, clock } = await listener()
  serve(clone)
  await hear(clone, 11)
  await hear(log, 7)
  await clock.advance(5_000)
  assert.ok(distrusted())
  row(t, 68, 'a smaller head held against the newest: evidence')
})

test('a proof that fails, or is not given, is no evidence', async () => {
  const { serve, hear, distrusted, clock, told, asked } = await listener()
  await hear(log, 7)
  await hear(clone, 11)
  await clock.advance(3_000)
  assert.ok(asked.length > 0)
  serve(log)
  await clock.advance(60_000)
  assert.ok(!distrusted())
  assert.deepEqual(told, ['a proof between two heads of a log fails'])
})

test('who answers late is asked again, not too often, and given up at last', async () => {
  const { serve, hear, distrusted, clock, asked } = await listener()
  await hear(log, 7)
  await hear(clone, 11)
  await clock.advance(20_000)
  assert.ok(asked.length >= 3 && asked.length <= 5, String(asked.length))
  serve(clone)
  await clock.advance(20_000)
  assert.ok(distrusted())

  const gone = await listener()
  await gone.hear(log, 7)
  await gone.hear(log, 9)
  await gone.clock.advance(600_000)
  const before = gone.asked.length
  assert.ok(before <= 10)
  await gone.clock.advance(600_000)
  assert.equal(gone.asked.length, before)
})

test('a log that grows, and one that nobody here knows, are heard of without consequence', async () => {
  const { statements, serve, hear, told, clock, asked } = await listener()
  serve(log)
  for (const size of [1, 2, 7, 5, 8, 64, 3]) {
    await hear(log, size)
    await clock.advance(2_500)
  }
  await hear(new TestLog(world.mesh, corvus), 3, corvus)
  await hear(new TestLog(world.mesh, corvus, 1), 3, corvus)
  await clock.advance(60_000)
  assert.equal(statements.governance.evidence.size, 0)
  assert.deepEqual(told, [])
  assert.equal(asked.length, 6, 'one proof for each head')
})

test('no node makes evidence against itself', async () => {
  const { hear, distrusted } = await listener(borealis)
  await hear(log, 7)
  await hear(clone, 7)
  assert.ok(!distrusted())
})
