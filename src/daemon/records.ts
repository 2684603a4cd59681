/**
 * Looking through the node's own log, newest first, with filters. Every record
 * was hashed against the tree on its way from disk; nothing is indexed here but
 * ids, so a filter reads, and reads a bounded number.
 */
import type { RecordId } from '../core/id.ts'
import { type JsonObject, parseCanonical } from '../core/json.ts'
import type { Did } from '../core/keys.ts'
import { RECORD_BYTES_MAX, RECORDS_READ_MAX, RECORDS_SEARCHED_MAX } from '../core/limits.ts'
import { type LogRecord, parseRecord, type RecordType } from '../core/record.ts'
import type { Durable } from '../mesh/log.ts'
import type { LogReader } from '../mesh/log-reader.ts'

export interface RecordFilter {
  readonly type: RecordType | null
  /** Who acted. */
  readonly principal: Did | null
  readonly action: string | null
  /** A reason code, or ALLOW. */
  readonly code: string | null
  readonly sinceMs: number | null
  readonly untilMs: number | null
}

export interface Found {
  readonly id: RecordId
  readonly record: LogRecord
  /** The leaf, exactly. */
  readonly leaf: JsonObject
}

/** At most limit of the newest that match; of at most RECORDS_SEARCHED_MAX that are read. */
export async function newestRecords(
  reader: LogReader,
  filter: RecordFilter,
  limit: number,
  signal: AbortSignal,
): Promise<readonly Found[]> {
  const found: Found[] = []
  let before: number | null = null
  for (
    let read = 0;
    read < RECORDS_SEARCHED_MAX && found.length < limit && !signal.aborted;
    read += RECORDS_READ_MAX
  ) {
    const page: readonly Found[] = (await reader.newest(before, RECORDS_READ_MAX)).map(readFound)
    found.push(...page.filter((each) => matches(filter, each)))
    const oldest = page.at(-1)
    // Times ascend with the log, but for a clock that stepped: older pages have nothing newer.
    if (oldest === undefined || oldest.record.time < (filter.sinceMs ?? 0)) break
    before = oldest.record.index
  }
  return found.slice(0, limit)
}

/** Records [first, …), at most count. */
export async function recordsFrom(
  reader: LogReader,
  first: number,
  count: number,
): Promise<readonly Found[]> {
  return (await reader.range(first, count)).map(readFound)
}

export function readFound({ id, bytes }: Durable): Found {
  const leaf = parseCanonical(bytes, RECORD_BYTES_MAX) as JsonObject
  return { id, record: parseRecord(bytes), leaf }
}

function matches(filter: RecordFilter, { record }: Found): boolean {
  const { type, principal, action, code, sinceMs, untilMs } = filter
  if (type !== null && record.type !== type) return false
  if (sinceMs !== null && record.time < sinceMs) return false
  if (untilMs !== null && record.time > untilMs) return false
  if (principal === null && action === null && code === null) return true
  if (record.type !== 'decision') return false
  if (principal !== null && !record.principals.includes(principal)) return false
  if (action !== null && record.request?.action !== action) return false
  return code === null || (record.code ?? 'ALLOW') === code
}
