/** Records that were given up, on a real directory: their bytes are gone, also where a crash came between. */
import assert from 'node:assert/strict'
import { utf8 } from '../../src/core/bytes.ts'
import { INDEX_RECORDS } from '../../src/core/limits.ts'
import { Database } from '../../src/storage/database.ts'
import { putKey, recordKey, seal, valuesBelow } from '../../src/storage/keyspace.ts'
import { batchOf, put, texts } from './stores.ts'
import { DAMAGED, open, type Place, trap } from './traps.ts'

const SIZE = 2 * INDEX_RECORDS + 5

async function fill({ store }: Place): Promise<void> {
  for (let at = 0; at < SIZE; at += 500)
    await store.persist(batchOf(store, texts(Math.min(500, SIZE - at), at)))
}

/** Of the database of a closed store. */
async function look<T>(place: Place, run: (database: Database) => Promise<T>): Promise<T> {
  await place.store.close()
  const database = await Database.open(`${place.directory}/db`)
  try {
    return await run(database)
  } finally {
    await database.close()
  }
}

const recordsBelow = async (database: Database) =>
  (await Promise.all(valuesBelow(1, INDEX_RECORDS).map((range) => database.values(range)))).flat()

const prune = ({ store }: Place, least: string | null) =>
  store.persist(batchOf(store, ['pruned'], [put('1', least, 'pruned')]))

trap('the bytes of pruned records are gone, and those of no other', async (place) => {
  await fill(place)
  await prune(place, String(INDEX_RECORDS))
  await (await place.again()).records(INDEX_RECORDS, 1)
  const left = await look(place, async (database) => {
    const below = await recordsBelow(database)
    const next = await database.get(recordKey(1, INDEX_RECORDS))
    return [below.length, next !== undefined]
  })
  assert.deepEqual(left, [0, true])
})

trap('what a crash left of them goes at the next start', async (place) => {
  await fill(place)
  const before = await look(place, (database) => recordsBelow(database))
  await place.again()
  await prune(place, String(INDEX_RECORDS))
  // As if the process had died before it deleted anything.
  await look(place, (database) =>
    database.write(
      before.map((value, i) => ({ type: 'put', key: recordKey(1, i), value })),
      true,
    ),
  )
  const store = await place.again()
  assert.equal(store.least, INDEX_RECORDS)
  await assert.rejects(store.records(0, 1), { code: 'NOT_FOUND' })
  const left = await look(place, (database) => recordsBelow(database))
  assert.equal(left.length, 0)
})

trap('nobody prunes what is no whole chunk, beyond the end, or back', async (place) => {
  await fill(place)
  for (const least of ['7', String(4 * INDEX_RECORDS), '-1024', 'all'])
    await assert.rejects(async () => prune(place, least), least)
  await prune(place, String(2 * INDEX_RECORDS))
  for (const least of [String(INDEX_RECORDS), null])
    await assert.rejects(async () => prune(place, least))
  assert.equal(place.store.least, 2 * INDEX_RECORDS)
})

trap('another word on where the log begins than was written is damage', async (place) => {
  await fill(place)
  await prune(place, String(INDEX_RECORDS))
  const key = putKey('pruned', '1')
  const value = seal(key, utf8('0'))
  await look(place, (database) => database.write([{ type: 'put', key, value }], true))
  await assert.rejects(open(place), DAMAGED)
})
