/**
 * The records of one log, and what is kept beside them, as the disk has them:
 * each under a key of its own while it is new, in packs of 128 later.
 *
 *     b <epoch> <0>   b <epoch> <1>   …   r <epoch> <256>   r <epoch> <257>   …
 *     └──── packs: [0, 256) ───────┘      └──── each by itself ───────────────┘
 *
 * A pack and the end of what went into it are one write, so each record is
 * always somewhere. What stands under its own key counts before a pack: that
 * is how a damaged record is mended.
 */
import { assert } from '../core/assert.ts'
import { equalBytes } from '../core/bytes.ts'
import { PACK_BYTES_MAX, PACK_RECORDS, PACKS_AT_ONCE, PACKS_COMPACTED } from '../core/limits.ts'
import type { Exhibit } from '../mesh/ports.ts'
import type { Database, Operation } from './database.ts'
import { damaged } from './failures.ts'
import {
  chunkOf,
  exhibitKey,
  exhibitPackKey,
  recordKey,
  recordPackKey,
  recordPacksBelow,
  tileKey,
} from './keyspace.ts'
import { type Parts, pack, sizeInPack, unpack } from './pack.ts'
import type { RawLog } from './tiles.ts'

type KeyOf = (epoch: number, index: number) => Uint8Array
type Found = (Uint8Array | null)[]

const EVERY_PACK = 2 ** 32 - 1

export class LogValues implements RawLog {
  readonly epoch: number
  readonly #database: Database
  /** Records below it are in packs; a multiple of PACK_RECORDS. */
  #packed: number

  private constructor(database: Database, epoch: number, packed: number) {
    this.#database = database
    this.epoch = epoch
    this.#packed = packed
  }

  static begin(database: Database, epoch: number): LogValues {
    return new LogValues(database, epoch, 0)
  }

  static async open(database: Database, epoch: number): Promise<LogValues> {
    const [last] = await database.last(recordPacksBelow(epoch, EVERY_PACK), 1)
    const packs = last === undefined ? 0 : chunkOf(last[0]) + 1
    return new LogValues(database, epoch, packs * PACK_RECORDS)
  }

  get packed(): number {
    return this.#packed
  }

  async records(first: number, count: number): Promise<readonly Uint8Array[]> {
    const [gte, lt] = [recordKey(this.epoch, first), recordKey(this.epoch, first + count)]
    const records = await this.#database.values({ gte, lt })
    if (records.length === count) return records
    return this.pick(Array.from({ length: count }, (_, i) => first + i))
  }

  async pick(indexes: readonly number[]): Promise<readonly Uint8Array[]> {
    const found = await this.#find(indexes, recordKey, recordPackKey)
    return found.map((record, i) => {
      if (record !== null) return record
      throw damaged(`record ${indexes[i]} of log ${this.epoch} is not there`)
    })
  }

  exhibits(first: number, count: number): Promise<readonly (Uint8Array | null)[]> {
    const indexes = Array.from({ length: count }, (_, i) => first + i)
    return this.#find(indexes, exhibitKey, exhibitPackKey)
  }

  tile(level: number, index: number): Promise<Uint8Array | undefined> {
    return this.#database.get(tileKey(this.epoch, level, index))
  }

  /** Where it may be in the files: its pack, and where it was before. */
  placesOf(exhibits: readonly Exhibit[]): readonly (readonly Uint8Array[])[] {
    const packs = exhibits.map(({ index }) => exhibitPackKey(this.epoch, packOf(index)))
    return [packs, exhibits.map(({ index }) => exhibitKey(this.epoch, index))]
  }

