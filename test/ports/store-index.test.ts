/** The search index of a real directory: a hint that may be lost, of another version, or wrong, and never more than that. */
import assert from 'node:assert/strict'
import { setTimeout as sleep } from 'node:timers/promises'
import { utf8 } from '../../src/core/bytes.ts'
import { idOf } from '../../src/core/id.ts'
import { INDEX_CHUNKS_AT_START_MAX, INDEX_RECORDS } from '../../src/core/limits.ts'
import type { Store } from '../../src/mesh/ports.ts'
import { Database, type Operation } from '../../src/storage/database.ts'
import { cursorKey, formatCount, indexKey, postingKey } from '../../src/storage/keyspace.ts'
import { formatCursor, parseCursor, termHash } from '../../src/storage/postings.ts'
import { batchOf } from './stores.ts'
import { type Place, trap } from './traps.ts'

const CHUNKS = INDEX_CHUNKS_AT_START_MAX + 2
const SIZE = CHUNKS * INDEX_RECORDS + 10
const textAt = (i: number) => `{"n":${i},"type":"${i % 100 === 0 ? 'rare' : 'common'}"}`
const RARE = Array.from({ length: Math.ceil(SIZE / 100) }, (_, i) => 100 * i).toReversed()
const QUERY = { terms: ['type rare'], sinceMs: null, untilMs: null }

async function fill({ store }: Place): Promise<void> {
  for (let at = 0; at < SIZE; at += 1_000) {
    const count = Math.min(1_000, SIZE - at)
    await store.persist(
      batchOf(
        store,
        Array.from({ length: count }, (_, i) => textAt(at + i)),
      ),
    )
  }
}

/** With the store closed. */
async function edit(place: Place, operations: Operation[]): Promise<void> {
  await place.store.close()
  const database = await Database.open(`${place.directory}/db`)
  await database.write(operations, true)
  await database.close()
}

/** Until the whole log is searched by the index alone. */
async function whole(store: Store) {
  for (;;) {
    const found = await store.search(QUERY, SIZE, SIZE)
    if (found.reached === 0) return found.indexes
    // What was not made yet is said, and nothing that is there is left out.
    assert.deepEqual(
      found.indexes,
      RARE.filter((index) => index >= found.reached),
    )
    await sleep(5)
  }
}

trap(
  'an index that was lost, or is of another version, is made again behind the start',
  async (place) => {
    await fill(place)
    const version = formatCursor({ from: 0, to: CHUNKS })
    version[0] = 99
    for (const operation of [
      { type: 'del', key: cursorKey(1) },
      { type: 'put', key: cursorKey(1), value: version },
    ] as const) {
      await edit(place, [operation])
      const store = await place.again()
      assert.notEqual((await store.search(QUERY, SIZE, SIZE)).reached, 0)
      // An id of the oldest chunk is not called unknown because its chunk is made last.
      assert.equal(await store.locate(idOf(utf8(textAt(3)))), 3)
      assert.deepEqual(await whole(store), RARE)
    }
  },
)

trap('a start finds the chunks that a power cut took of it', async (place) => {
  await fill(place)
  await edit(place, [
    { type: 'put', key: cursorKey(1), value: formatCursor({ from: 0, to: CHUNKS - 2 }) },
    { type: 'del', key: postingKey(1, termHash('type rare'), CHUNKS - 1) },
  ])
  const found = await (await place.again()).search(QUERY, SIZE, SIZE)
  assert.deepEqual(found, { indexes: RARE, reached: 0 })
})

trap('what the index says of ids and places beyond the log is no answer', async (place) => {
  await fill(place)
  await edit(place, [
    { type: 'put', key: indexKey(1, idOf(utf8('no record'))), value: utf8('not a count') },
    { type: 'put', key: postingKey(1, termHash('type odd'), 0), value: utf8('\xff\xff\x00') },
    { type: 'put', key: indexKey(1, idOf(utf8(textAt(4)))), value: formatCount(5) },
  ])
  const store = await place.again()
  assert.equal(await store.locate(idOf(utf8('no record'))), null)
  const { indexes } = await store.search({ ...QUERY, terms: ['type odd'] }, SIZE, SIZE)
  assert.ok(indexes.every((index) => index < INDEX_RECORDS))
  // A hint that is wrong is for its reader to notice.
  assert.equal(await store.locate(idOf(utf8(textAt(4)))), 5)
})

trap('a cursor that no writer of this version wrote is none', async () => {
  const good = formatCursor({ from: 2, to: 5 })
  assert.deepEqual(parseCursor(good, 5), { from: 2, to: 5 })
  assert.equal(parseCursor(good, 4), null)
  assert.equal(parseCursor(good.subarray(1), 9), null)
  assert.equal(parseCursor(undefined, 9), null)
  assert.equal(parseCursor(formatCursor({ from: 5, to: 2 }), 9), null)
})
