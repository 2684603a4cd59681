/**
 * The one frame of `/meshd/lineage/1` that looks through a log: which of the
 * newest records match a filter, each with what proves it (frames.ts).
 *
 *     {"ask":"search","before":null,"count":50,"since":null,"terms":{"principal":"did:key:z6Mk…"},"until":null}⏎
 *     {"epoch":1,"items":[{"hashes":7,"index":88}],"next":null,"notes":1,"say":"found","stopped":false}⏎
 *        … note … record … 7 hashes
 *     {"say":"refused","why":"share"}⏎
 *
 * Notes are the newest that the log signed, and before it the newest that a
 * quorum cosigned, if that is another. A record is proven in the first note
 * that covers it.
 */

import { textOf, utf8 } from '../core/bytes.ts'
import type { Json, JsonObject } from '../core/json.ts'
import {
  COSIGNED_BYTES_MAX,
  LOG_EPOCH_MAX,
  LOG_RECORDS_MAX,
  MESH_SEARCH_RECORDS_MAX,
  PROOF_HASHES_MAX,
  RECORD_BYTES_MAX,
  RECORD_TEXT_BYTES_MAX,
  SYNC_FRAME_BYTES_MAX,
  TIME_S_MAX,
} from '../core/limits.ts'
import { Malformed } from '../core/malformed.ts'
import { HASH_BYTES, type Hash } from '../core/merkle.ts'
import { flag, integer, list, literal, nullable, object, optional, text } from '../core/shape.ts'
import { TERM_KINDS, type TermKind } from '../core/terms.ts'
import { alone, formatFrame, parseFrame } from './frames.ts'
import type { RecordFilter } from './record-search.ts'

export interface SearchRequest {
  readonly filter: RecordFilter
  /** Only records below it; null for all. */
  readonly before: number | null
  readonly count: number
}

export interface FoundRecord {
  readonly index: number
  readonly bytes: Uint8Array
  readonly proof: readonly Hash[]
}

const SEARCH_REFUSALS = ['share', 'busy', 'unready'] as const

/** `share`: this node shows its records to nobody, or not to the asker. */
export interface Refusal {
  readonly say: 'refused'
  readonly why: (typeof SEARCH_REFUSALS)[number]
}

/** Records of one log, and the notes that prove them. */
export interface Proven<Each extends FoundRecord = FoundRecord> {
  readonly epoch: number
  /** One, or two: the smaller first. */
  readonly notes: readonly string[]
  readonly records: readonly Each[]
}

export type SearchAnswer =
  | Refusal
  | (Proven & {
      readonly say: 'found'
      /** Older ones may match: where to go on. */
      readonly next: number | null
      readonly stopped: boolean
    })

const TIME_MS = integer(0, TIME_S_MAX * 1000)
const INDEX = integer(0, LOG_RECORDS_MAX)
const TERM = optional(text(RECORD_TEXT_BYTES_MAX))
const TERMS = object(
  Object.fromEntries(TERM_KINDS.map((kind) => [kind, TERM])) as Record<TermKind, typeof TERM>,
)
const REQUEST = object({
  ask: literal('search'),
  before: nullable(INDEX),
  count: integer(1, MESH_SEARCH_RECORDS_MAX),
  since: nullable(TIME_MS),
  terms: TERMS,
  until: nullable(TIME_MS),
})
export const REFUSED = object({ say: literal('refused'), why: literal(...SEARCH_REFUSALS) })
const FOUND = object({
  say: literal('found'),
  epoch: integer(1, LOG_EPOCH_MAX),
  items: list(
    object({ hashes: integer(0, PROOF_HASHES_MAX), index: INDEX }),
    MESH_SEARCH_RECORDS_MAX,
  ),
  next: nullable(INDEX),
  notes: integer(1, 2),
  stopped: flag,
})

/** Whether a frame of that protocol is one of these. */
export function asksSearch(bytes: Uint8Array): boolean {
  return textOf(bytes.subarray(0, MARK.length)) === MARK
}

const MARK = '{"ask":"search"'

export function formatSearchRequest({ filter, before, count }: SearchRequest): Uint8Array {
  const { terms, sinceMs: since, untilMs: until } = filter
  const asked: JsonObject = { ask: 'search', before, count, since, terms: terms as Json, until }
  return formatFrame(asked, [])
}

/** @throws Malformed */
export function parseSearchRequest(bytes: Uint8Array): SearchRequest {
  const { header, blobs } = parseFrame(bytes, SYNC_FRAME_BYTES_MAX)
  const { before, count, since, terms, until } = alone(REQUEST(header, 'search'), blobs)
  return { filter: { terms, sinceMs: since, untilMs: until }, before, count }
}

export function formatSearchAnswer(answer: SearchAnswer): Uint8Array {
  if (answer.say === 'refused') return formatFrame({ ...answer }, [])
  const { say, epoch, notes, records, next, stopped } = answer
  const items = records.map(({ index, proof }) => ({ hashes: proof.length, index }))
  const header = { say, epoch, items, next, notes: notes.length, stopped }
  const blobs = records.flatMap(({ bytes, proof }) => [bytes, ...proof])
  return formatFrame(header, [...notes.map(utf8), ...blobs])
}

/** @throws Malformed */
export function parseSearchAnswer(bytes: Uint8Array): SearchAnswer {
  const { header, blobs } = parseFrame(bytes, SYNC_FRAME_BYTES_MAX)
  if (header['say'] === 'refused') return alone(REFUSED(header, 'search'), blobs)
  const { say, epoch, items, next, notes: count, stopped } = FOUND(header, 'search')
  return { say, epoch, ...readProven(blobs, count, items), next, stopped }
}

/** @param count of notes, before the records and their proofs @throws Malformed */
export function readProven(
  blobs: readonly Uint8Array[],
  count: number,
  items: readonly { readonly hashes: number; readonly index: number }[],
): Omit<Proven, 'epoch'> {
  const needed = count + items.reduce((sum, { hashes }) => sum + 1 + hashes, 0)
  if (blobs.length !== needed) throw new Malformed('blobs are missing, or too many')
  const notes = blobs.slice(0, count).map((blob) => textIn(blob, COSIGNED_BYTES_MAX))
  let at = count
  const records = items.map(({ index, hashes }) => {
    const record = { index, bytes: recordIn(blobs[at]), proof: hashesIn(blobs, at + 1, hashes) }
    at += 1 + hashes
    return record
  })
  return { notes, records }
}

function textIn(blob: Uint8Array, bytesMax: number): string {
  if (blob.length > bytesMax) throw new Malformed(`a note has ${blob.length} bytes`)
  return textOf(blob)
}

function recordIn(blob: Uint8Array | undefined): Uint8Array {
  if (blob === undefined || blob.length > RECORD_BYTES_MAX)
    throw new Malformed('a record is missing, or too large')
  return blob
}

function hashesIn(blobs: readonly Uint8Array[], first: number, count: number): readonly Hash[] {
  const hashes = blobs.slice(first, first + count)
  if (hashes.some(({ length }) => length !== HASH_BYTES)) throw new Malformed('a hash has 32 bytes')
  return hashes
}
