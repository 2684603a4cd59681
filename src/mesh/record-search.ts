/**
 * Looking through the node's own log, newest first, with filters. Where to look
 * the index says, and nothing else is believed of it: every record is hashed
 * against the tree on its way from disk, and compared with the filter. Where
 * the index does not reach, the records are read one after the other. All of
 * it ends at a bound, and says so.
 */
import { isSha256Id, type RecordId } from '../core/id.ts'
import type { JsonObject } from '../core/json.ts'
import { INDEX_RECORDS, RECORDS_READ_MAX, RECORDS_SEARCHED_MAX } from '../core/limits.ts'
import { MeshError } from '../core/problems.ts'
import { formatTerm, leafOf, TERM_KINDS, type TermKind, termsOf } from '../core/terms.ts'
import type { Durable } from './log.ts'
import type { LogReader } from './log-reader.ts'
import type { Matches, Query } from './ports.ts'

/** All of it must hold; what is not named may be anything. */
export interface RecordFilter {
  readonly terms: Readonly<Partial<Record<TermKind, string>>>
  readonly sinceMs: number | null
  readonly untilMs: number | null
}

export interface Found {
  readonly id: RecordId
  /** The leaf, exactly. */
  readonly leaf: JsonObject
}

export interface Page {
  readonly found: readonly Found[]
  /** The next page is of records below this; null where there are none. */
  readonly next: number | null
  /** The search ended at its bound: records below `next` were not looked at, and may match. */
  readonly stopped: boolean
}

export interface Asked {
  readonly filter: RecordFilter
  /** Only records below it; null for all. */
  readonly before: number | null
  readonly limit: number
  readonly signal: AbortSignal
}

type Source = Pick<LogReader, 'size' | 'least' | 'search' | 'pick' | 'find'>

/** The newest that match; of an execution, last of all, the decision that it is named by. */
export async function searchRecords(reader: Source, asked: Asked): Promise<Page> {
  const page = await searchTerms(reader, asked)
  const { execution } = asked.filter.terms
  if (page.next !== null || execution === undefined || !isSha256Id(execution)) return page
  const record = await reader.find(execution).catch(unlessPruned)
  if (record === null || record.index >= (asked.before ?? reader.size)) return page
  const own = readFound(record)
  const { execution: _, ...others } = asked.filter.terms
  if (!matches(queryOf({ ...asked.filter, terms: others }), own)) return page
  if (page.found.length >= asked.limit) return { ...page, next: record.index + 1 }
  return { ...page, found: [...page.found, own] }
}

/** What was pruned is not there to be shown or proven; whatever else is wrong goes on being wrong. */
export function unlessPruned(error: unknown): null {
  if (error instanceof MeshError && error.code === 'NOT_FOUND') return null
  throw error
}

async function searchTerms(reader: Source, asked: Asked): Promise<Page> {
  const { filter, limit, signal } = asked
  const query = queryOf(filter)
  const found: Found[] = []
  let before = Math.min(asked.before ?? reader.size, reader.size)
  let count = limit
  let looked = 0
  const { least } = reader
  while (
    before > least &&
    found.length < limit &&
    looked < RECORDS_SEARCHED_MAX &&
    !signal.aborted
  ) {
    const { indexes, reached } = await placesBelow(reader, query, before, count)
    const page = (await reader.pick(indexes)).map(readFound)
    found.push(...page.filter((each) => matches(query, each)))
    looked += indexes.length + Math.ceil((before - reached) / INDEX_RECORDS)
    before = reached
    // What the index gave is not all of what was asked for: the rest of it in larger steps.
    count = RECORDS_READ_MAX
  }
  const last = found.slice(0, limit)
  const full = found.length >= limit
  const next = full && found.length > limit ? indexOf(last.at(-1)) : before
  return { found: last, next: next > least ? next : null, stopped: !full && before > least }
}

/** What the index says; where it knows nothing, every record. */
async function placesBelow(
  reader: Source,
  query: Query,
  before: number,
  count: number,
): Promise<Matches> {
  const matches = await reader.search(query, before, count)
  if (matches.reached < before || matches.indexes.length > 0) return matches
  const reached = Math.max(reader.least, before - RECORDS_READ_MAX)
  return { indexes: Array.from({ length: before - reached }, (_, i) => before - 1 - i), reached }
}

export interface Tail {
  readonly found: readonly Found[]
  /** The first record that was not looked at. */
  readonly next: number
}

/** Of the count records from `first` on those that match, oldest first. */
export async function recordsFrom(
  reader: Pick<LogReader, 'range'>,
  filter: RecordFilter,
  first: number,
  count: number,
): Promise<Tail> {
  const query = queryOf(filter)
  const records = (await reader.range(first, count)).map(readFound)
  return {
    found: records.filter((each) => matches(query, each)),
    next: first + records.length,
  }
}

/** @param record its bytes were verified on the way from disk, and are of this node's own printing */
export function readFound({ id, bytes }: Pick<Durable, 'id' | 'bytes'>): Found {
  return { id, leaf: leafOf(bytes) }
}

export function queryOf({ terms, sinceMs, untilMs }: RecordFilter): Query {
  const lines = TERM_KINDS.flatMap((kind) => {
    const value = terms[kind]
    return value === undefined ? [] : [formatTerm(kind, value)]
  })
  return { terms: lines, sinceMs, untilMs }
}

export function matches(query: Query, { leaf }: Found): boolean {
  const timeMs = Date.parse(String(leaf['time']))
  if (query.sinceMs !== null && !(timeMs >= query.sinceMs)) return false
  if (query.untilMs !== null && !(timeMs <= query.untilMs)) return false
  const terms = termsOf(leaf)
  return query.terms.every((term) => terms.includes(term))
}

function indexOf(found: Found | undefined): number {
  return Number(found?.leaf['index'] ?? 0)
}