  /** What takes the places of exhibits that are in packs, which are made anew without them. Not while a pack is made. */
  async replacing(exhibits: readonly Exhibit[]): Promise<Operation[]> {
    const inPacks = exhibits.filter(({ index }) => index < this.#packed)
    const operations: Operation[] = []
    for (const [pack, changed] of Map.groupBy(inPacks, ({ index }) => packOf(index))) {
      const key = exhibitPackKey(this.epoch, pack)
      const parts = await this.#parts(key)
      // One that cannot be read shows nothing of what it held, and does not stay.
      const left = parts === null ? [] : await without(key, parts, changed)
      operations.push(...(left.length === 0 ? [{ type: 'del' as const, key }] : left))
      for (const { index, bytes } of changed) {
        const own = exhibitKey(this.epoch, index)
        operations.push(
          bytes === null ? { type: 'del', key: own } : { type: 'put', key: own, value: bytes },
        )
      }
    }
    return operations
  }

  /** Makes the next pack, and takes out what is in it. Not synced: the synced batches that follow are behind it. */
  async pack(): Promise<void> {
    const first = this.#packed
    const [from, to] = [first, first + PACK_RECORDS]
    const range = { gte: recordKey(this.epoch, from), lt: recordKey(this.epoch, to) }
    const records = await this.#database.values(range)
    // One that is lost is the scrub's to tell; nothing is packed around it.
    if (records.length < PACK_RECORDS) return
    const exhibits = await this.#database.getMany(
      records.map((_, i) => exhibitKey(this.epoch, first + i)),
    )
    const beside = fitting(exhibits.map((each) => each ?? null))
    const number = packOf(first)
    const operations: Operation[] = [
      { type: 'put', key: recordPackKey(this.epoch, number), value: await packed(records) },
      { type: 'put', key: exhibitPackKey(this.epoch, number), value: await packed(beside) },
    ]
    for (let i = 0; i < PACK_RECORDS; i += 1) {
      operations.push({ type: 'del', key: recordKey(this.epoch, first + i) })
      if (beside[i] !== null)
        operations.push({ type: 'del', key: exhibitKey(this.epoch, first + i) })
    }
    await this.#database.write(operations, false)
    this.#packed = to
    if ((number + 1) % PACKS_COMPACTED === 0) await this.#giveBack(to)
  }

  /** LevelDB keeps what was deleted until a compaction comes by, which is seldom where nothing new is written. */
  async #giveBack(to: number): Promise<void> {
    const from = to - PACKS_COMPACTED * PACK_RECORDS
    for (const key of [recordKey, exhibitKey])
      await this.#database.compact({ gte: key(this.epoch, from), lt: key(this.epoch, to) })
  }

  /** Under their own keys first; null for what is in no pack, either. */
  async #find(indexes: readonly number[], own: KeyOf, pack: KeyOf): Promise<Found> {
    const alone = await this.#database.getMany(indexes.map((index) => own(this.epoch, index)))
    const found: Found = alone.map((bytes) => bytes ?? null)
    // INVARIANT: what has left its own key was in a pack before it left; so this order misses nothing.
    const missing = indexes.flatMap((index, at) => (found[at] === null ? [{ index, at }] : []))
    const packs = [...Map.groupBy(missing, ({ index }) => packOf(index))]
    for (let from = 0; from < packs.length; from += PACKS_AT_ONCE) {
      const some = packs.slice(from, from + PACKS_AT_ONCE)
      const opened = some.map(([each]) => this.#parts(pack(this.epoch, each)))
      for (const [i, parts] of (await Promise.all(opened)).entries())
        for (const { index, at } of some[i]?.[1] ?? [])
          found[at] = parts?.[index % PACK_RECORDS] ?? null
    }
    return found
  }

  async #parts(key: Uint8Array): Promise<Parts | null> {
    const bytes = await this.#database.get(key)
    return bytes === undefined ? null : unpack(bytes)
  }
}

function packOf(index: number): number {
  return Math.floor(index / PACK_RECORDS)
}

async function without(
  key: Uint8Array,
  parts: Parts,
  changed: readonly Exhibit[],
): Promise<Operation[]> {
  const gone = new Set(changed.map(({ index }) => index % PACK_RECORDS))
  const left = parts.map((part, i) => (gone.has(i) ? null : part))
  if (left.every((part) => part === null)) return []
  return [{ type: 'put', key, value: await packed(left) }]
}

/** What is too much for one pack stays where it is. */
function fitting(parts: Parts): Parts {
  let size = PACK_RECORDS * sizeInPack(null)
  return parts.map((part) => {
    const room = part?.length ?? 0
    if (size + room > PACK_BYTES_MAX) return null
    size += room
    return part
  })
}

/** Unpacked once and compared, before anything else goes for it. */
async function packed(parts: Parts): Promise<Uint8Array> {
  const bytes = await pack(parts)
  const again = await unpack(bytes)
  const same = parts.every((part, i) => sameBytes(part, again?.[i] ?? null))
  assert(same, 'what was packed comes out as it went in')
  return bytes
}

function sameBytes(a: Uint8Array | null, b: Uint8Array | null): boolean {
  return a === null || b === null ? a === b : equalBytes(a, b)
}
