/** Looking through a log with filters: newest first, page by page, by the index and without it, no further than it is worth. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { utf8 } from '../../src/core/bytes.ts'
import { formatJson, type JsonObject } from '../../src/core/json.ts'
import { RECORDS_READ_MAX, RECORDS_SEARCHED_MAX } from '../../src/core/limits.ts'
import { formatTime } from '../../src/core/shape.ts'
import { LogReader } from '../../src/mesh/log-reader.ts'
import type { Store } from '../../src/mesh/ports.ts'
import { type RecordFilter, recordsFrom, searchRecords } from '../../src/mesh/record-search.ts'
import { batchOf, inMemory } from '../ports/stores.ts'

const BEGAN_MS = 1_795_528_800_000
const here = new AbortController().signal
const idFor = (n: number) => `sha256:${n.toString(16).padStart(64, '0')}`

type Over = Partial<RecordFilter['terms']> & { sinceMs?: number; untilMs?: number }
const filterOf = ({ sinceMs, untilMs, ...terms }: Over): RecordFilter => ({
  ...{ terms, sinceMs: sinceMs ?? null, untilMs: untilMs ?? null },
})

/** One record a second: every tenth an outcome, of three agents that read and write in turns. */
const leafAt = (index: number): JsonObject => {
  const head = { index, epoch: 1, time: formatTime(BEGAN_MS + index * 1000) }
  if (index % 10 === 9)
    return { ...head, type: 'outcome', execution: idFor(index - 1), outcome: 'ok' }
  const action = index % 2 === 0 ? 'tool:read' : 'tool:write'
  const resource = { type: 'repo', id: `acme/${index % 4}` }
  const request = { action, resource, cause: null, traceparent: null }
  const code = index % 5 === 0 ? null : 'SCOPE_EXCEEDED'
  const principal = `did:key:z6Mk${index % 3}`
  const effect = code === null ? 'allow' : 'deny'
  return { ...head, type: 'decision', effect, code, principals: [principal], request }
}

async function logOf(size: number) {
  const { store } = await inMemory()
  const all = Array.from({ length: size }, (_, i) => formatJson(leafAt(i)))
  await store.persist(batchOf(store, all))
  return readerOf(store)
}

const readerOf = (store: Store) =>
  new LogReader({ store, log: { tree: store.tree, epoch: 1, seal: assert.fail } })

/** The same log, looked through with another index. */
const indexedBy = (reader: LogReader, search: LogReader['search']) => ({
  size: reader.size,
  least: reader.least,
  search,
  pick: (indexes: readonly number[]) => reader.pick(indexes),
  find: async () => null,
})

/** An index that knows no more than the newest. */
const forgetting = (reader: LogReader, known: number) =>
  indexedBy(reader, async (query, before, count) => {
    const least = Math.max(0, reader.size - known)
    if (before <= least) return { indexes: [], reached: before }
    const found = await reader.search(query, before, count)
    const indexes = found.indexes.filter((index) => index >= least)
    return { indexes, reached: Math.max(least, found.reached) }
  })

const places = (found: readonly { leaf: JsonObject }[]) =>
  found.map(({ leaf }) => Number(leaf['index']))

test('a filter finds what has all of it, newest first, and the next page goes on below', async () => {
  const reader = await logOf(600)
  const filter = filterOf({ principal: 'did:key:z6Mk0', action: 'tool:write', outcome: 'deny' })
  const right = Array.from({ length: 600 }, (_, i) => 599 - i).filter(
    (i) => i % 3 === 0 && i % 2 === 1 && i % 5 !== 0 && i % 10 !== 9,
  )
  let before: number | null = null
  const seen: number[] = []
  do {
    const page = await searchRecords(reader, { filter, before, limit: 7, signal: here })
    assert.ok(page.found.length <= 7 && !page.stopped)
    seen.push(...places(page.found))
    before = page.next
  } while (before !== null)
  assert.deepEqual(seen, right)
})

test('what the index does not know is read, and gives the same', async () => {
  const reader = await logOf(RECORDS_READ_MAX + 300)
  const filter = filterOf({ resource: 'repo:acme/3' })
  const asked = { filter, before: null, limit: 1_000, signal: here }
  const right = await searchRecords(reader, asked)
  assert.ok(right.found.length > 100)
  for (const known of [0, 100, 299])
    assert.deepEqual(await searchRecords(forgetting(reader, known), asked), right)
})

test('an index that lies shows nothing that does not match', async () => {
  const lying = indexedBy(await logOf(50), async (_, before) => ({
    indexes: Array.from({ length: before }, (_, i) => before - 1 - i),
    reached: 0,
  }))
  const asked = { filter: filterOf({ code: 'ALLOW' }), before: null, limit: 50, signal: here }
  const { found } = await searchRecords(lying, asked)
  assert.deepEqual(places(found), [45, 40, 35, 30, 25, 20, 15, 10, 5, 0])
})

