/** What runs because it was allowed stops when it no longer is, and ends with a record. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { RecordId } from '../../src/core/id.ts'
import type { JsonObject } from '../../src/core/json.ts'
import { EXECUTION_SILENCE_MS, EXECUTION_TICK_MS } from '../../src/core/limits.ts'
import { MeshError } from '../../src/core/problems.ts'
import type { Denial } from '../../src/core/reasons.ts'
import { Executions } from '../../src/mesh/executions.ts'
import { VirtualClock } from '../sim/clock.ts'
import { Shelf } from './deciding.ts'

const REVOKED: Denial = { code: 'REVOKED', detail: 'rev_0a77e4c1' }
const STALE: Denial = { code: 'GOVERNANCE_STALE', detail: 'alone' }
const id = (digit: number): RecordId => `sha256:${`${digit}`.repeat(64)}`
const ABOUT = { principal: null, action: 'tool:read', resource: 'repo:acme/docs' }
const never = new AbortController().signal

async function open(shelf = new Shelf()) {
  const clock = new VirtualClock()
  const leaves: JsonObject[] = []
  const missed: unknown[] = []
  const disk = { works: true }
  const executions = await Executions.open({
    clock,
    store: shelf,
    append: async (draft, puts) => {
      if (!disk.works) throw new MeshError('LOG_DAMAGED', 'EIO')
      leaves.push(draft)
      shelf.put(puts)
      return { id: id(9) }
    },
    missed: (error) => missed.push(error),
  })
  const start = (digit: number) => {
    shelf.put([Executions.opening(id(digit), clock.wallMs())])
    const state: { denial: Denial | null; leaseUntilMs: number | null } = {
      denial: null,
      leaseUntilMs: 60_000,
    }
    executions.add(id(digit), {
      ...{ owner: 'bob', about: ABOUT },
      recheck: () => state.denial,
      leaseUntilMs: () => state.leaseUntilMs,
    })
    return state
  }
  return { clock, shelf, leaves, missed, disk, executions, start }
}

const notFound = (error: unknown) => error instanceof MeshError && error.code === 'NOT_FOUND'

test('S23: a revocation wakes its watcher at once, a lost lease within a tick', async () => {
  const { clock, executions, start } = await open()
  const first = start(1)
  const watching = executions.watch(id(1), 10_000, never)
  first.denial = REVOKED
  executions.recheck()
  const stopped = await watching
  assert.equal(stopped.state, 'stopped')
  assert.deepEqual(stopped.stop, REVOKED)
  assert.equal(stopped.leaseUntilMs, null)

  const second = start(2)
  const stop = new AbortController()
  const running = executions.run(stop.signal)
  const watched = executions.watch(id(2), 10_000, never)
  second.denial = STALE
  const startedMs = clock.monotonicMs()
  assert.deepEqual((await clock.until(watched)).stop, STALE)
  assert.ok(clock.monotonicMs() - startedMs <= EXECUTION_TICK_MS)
  stop.abort()
  await clock.until(running)
})

test('what was stopped stays stopped for the first reason, and is told again', async () => {
  const { executions, start } = await open()
  const state = start(1)
  state.denial = REVOKED
  executions.recheck()
  state.denial = null
  executions.recheck()
  assert.deepEqual(executions.get(id(1)).stop, REVOKED)
  assert.deepEqual((await executions.watch(id(1), 10_000, never)).stop, REVOKED)
})

test('a recheck that throws stops its execution, and the others are still looked at', async () => {
  const { executions, start, missed } = await open()
  executions.add(id(1), {
    ...{ owner: 'bob', about: ABOUT },
    recheck: () => {
      throw new Error('a bug')
    },
    leaseUntilMs: () => 1,
  })
  start(2).denial = REVOKED
  executions.recheck()
  assert.equal(executions.get(id(1)).stop?.code, 'INTERNAL')
  assert.deepEqual(executions.get(id(2)).stop, REVOKED)
  assert.equal(missed.length, 1)
})

test('a watch ends after its time with the lease as it stands now', async () => {
  const { clock, executions, start } = await open()
  const state = start(1)
  const watching = executions.watch(id(1), 5_000, never)
  state.leaseUntilMs = 90_000
  const view = await clock.until(watching)
  assert.equal(view.state, 'running')
  assert.equal(view.leaseUntilMs, 90_000)
  assert.equal(clock.monotonicMs(), 5_000)
})

test('the outcome is recorded, closes it on disk, and can still be asked for', async () => {
  const { executions, start, leaves, shelf } = await open()
  start(1)
  const watching = executions.watch(id(1), 10_000, never)
  await executions.end(id(1), { kind: 'failed', status: 3 })
  assert.equal((await watching).state, 'ended')
  assert.deepEqual(executions.get(id(1)).outcome, { kind: 'failed', status: 3 })
  assert.equal(executions.count, 0)
  assert.equal(shelf.spaces.get('execution')?.size, 0)
  assert.deepEqual(leaves, [
    { type: 'outcome', execution: id(1), outcome: 'failed', status: 3, stop: null },
  ])
  await assert.rejects(executions.end(id(1), { kind: 'ok', status: 0 }), notFound)
})

test('the outcome of what was stopped names why', async () => {
  const { executions, start, leaves } = await open()
  start(1).denial = REVOKED
  executions.recheck()
  await executions.end(id(1), { kind: 'stopped', status: 143 })
  assert.deepEqual(leaves[0]?.['stop'], { code: 'REVOKED', detail: 'rev_0a77e4c1' })
})

test('who falls silent is taken for dead; who watches is not', async () => {
  const { clock, executions, start, leaves } = await open()
  start(1)
  start(2)
  const stop = new AbortController()
  const running = executions.run(stop.signal)
  for (let ms = 0; ms <= EXECUTION_SILENCE_MS + 1000; ms += 1000) {
    await clock.until(executions.watch(id(2), 1000, never))
  }
  assert.deepEqual(
    leaves.map((leaf) => [leaf['execution'], leaf['outcome']]),
    [[id(1), 'unknown']],
  )
  assert.equal(executions.get(id(2)).state, 'running')
  stop.abort()
  await clock.until(running)
})

test('what a restart finds open ends as unknown as soon as the log takes it, and only then', async () => {
  const before = await open()
  before.start(1)
  const { clock, executions, leaves, disk, shelf } = await open(before.shelf)
  assert.throws(() => executions.get(id(1)), notFound)
  disk.works = false
  const stop = new AbortController()
  const running = executions.run(stop.signal)
  await clock.advance(1000)
  assert.equal(leaves.length, 0)
  disk.works = true
  await clock.advance(1000)
  assert.deepEqual(
    leaves.map((leaf) => [leaf['execution'], leaf['outcome']]),
    [[id(1), 'unknown']],
  )
  assert.equal(shelf.spaces.get('execution')?.size, 0)
  stop.abort()
  await clock.until(running)
})

test('an outcome that the log did not take is recorded as it was once the log takes it, and only once', async () => {
  const { clock, shelf, leaves, disk, executions, start } = await open()
  start(1).denial = REVOKED
  start(2)
  executions.recheck()
  disk.works = false
  await assert.rejects(executions.end(id(1), { kind: 'stopped', status: null }), MeshError)
  await assert.rejects(executions.end(id(2), { kind: 'ok', status: 0 }), MeshError)
  // The second one is on the disk all the same.
  shelf.put([Executions.closing(id(2))])
  const stop = new AbortController()
  const running = executions.run(stop.signal)
  await clock.advance(4 * EXECUTION_TICK_MS)
  assert.deepEqual(leaves, [])
  disk.works = true
  await clock.advance(4 * EXECUTION_TICK_MS)
  assert.deepEqual(
    leaves.map(({ execution, outcome, stop }) => [execution, outcome, stop]),
    [[id(1), 'stopped', { code: 'REVOKED', detail: REVOKED.detail }]],
  )
  stop.abort()
  await clock.until(running)
})

test('a log that takes nothing does not keep what runs from being stopped', async () => {
  const { clock, executions, start, disk, missed } = await open()
  start(1)
  const other = start(2)
  disk.works = false
  const stop = new AbortController()
  const running = executions.run(stop.signal)
  await clock.advance(EXECUTION_SILENCE_MS + 1000)
  assert.ok(missed.length >= 2, 'the silent ones could not be recorded')
  start(3).denial = REVOKED
  other.denial = REVOKED
  await clock.advance(EXECUTION_TICK_MS)
  assert.deepEqual(executions.get(id(3)).stop, REVOKED)
  stop.abort()
  await clock.until(running)
})
