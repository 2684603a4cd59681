/** Old records lie in packs, on a real directory: nobody can tell, but by the room that they take. */
import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { textOf, utf8 } from '../../src/core/bytes.ts'
import { INDEX_RECORDS, PACK_NEWEST, PACK_RECORDS } from '../../src/core/limits.ts'
import { Database } from '../../src/storage/database.ts'
import {
  exhibitKey,
  exhibitPackKey,
  recordKey,
  recordPackKey,
  recordPacksBelow,
} from '../../src/storage/keyspace.ts'
import { LogValues } from '../../src/storage/log-values.ts'
import { unpack } from '../../src/storage/pack.ts'
import { batchOf, put, texts } from './stores.ts'
import { type Place, trap } from './traps.ts'

const PACKS = 10
const SIZE = PACK_NEWEST + PACKS * PACK_RECORDS + 5

async function fill({ store }: Place): Promise<void> {
  for (let at = 0; at < SIZE; at += 512) {
    const batch = batchOf(store, texts(Math.min(512, SIZE - at), at))
    const records = batch.records.map((leaf, i) =>
      i % 2 === 0 ? { ...leaf, exhibit: utf8(`beside ${at + i}`) } : leaf,
    )
    await store.persist({ ...batch, records })
  }
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

/** Fills it and has everything packed that is old enough. */
async function packed(place: Place): Promise<void> {
  await fill(place)
  await look(place, async (database) => {
    const log = await LogValues.open(database, 1)
    while (log.packed < PACKS * PACK_RECORDS) await log.pack()
  })
  await place.again()
}

const ALL = Array.from({ length: SIZE }, (_, i) => `record ${i}`)

trap('while nobody writes, what is old goes into packs, and the newest does not', async (place) => {
  await fill(place)
  const { store } = place
  // Each pack follows the last after a pause; nothing tells from outside how far it came.
  let packs = 0
  while (packs < PACKS) {
    await new Promise((done) => setTimeout(done, 200))
    packs = await look(place, async (database) => {
      const found = await database.values(recordPacksBelow(1, 1_000))
      const newest = await database.get(recordKey(1, PACKS * PACK_RECORDS))
      assert.notEqual(newest, undefined)
      return found.length
    })
    await place.again()
  }
  assert.equal(packs, PACKS)
  assert.equal(store.tree.size, SIZE)
})

trap('what is in packs reads as it did before', async (place) => {
  await packed(place)
  const { store } = place
  const all: string[] = []
  for (let at = 0; at < SIZE; at += 300)
    all.push(...(await store.records(at, Math.min(300, SIZE - at))).map(textOf))
  assert.deepEqual(all, ALL)
  const scattered = [SIZE - 1, 3, 700, 4, PACK_RECORDS, 0]
  assert.deepEqual(
    (await store.pick(scattered)).map(textOf),
    scattered.map((i) => `record ${i}`),
  )
  const beside = await store.exhibits(126, 4)
  assert.deepEqual(
    beside.map((each) => each && textOf(each)),
    ['beside 126', null, 'beside 128', null],
  )
})

trap(
  'an exhibit that is taken out of a pack leaves it, and nothing beside it is lost',
  async (place) => {
    await packed(place)
    const { store } = place
    const batch = batchOf(store, ['redacted'])
    const [gone, less] = [
      { epoch: 1, index: 8, bytes: null },
      { epoch: 1, index: 10, bytes: utf8('less') },
    ]
    await store.persist({ ...batch, exhibits: [gone, less] })
    const shown = (await store.exhibits(8, 5)).map((each) => each && textOf(each))
    assert.deepEqual(shown, [null, null, 'less', null, 'beside 12'])
    await look(place, async (database) => {
      assert.equal(await database.get(exhibitKey(1, 8)), undefined)
      const parts = await unpack((await database.get(exhibitPackKey(1, 0))) ?? new Uint8Array())
      assert.deepEqual([parts?.[8], parts?.[10]], [null, null])
      assert.equal(textOf(parts?.[12] ?? new Uint8Array()), 'beside 12')
    })
  },
)

trap(
  'an exhibit that is taken out twice is gone, and so is one of a pack that nobody can read',
  async (place) => {
    await packed(place)
    await look(place, (database) =>
      database.write([{ type: 'put', key: exhibitPackKey(1, 1), value: utf8('no pack') }], true),
    )
    await place.again()
    for (const [index, bytes] of [
      [10, utf8('less')],
      [10, null],
      [PACK_RECORDS + 2, null],
    ] as const)
      await place.store.persist({
        ...batchOf(place.store, ['redacted']),
        exhibits: [{ epoch: 1, index, bytes }],
      })
    assert.deepEqual(await place.store.exhibits(10, 1), [null])
    assert.deepEqual(await place.store.exhibits(PACK_RECORDS + 2, 1), [null])
    await look(place, async (database) => {
      assert.equal(await database.get(exhibitPackKey(1, 1)), undefined)
    })
  },
)

trap('a changed pack is told, and each of its records can be mended', async (place) => {
  await packed(place)
  const changed = await look(place, async (database) => {
    const key = recordPackKey(1, 2)
    const value = new Uint8Array((await database.get(key)) ?? [])
    value[value.length >> 1] = (value[value.length >> 1] ?? 0) ^ 1
    await database.write([{ type: 'put', key, value }], true)
    return 2 * PACK_RECORDS
  })
  const store = await place.again()
  const lost: number[] = []
  for (let i = 0; i < PACK_RECORDS; i += 1)
    await store.pick([changed + i]).catch((error: { code: string }) => {
      assert.equal(error.code, 'LOG_DAMAGED')
      lost.push(changed + i)
    })
  assert.ok(lost.length > 0)
  for (const index of lost) await store.mend(index, utf8(`record ${index}`))
  assert.deepEqual(
    (await store.records(changed, PACK_RECORDS)).map(textOf),
    ALL.slice(changed, changed + PACK_RECORDS),
  )
})

trap('what is pruned goes out of the packs, too', async (place) => {
  await packed(place)
  await place.store.persist(
    batchOf(place.store, ['pruned'], [put('1', String(INDEX_RECORDS), 'pruned')]),
  )
  const left = await look(place, (database) =>
    database.values(recordPacksBelow(1, INDEX_RECORDS / PACK_RECORDS)),
  )
  assert.equal(left.length, 0)
  const store = await place.again()
  assert.deepEqual(
    (await store.records(INDEX_RECORDS, 2)).map(textOf),
    ALL.slice(INDEX_RECORDS, INDEX_RECORDS + 2),
  )
})

trap('no file holds a pack as it was before something was taken out of it', async (place) => {
  await packed(place)
  const before = await look(place, (database) => database.get(exhibitPackKey(1, 0)))
  const middle = Buffer.from(before ?? []).subarray(40, 72)
  assert.equal(middle.length, 32)
  const files = () =>
    readdirSync(join(place.directory, 'db')).map((file) => join(place.directory, 'db', file))
  assert.ok(
    files().some((file) => has(file, middle)),
    'files are read as they are',
  )
  const store = await place.again()
  const exhibits = [{ epoch: 1, index: 8, bytes: null }]
  await store.persist({ ...batchOf(store, ['redacted']), exhibits })
  while (files().some((file) => has(file, middle)))
    await new Promise((done) => setTimeout(done, 10))
})

/** A file that goes while it is looked for has told nothing yet: it is looked at again. */
function has(file: string, bytes: Buffer): boolean {
  try {
    return readFileSync(file).includes(bytes)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return true
    throw error
  }
}