test('times are those of the records, both ends included', async () => {
  const reader = await logOf(1_000)
  const [sinceMs, untilMs] = [BEGAN_MS + 995_000, BEGAN_MS + 996_000]
  const find = async (over: Over) =>
    places(
      (
        await searchRecords(reader, {
          filter: filterOf(over),
          before: null,
          limit: 9,
          signal: here,
        })
      ).found,
    )
  assert.deepEqual(await find({ sinceMs }), [999, 998, 997, 996, 995])
  assert.deepEqual(await find({ sinceMs, untilMs }), [996, 995])
  assert.deepEqual(await find({ untilMs: BEGAN_MS + 1_500 }), [1, 0])
})

test('an execution is found with the decision that it is named by, last of all', async () => {
  const { store } = await inMemory()
  const decision = leafAt(0)
  await store.persist(batchOf(store, [formatJson(decision)]))
  const [first] = await readerOf(store).range(0, 1)
  const id = String(first?.id)
  const outcome = { ...leafAt(9), index: 1, execution: id }
  await store.persist(batchOf(store, [formatJson(outcome)]))
  const filter = filterOf({ execution: id })
  const asked = { filter, before: null, limit: 5, signal: here }
  const both = await searchRecords(readerOf(store), asked)
  assert.deepEqual(places(both.found), [1, 0])
  const one = await searchRecords(readerOf(store), { ...asked, limit: 1 })
  assert.deepEqual([places(one.found), one.next], [[1], 1])
  const rest = await searchRecords(readerOf(store), { ...asked, limit: 1, before: one.next })
  assert.deepEqual([places(rest.found), rest.next], [[0], null])
})

test('a search that finds nothing ends at its bound, and says so', async () => {
  const size = RECORDS_SEARCHED_MAX + 10
  const reader = {
    size,
    least: 0,
    search: async (_: object, before: number) => ({ indexes: [], reached: before }),
    pick: async (indexes: readonly number[]) =>
      indexes.map((index) => ({ index, id: idFor(index) as never, bytes: utf8('{}') })),
    find: async () => null,
  }
  const filter = filterOf({ trace: 'a'.repeat(32) })
  const page = await searchRecords(reader, { filter, before: null, limit: 1, signal: here })
  assert.deepEqual([page.found, page.stopped], [[], true])
  assert.ok(page.next !== null && page.next < size - 0.9 * RECORDS_SEARCHED_MAX)
})

test('an empty log, a limit of nothing, a reader that went away: no record', async () => {
  const gone = new AbortController()
  gone.abort()
  const full = await logOf(20)
  const asked = { filter: filterOf({}), before: null, limit: 10, signal: here }
  assert.deepEqual((await searchRecords(await logOf(0), asked)).found, [])
  assert.deepEqual((await searchRecords(full, { ...asked, limit: 0 })).found, [])
  assert.deepEqual((await searchRecords(full, { ...asked, signal: gone.signal })).found, [])
})

test('a tail gives what matches, and where to go on whether or not anything did', async () => {
  const reader = await logOf(40)
  const tail = await recordsFrom(reader, filterOf({ type: 'outcome' }), 25, 10)
  assert.deepEqual([places(tail.found), tail.next], [[29], 35])
  assert.deepEqual(await recordsFrom(reader, filterOf({ code: 'REVOKED' }), 35, 10), {
    ...{ found: [], next: 40 },
  })
})

test('any filter finds what a look at every record finds, in any pages', async () => {
  const reader = await logOf(120)
  const all = (await reader.newest(null, 120)).map(({ index }) => index)
  await fc.assert(
    fc.asyncProperty(
      fc.record(
        {
          action: fc.constantFrom('tool:read', 'tool:write', 'tool'),
          code: fc.constantFrom('ALLOW', 'SCOPE_EXCEEDED'),
          principal: fc.constantFrom('did:key:z6Mk0', 'did:key:z6Mk1'),
          type: fc.constantFrom('decision', 'outcome'),
        },
        { requiredKeys: [] },
      ),
      fc.integer({ min: 1, max: 50 }),
      async (terms, limit) => {
        const seen: number[] = []
        let before: number | null = null
        do {
          const asked = { filter: filterOf(terms as Over), before, limit, signal: here }
          const page = await searchRecords(reader, asked)
          seen.push(...places(page.found))
          before = page.next
        } while (before !== null)
        const right = all.filter((index) => {
          const leaf = leafAt(index)
          const request = (leaf['request'] ?? {}) as JsonObject
          const code = leaf['type'] === 'decision' ? (leaf['code'] ?? 'ALLOW') : null
          return (
            (terms.type ?? leaf['type']) === leaf['type'] &&
            (terms.action === undefined || terms.action === request['action']) &&
            (terms.code === undefined || terms.code === code) &&
            (terms.principal === undefined ||
              ((leaf['principals'] ?? []) as string[]).includes(terms.principal))
          )
        })
        assert.deepEqual(seen, right)
      },
    ),
    { numRuns: 40 },
  )
})
