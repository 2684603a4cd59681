/**
 * Which records have an id, a principal, a code: hints that cost the hot path
 * next to nothing. The newest are in memory, whole chunks in the database,
 * written unsynced after their records were answered. What a power cut took of
 * it, and an index that is not there or of another version, is made again,
 * newest chunk first, while everything else goes on.
 *
 *     0 ─── made later ─── from ─── in the database ─── to ─── in memory ─── size
 */
import { setTimeout as sleep } from 'node:timers/promises'
import type { RecordId } from '../core/id.ts'
import { idOf } from '../core/id.ts'
import {
  INDEX_CHUNKS_AT_START_MAX,
  INDEX_CHUNKS_SEARCHED_MAX,
  INDEX_ENTRIES_READ,
  INDEX_PAUSE_MS,
  INDEX_RECORDS,
  READ_RECORDS,
} from '../core/limits.ts'
import { findableOf } from '../core/terms.ts'
import type { Matches, Query } from '../mesh/ports.ts'
import type { Database } from './database.ts'
import { chunkKey, chunkOf, cursorKey, indexKey, parseCount, postingKey } from './keyspace.ts'
import {
  type Cursor,
  chunkOperations,
  formatCursor,
  type Indexed,
  parseCursor,
  parsePlaces,
  parseSpan,
  type Span,
  spanOf,
  termHash,
} from './postings.ts'
import type { Tiles } from './tiles.ts'

/** Of a chunk on disk: the places that have the first term, or all of them. */
interface Candidate {
  readonly chunk: number
  readonly places: readonly number[] | null
}

const EVERY_PLACE = Array.from({ length: INDEX_RECORDS }, (_, place) => place)

export class SearchIndex {
  readonly #database: Database
  readonly #epoch: number
  readonly #closing = new AbortController()
  /** Whole chunks that are in the database. */
  #cursor: Cursor
  /** Every record from #cursor.to on, and where each id of them is. */
  #newest: Indexed[] = []
  readonly #places = new Map<RecordId, number>()
  /** The first chunk that was not pruned. */
  #kept = 0
  #writing: Promise<void> | null = null
  #making: Promise<void> | null = null

  private constructor(database: Database, epoch: number, cursor: Cursor) {
    this.#database = database
    this.#epoch = epoch
    this.#cursor = cursor
  }

  static begin(database: Database, epoch: number): SearchIndex {
    return new SearchIndex(database, epoch, { from: 0, to: 0 })
  }

  /** Reads what is not in the database of the last records; older ones are indexed later. */
  static async open(database: Database, epoch: number, tiles: Tiles): Promise<SearchIndex> {
    const { size } = tiles.frontier
    const chunks = Math.floor(size / INDEX_RECORDS)
    const known = parseCursor(await database.get(cursorKey(epoch)), chunks)
    const kept = tiles.least / INDEX_RECORDS
    const near =
      known !== null && chunks - known.to <= INDEX_CHUNKS_AT_START_MAX && known.to >= kept
    const index = new SearchIndex(database, epoch, near ? known : { from: chunks, to: chunks })
    index.prune(tiles.least)
    for (let chunk = index.#cursor.to; chunk * INDEX_RECORDS < size; chunk += 1) {
      const first = chunk * INDEX_RECORDS
      const records = await tiles.records(first, Math.min(INDEX_RECORDS, size - first))
      for (const [i, record] of records.entries()) index.#keep(indexedOf(record), first + i)
      await index.#writeWhole()
    }
    index.#making = index.#make(tiles)
    return index
  }

