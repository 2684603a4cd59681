/**
 * The search index, as it stands on disk: of each chunk of 1,024 records one
 * entry for each term, with the places in the chunk at which it is.
 *
 *     s <epoch> <8 bytes of sha256(term)> <chunk>   →  2 bytes for each record
 *     c <epoch> <chunk>                             →  earliest time 6 ‖ latest 6
 *     x <epoch>                                     →  version 2 ‖ from 4 ‖ to 4
 *
 * So a term that half of the records have costs a byte a record, and a query
 * reads one entry for a thousand records. Chunks [from, to) are there. A hint:
 * nothing of it is believed before the record itself was read.
 */
import type { RecordId } from '../core/id.ts'
import { sha256 } from '../core/id.ts'
import { INDEX_RECORDS } from '../core/limits.ts'
import type { Findable } from '../core/terms.ts'
import type { Operation } from './database.ts'
import { chunkKey, formatCount, indexKey, postingKey } from './keyspace.ts'

/** One more when records get terms that they did not have: an index of another version is made anew. */
const INDEX_VERSION = 2
const CURSOR_BYTES = 9
const SPAN_BYTES = 12
const TERM_HASH_BYTES = 8

export interface Indexed extends Findable {
  readonly id: RecordId
}

/** Chunks [from, to) of a log are in the index. */
export interface Cursor {
  readonly from: number
  readonly to: number
}

/** From the earliest to the latest record of a chunk, Unix ms: a clock may have stepped in between. */
export interface Span {
  readonly sinceMs: number
  readonly untilMs: number
}

export function termHash(term: string): Uint8Array {
  return sha256(Buffer.from(term)).subarray(0, TERM_HASH_BYTES)
}

/** What a whole chunk puts on disk, its ids among it. */
export function chunkOperations(
  epoch: number,
  chunk: number,
  records: readonly Indexed[],
): Operation[] {
  const operations: Operation[] = []
  const put = (key: Uint8Array, value: Uint8Array) => operations.push({ type: 'put', key, value })
  const places = new Map<string, number[]>()
  for (const [place, { id, terms }] of records.entries()) {
    put(indexKey(epoch, id), formatCount(chunk * INDEX_RECORDS + place))
    for (const term of terms) {
      const known = places.get(term)
      if (known === undefined) places.set(term, [place])
      else known.push(place)
    }
  }
  for (const [term, at] of places) put(postingKey(epoch, termHash(term), chunk), formatPlaces(at))
  put(chunkKey(epoch, chunk), formatSpan(spanOf(records)))
  return operations
}

export function spanOf(records: readonly Findable[]): Span {
  const times = records.map(({ timeMs }) => timeMs)
  return { sinceMs: Math.min(...times), untilMs: Math.max(...times) }
}

function formatPlaces(places: readonly number[]): Uint8Array {
  const bytes = Buffer.alloc(2 * places.length)
  for (const [i, place] of places.entries()) bytes.writeUInt16BE(place, 2 * i)
  return bytes
}

/** Places in a chunk; none of what is no place. */
export function parsePlaces(bytes: Uint8Array): readonly number[] {
  const buffer = Buffer.from(bytes)
  const count = Math.floor(buffer.length / 2)
  const places = Array.from({ length: count }, (_, i) => buffer.readUInt16BE(2 * i))
  return places.filter((place) => place < INDEX_RECORDS)
}

function formatSpan({ sinceMs, untilMs }: Span): Uint8Array {
  const bytes = Buffer.alloc(SPAN_BYTES)
  bytes.writeUIntBE(sinceMs, 0, 6)
  bytes.writeUIntBE(untilMs, 6, 6)
  return bytes
}

/** null for what is none: then the chunk may hold any time. */
export function parseSpan(bytes: Uint8Array | undefined): Span | null {
  if (bytes?.length !== SPAN_BYTES) return null
  const buffer = Buffer.from(bytes)
  return { sinceMs: buffer.readUIntBE(0, 6), untilMs: buffer.readUIntBE(6, 6) }
}

export function formatCursor({ from, to }: Cursor): Uint8Array {
  const bytes = Buffer.alloc(CURSOR_BYTES)
  bytes[0] = INDEX_VERSION
  bytes.writeUInt32BE(from, 1)
  bytes.writeUInt32BE(to, 5)
  return bytes
}

/** null for an index of another version, and for none. @param chunks whole ones of the log */
export function parseCursor(bytes: Uint8Array | undefined, chunks: number): Cursor | null {
  if (bytes?.length !== CURSOR_BYTES || bytes[0] !== INDEX_VERSION) return null
  const buffer = Buffer.from(bytes)
  const [from, to] = [buffer.readUInt32BE(1), buffer.readUInt32BE(5)]
  return from <= to && to <= chunks ? { from, to } : null
}
