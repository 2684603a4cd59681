/**
 * Counts records by what they share. Each is read and hashed like any that is
 * shown; the time between is found by the index. A count that ended at its
 * bound says where.
 */
import type { RecordGroup, RecordStatsView, StatsBy } from '../client/search-types.ts'
import type { Json, JsonObject } from '../core/json.ts'
import {
  RECORD_GROUPS_LISTED_MAX,
  RECORD_GROUPS_MAX,
  RECORDS_READ_MAX,
  RECORDS_SEARCHED_MAX,
} from '../core/limits.ts'
import type { LogReader } from '../mesh/log-reader.ts'
import { type Found, type RecordFilter, searchRecords } from '../mesh/record-search.ts'

type Source = Pick<LogReader, 'size' | 'least' | 'search' | 'pick' | 'find'>

const PAGES_MAX = Math.ceil(RECORDS_SEARCHED_MAX / RECORDS_READ_MAX)

export async function countRecords(
  reader: Source,
  by: readonly StatsBy[],
  filter: RecordFilter,
  signal: AbortSignal,
): Promise<RecordStatsView> {
  const counts = new Map<string, number>()
  let [counted, left] = [0, PAGES_MAX]
  let newest: string | null = null
  let oldest: string | null = null
  let before: number | null = null
  let stopped = false
  do {
    const asked = { filter, before, limit: RECORDS_READ_MAX, signal }
    const page = await searchRecords(reader, asked)
    for (const { leaf } of page.found) {
      const key = JSON.stringify(by.map((name) => sharedOf(leaf, name)))
      if (counts.size < RECORD_GROUPS_MAX || counts.has(key))
        counts.set(key, (counts.get(key) ?? 0) + 1)
    }
    counted += page.found.length
    newest ??= timeOf(page.found[0])
    oldest = timeOf(page.found.at(-1)) ?? oldest
    before = page.next
    left -= 1
    stopped = before !== null && (page.stopped || left === 0)
  } while (before !== null && !stopped && !signal.aborted)
  const groups = groupsOf(counts)
  const unlisted = counted - groups.reduce((sum, { count }) => sum + count, 0)
  const stoppedAt = stopped ? before : null
  return { by, counted, unlisted, from: oldest, to: newest, stoppedAt, groups }
}

function groupsOf(counts: ReadonlyMap<string, number>): readonly RecordGroup[] {
  return [...counts]
    .sort(([a, m], [b, n]) => n - m || (a < b ? -1 : 1))
    .slice(0, RECORD_GROUPS_LISTED_MAX)
    .map(([key, count]) => ({ values: JSON.parse(key) as (string | null)[], count }))
}

/** One value of a record, unlike the terms it is found by: of principals the one that acted. */
function sharedOf(leaf: JsonObject, by: StatsBy): string | null {
  const request = objectIn(leaf['request'])
  switch (by) {
    case 'type':
      return textIn(leaf['type'])
    case 'code':
      return leaf['type'] === 'decision' ? (textIn(leaf['code']) ?? 'ALLOW') : null
    case 'principal':
      return textIn(leaf['principal']) ?? textIn(objectIn(leaf['caller'])['principal'])
    case 'action':
      return textIn(request['action'])
    case 'resource': {
      const { type, id } = objectIn(request['resource'])
      return textIn(type) === null ? null : `${textIn(type)}:${textIn(id)}`
    }
    case 'outcome':
      return textIn(leaf['effect']) ?? textIn(leaf['outcome'])
  }
}

function timeOf(found: Found | undefined): string | null {
  return textIn(found?.leaf['time'])
}

function textIn(value: Json | undefined): string | null {
  return typeof value === 'string' ? value : null
}

function objectIn(value: Json | undefined): JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
    ? (value as JsonObject)
    : {}
}
