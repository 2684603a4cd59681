/** Bytes that are gone, changed, old, or in another place: LevelDB gives them without a word (FACTS 4), the store never. */
import assert from 'node:assert/strict'
import {
  cpSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { Level } from 'level'
import { textOf, utf8 } from '../../src/core/bytes.ts'
import type { Store } from '../../src/mesh/ports.ts'
import { putKey, recordKey, seal, tileKey } from '../../src/storage/keyspace.ts'
import { row } from '../lab/row.ts'
import { batchOf, put, texts } from './stores.ts'
import { DAMAGED, filled, open, type Place, trap } from './traps.ts'

type Handle = Level<Uint8Array, Uint8Array>

/** The largest file of the database with that ending: the others are of its creation. */
function largest(place: Place, ending: string): string {
  const db = join(place.directory, 'db')
  const paths = readdirSync(db)
    .filter((name) => name.endsWith(ending))
    .map((name) => join(db, name))
  const [path] = paths.toSorted((a, b) => statSync(b).size - statSync(a).size)
  assert.ok(path !== undefined, `there is a ${ending}`)
  return path
}

/** Runs again and again on a fresh copy of the directory. */
async function onCopies(
  place: Place,
  steps: Iterable<number>,
  run: (step: number) => Promise<void>,
): Promise<void> {
  const copy = `${place.directory}-copy`
  cpSync(place.directory, copy, { recursive: true })
  for (const step of steps) {
    rmSync(place.directory, { recursive: true })
    cpSync(copy, place.directory, { recursive: true })
    await run(step)
  }
  rmSync(copy, { recursive: true })
}

function* every(stride: number, below: number): Generator<number> {
  for (let at = 1; at < below; at += stride) yield at
}

function flip(path: string, at: number): void {
  const bytes = readFileSync(path)
  bytes[at] = (bytes[at] as number) ^ 0x01
  writeFileSync(path, bytes)
}

/** true if all that is read is right, false if damage was reported; anything else fails. */
async function readsRight(place: Place): Promise<boolean> {
  let store: Store | null = null
  try {
    store = await open(place)
    const records = await store.records(0, 300)
    assert.deepEqual(records.map(textOf), texts(300))
    assert.equal((await store.entries('statement')).size, 20)
    return true
  } catch (error) {
    assert.equal((error as { code?: string }).code, 'LOG_DAMAGED', String(error))
    return false
  } finally {
    await store?.close()
  }
}

/** What LevelDB might do by itself, or a hand with a tool. */
async function edit<T>(place: Place, change: (handle: Handle) => Promise<T>): Promise<T> {
  const handle: Handle = new Level(join(place.directory, 'db'), {
    createIfMissing: false,
    keyEncoding: 'view',
    valueEncoding: 'view',
  })
  await handle.open()
  try {
    return await change(handle)
  } finally {
    await handle.close()
  }
}

async function peek(place: Place, key: Uint8Array): Promise<Uint8Array> {
  return edit(place, async (handle) => new Uint8Array((await handle.get(key)) ?? []))
}

trap('a log that LevelDB lost is missed by the head file', async (place, t) => {
  await filled(place)
  rmSync(largest(place, '.log'))
  await assert.rejects(open(place), DAMAGED)
  row(t, 19, 'log file deleted: refused')
})

trap('a tail that is cut off is missed by the head file, at each length', async (place) => {
  await filled(place)
  const path = largest(place, '.log')
  const { size } = statSync(path)
  await onCopies(place, every(997, size), async (cut) => {
    truncateSync(path, size - cut)
    await assert.rejects(open(place), DAMAGED, `${cut} bytes cut`)
  })
})

trap('a tail of puts alone is missed as well', async (place) => {
  const { store } = place
  await store.persist(batchOf(store, ['a']))
  await store.persist(batchOf(store, [], [put('revocation', 'of a leaked key')]))
  await store.close()
  const path = largest(place, '.log')
  truncateSync(path, statSync(path).size - 7)
  await assert.rejects(open(place), DAMAGED)
})

trap('a bit that flips in the write-ahead log is never silent', async (place, t) => {
  await filled(place)
  const path = largest(place, '.log')
  let flips = 0
  let noticed = 0
  await onCopies(place, every(1_511, statSync(path).size), async (at) => {
    flip(path, at)
    flips += 1
    noticed += (await readsRight(place)) ? 0 : 1
  })
  assert.ok(noticed > 10, `${noticed} noticed`)
  row(t, 17, `0 silent of ${flips} flips in the log, ${noticed} noticed`)
})

trap('a bit that flips in a table is never silent', async (place, t) => {
  await filled(place)
  // Opening makes a table of the write-ahead log.
  await (await open(place)).close()
  const path = largest(place, '.ldb')
  let flips = 0
  let noticed = 0
  await onCopies(place, every(997, statSync(path).size), async (at) => {
    flip(path, at)
    flips += 1
    noticed += (await readsRight(place)) ? 0 : 1
  })
  assert.ok(noticed > 10, `${noticed} noticed`)
  row(t, 18, `0 silent of ${flips} flips in a table, ${noticed} noticed`)
})

trap('a value that is gone, old, changed, added, or in another place is damage', async (place) => {
  const [a, b, c] = ['a', 'b', 'c'].map((key) => putKey('statement', key)) as [
    Uint8Array,
    Uint8Array,
    Uint8Array,
  ]
  await place.store.persist(batchOf(place.store, [], [put('a', 'old'), put('b', 'value')]))
  await place.store.close()
  const old = await peek(place, a)
  await (await place.again()).persist(batchOf(place.store, [], [put('a', 'new')]))
  await place.store.close()
  const [right, other] = [await peek(place, a), await peek(place, b)]
  const edits: ((handle: Handle) => Promise<void>)[] = [
    (handle) => handle.del(a),
    (handle) => handle.put(a, old),
    (handle) =>
      handle.put(
        a,
        right.map((byte) => byte ^ 1),
      ),
    (handle) => handle.put(a, other),
    (handle) => handle.put(c, seal(c, utf8('added'))),
  ]
  for (const [i, change] of edits.entries()) {
    await edit(place, change)
    await assert.rejects(open(place), DAMAGED, `edit ${i}`)
    await edit(place, (handle) => handle.put(a, right))
    await edit(place, (handle) => handle.del(c))
    await (await open(place)).close()
  }
})

trap('a record that changed far behind the end is damage when it is read', async (place) => {
  // More than the index learns anew at an opening, which reads them.
  for (let i = 0; i < 10; i += 1)
    await place.store.persist(batchOf(place.store, texts(128, 128 * i)))
  await place.store.close()
  const key = recordKey(1, 7)
  const right = await peek(place, key)
  await edit(place, (handle) => handle.put(key, utf8('recorD 7')))
  const store = await open(place)
  await assert.rejects(store.records(6, 2), DAMAGED)
  assert.equal((await store.records(8, 2)).length, 2)
  await store.close()
  await edit(place, (handle) => handle.put(key, right))
  assert.equal((await (await place.again()).records(6, 2)).length, 2)
})

trap('a tile that changed is damage', async (place) => {
  await filled(place)
  const key = tileKey(1, 0, 0)
  const right = await peek(place, key)
  await edit(place, (handle) =>
    handle.put(
      key,
      right.map((byte, i) => (i === 99 ? byte ^ 1 : byte)),
    ),
  )
  await assert.rejects(open(place), DAMAGED)
})

trap('a record that changed, or is gone, is put back as it was', async (place) => {
  for (let i = 0; i < 10; i += 1)
    await place.store.persist(batchOf(place.store, texts(128, 128 * i)))
  await place.store.close()
  await edit(place, (handle) => handle.put(recordKey(1, 7), utf8('another')))
  await edit(place, (handle) => handle.del(recordKey(1, 20)))
  const store = await place.again()
  for (const index of [7, 20]) {
    await assert.rejects(store.records(index, 1), DAMAGED)
    await assert.rejects(store.mend(index, utf8('another')), DAMAGED)
    await store.mend(index, utf8(`record ${index}`))
  }
  assert.deepEqual((await store.records(0, 300)).map(textOf), texts(300))
  assert.deepEqual((await (await place.again()).records(0, 300)).map(textOf), texts(300))
})