  /** @param index below every one that was not added yet */
  add(record: Indexed, index: number): void {
    this.#keep(record, index)
    if (this.#newest.length < INDEX_RECORDS || this.#writing !== null) return
    this.#writing = this.#writeWhole()
      // The handle is poisoned then, and the next open makes the index again.
      .catch(() => {})
      .finally(() => {
        this.#writing = null
      })
  }

  /** Waits for an index that is being made, before it says that there is none. */
  async locate(id: RecordId): Promise<number | null> {
    const found = await this.#located(id)
    if (found !== null || this.#cursor.from <= this.#kept) return found
    await this.#making
    return this.#located(id)
  }

  async search(query: Query, before: number, count: number): Promise<Matches> {
    const indexes: number[] = []
    const first = this.#cursor.to * INDEX_RECORDS
    for (let i = Math.min(this.#newest.length, before - first) - 1; i >= 0; i -= 1) {
      if (indexes.length >= count) return { indexes, reached: first + i + 1 }
      if (matches(query, this.#newest[i] as Indexed)) indexes.push(first + i)
    }
    return this.#searchDisk(query, Math.min(before, first), count, indexes)
  }

  /** @param least a multiple of INDEX_RECORDS; where pruned ids were is still known */
  prune(least: number): void {
    this.#kept = least / INDEX_RECORDS
  }

  async close(): Promise<void> {
    this.#closing.abort()
    await this.#writing
    await this.#making
  }

  #keep(record: Indexed, index: number): void {
    this.#newest.push(record)
    this.#places.set(record.id, index)
  }

  async #located(id: RecordId): Promise<number | null> {
    return this.#places.get(id) ?? parseCount(await this.#database.get(indexKey(this.#epoch, id)))
  }

  async #searchDisk(
    query: Query,
    before: number,
    count: number,
    found: number[],
  ): Promise<Matches> {
    const { to } = this.#cursor
    const from = Math.max(this.#cursor.from, this.#kept)
    let end = Math.min(to, Math.ceil(before / INDEX_RECORDS))
    const least = Math.max(from, end - INDEX_CHUNKS_SEARCHED_MAX)
    while (end > least) {
      const candidates = await this.#candidates(query, least, end)
      for (const candidate of candidates) {
        for (const place of await this.#placesOf(query, candidate)) {
          const index = candidate.chunk * INDEX_RECORDS + place
          if (index >= before) continue
          if (found.length >= count) return { indexes: found, reached: index + 1 }
          found.push(index)
        }
      }
      end = candidates.length < INDEX_ENTRIES_READ ? least : (candidates.at(-1)?.chunk ?? least)
    }
    return { indexes: found, reached: Math.min(before, least * INDEX_RECORDS) }
  }

  /** Chunks in [least, end) that have the first term, or any, the newest first; at most INDEX_ENTRIES_READ. */
  async #candidates({ terms }: Query, least: number, end: number): Promise<Candidate[]> {
    const [rarest] = terms
    const key = (chunk: number) =>
      rarest === undefined
        ? chunkKey(this.#epoch, chunk)
        : postingKey(this.#epoch, termHash(rarest), chunk)
    const range = { gte: key(least), lt: key(end) }
    const entries = await this.#database.last(range, INDEX_ENTRIES_READ)
    return entries.map(([bytes, value]) => ({
      chunk: chunkOf(bytes),
      places: rarest === undefined ? null : parsePlaces(value),
    }))
  }

  /** The places of a chunk that have every term, the last first; none when its times are others. */
  async #placesOf(query: Query, { chunk, places }: Candidate): Promise<readonly number[]> {
    if (!(await this.#inTime(query, chunk))) return []
    let left = places ?? EVERY_PLACE
    for (const term of query.terms.slice(1)) {
      const key = postingKey(this.#epoch, termHash(term), chunk)
      const others = new Set(parsePlaces((await this.#database.get(key)) ?? new Uint8Array()))
      left = left.filter((place) => others.has(place))
      if (left.length === 0) break
    }
    return left.toReversed()
  }

  async #inTime(query: Query, chunk: number): Promise<boolean> {
    if (query.sinceMs === null && query.untilMs === null) return true
    const span = parseSpan(await this.#database.get(chunkKey(this.#epoch, chunk)))
    return span === null || overlaps(query, span)
  }

  /** Writes the whole chunks that are in memory, the oldest first. */
  async #writeWhole(): Promise<void> {
    while (this.#newest.length >= INDEX_RECORDS) {
      const chunk = this.#newest.slice(0, INDEX_RECORDS)
      const to = this.#cursor.to + 1
      await this.#write(to - 1, chunk, { ...this.#cursor, to })
      // INVARIANT: both in one turn, or a search would count its places from the wrong record.
      this.#cursor = { ...this.#cursor, to }
      this.#newest = this.#newest.slice(INDEX_RECORDS)
      for (const { id } of chunk) this.#places.delete(id)
    }
  }

  /** The chunks below the cursor, one at a time, until all are there. */
  async #make(tiles: Tiles): Promise<void> {
    const { signal } = this.#closing
    try {
      while (this.#cursor.from > this.#kept) {
        const chunk = this.#cursor.from - 1
        const first = chunk * INDEX_RECORDS
        const records: Indexed[] = []
        while (records.length < INDEX_RECORDS) {
          // In turns: whatever else waits comes in between.
          await sleep(INDEX_PAUSE_MS, undefined, { signal, ref: false })
          const page = await tiles.records(first + records.length, READ_RECORDS)
          records.push(...page.map(indexedOf))
        }
        if (signal.aborted) return
        await this.#write(chunk, records, { ...this.#cursor, from: chunk })
        this.#cursor = { ...this.#cursor, from: chunk }
      }
    } catch {
      // Closed, or the disk failed, or a record is damaged, which the scrub says: what there is stays, and searches say how far it goes.
    }
  }

  /** @param cursor once the chunk is there; of two at a time the later one counts, and the other is made again */
  async #write(chunk: number, records: readonly Indexed[], cursor: Cursor): Promise<void> {
    const operations = chunkOperations(this.#epoch, chunk, records)
    operations.push({ type: 'put', key: cursorKey(this.#epoch), value: formatCursor(cursor) })
    await this.#database.write(operations, false)
  }
}

function indexedOf(record: Uint8Array): Indexed {
  return { id: idOf(record), ...findableOf(record) }
}

function matches(query: Query, record: Indexed): boolean {
  return (
    overlaps(query, spanOf([record])) && query.terms.every((term) => record.terms.includes(term))
  )
}

function overlaps({ sinceMs, untilMs }: Query, span: Span): boolean {
  return (
    (sinceMs === null || span.untilMs >= sinceMs) && (untilMs === null || span.sinceMs <= untilMs)
  )
}
