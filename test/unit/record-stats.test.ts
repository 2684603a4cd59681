/** Counting records by what they share. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { countRecords } from '../../src/api/record-stats.ts'
import { formatJson, type JsonObject } from '../../src/core/json.ts'
import { RECORD_GROUPS_LISTED_MAX, RECORDS_SEARCHED_MAX } from '../../src/core/limits.ts'
import { formatTime } from '../../src/core/shape.ts'
import { LogReader } from '../../src/mesh/log-reader.ts'
import { batchOf, inMemory } from '../ports/stores.ts'

const BEGAN_MS = 1_795_528_800_000
const here = new AbortController().signal
const ALL = { terms: {}, sinceMs: null, untilMs: null }

const leafAt = (index: number): JsonObject => {
  const head = { index, epoch: 1, time: formatTime(BEGAN_MS + index * 1000) }
  if (index % 4 === 3) return { ...head, type: 'system', event: 'test', detail: '' }
  const request = { action: 'tool:read', resource: { type: 'repo', id: `${index}` } }
  const code = index % 4 === 0 ? null : 'REVOKED'
  return { ...head, type: 'decision', code, principal: `did:key:${index % 2}`, request }
}

async function readerOf(size: number) {
  const { store } = await inMemory()
  await store.persist(
    batchOf(
      store,
      Array.from({ length: size }, (_, i) => formatJson(leafAt(i))),
    ),
  )
  return new LogReader({ store, log: { tree: store.tree, epoch: 1, seal: assert.fail } })
}

test('each record is in one group, the largest first, and what has no such value is in one of null', async () => {
  const stats = await countRecords(await readerOf(400), ['code', 'principal'], ALL, here)
  assert.deepEqual(stats.groups, [
    { values: ['ALLOW', 'did:key:0'], count: 100 },
    { values: ['REVOKED', 'did:key:0'], count: 100 },
    { values: ['REVOKED', 'did:key:1'], count: 100 },
    { values: [null, null], count: 100 },
  ])
  const { counted, unlisted, stoppedAt, from, to } = stats
  assert.deepEqual([counted, unlisted, stoppedAt], [400, 0, null])
  assert.deepEqual([from, to], [formatTime(BEGAN_MS), formatTime(BEGAN_MS + 399_000)])
})

test('a filter leaves out the others, and nothing is counted as nothing', async () => {
  const reader = await readerOf(100)
  const revoked = { ...ALL, terms: { code: 'REVOKED' } }
  const stats = await countRecords(reader, ['type'], revoked, here)
  assert.deepEqual(stats.groups, [{ values: ['decision'], count: 50 }])
  const none = await countRecords(reader, ['type'], { ...ALL, sinceMs: BEGAN_MS * 2 }, here)
  assert.deepEqual([none.counted, none.groups, none.from, none.to], [0, [], null, null])
})

test('more groups than are listed are one number', async () => {
  const size = RECORD_GROUPS_LISTED_MAX + 500
  const stats = await countRecords(await readerOf(size), ['resource'], ALL, here)
  assert.equal(stats.groups.length, RECORD_GROUPS_LISTED_MAX)
  const listed = stats.groups.reduce((sum, { count }) => sum + count, 0)
  assert.equal(listed + stats.unlisted, size)
})

test('a count that ends at its bound says where', async () => {
  const size = 2 * RECORDS_SEARCHED_MAX
  const bytes = new Uint8Array(Buffer.from('{"type":"system"}'))
  const reader = {
    ...{ size, least: 0, find: async () => null },
    search: async (_: object, before: number, count: number) => {
      const reached = Math.max(0, before - count)
      return { indexes: Array.from({ length: count }, (_, i) => before - 1 - i), reached }
    },
    pick: async (indexes: readonly number[]) =>
      indexes.map((index) => ({ index, id: `sha256:${'0'.repeat(64)}` as const, bytes })),
  }
  const { counted, stoppedAt } = await countRecords(reader, ['type'], ALL, here)
  assert.equal(stoppedAt, size - counted)
  assert.ok(counted >= RECORDS_SEARCHED_MAX && counted < size)
})
