/**
 * Which records of a log were given up, as it is kept beside it:
 *
 *     pruned/<epoch>   the first record that is still there, `2048`
 *
 * It is written in one batch with the record that tells of it; the records
 * below it go afterwards, and again after a crash. Whole chunks of the index,
 * which are whole entry bundles of tlog-tiles: its minimum index is a multiple
 * of 256.
 */
import { textOf, utf8 } from '../core/bytes.ts'
import { INDEX_RECORDS } from '../core/limits.ts'
import type { Put } from '../mesh/ports.ts'
import type { Database } from './database.ts'
import { damaged } from './failures.ts'
import { open, putKey, valuesBelow } from './keyspace.ts'
import type { Standing } from './standing.ts'
import type { Tiles } from './tiles.ts'

/** @throws MeshError LOG_DAMAGED for what no writer of ours wrote. @param size of that log */
function parseLeast(value: Uint8Array, size: number): number {
  const text = textOf(value)
  const least = /^(?:0|[1-9]\d{0,9})$/.test(text) ? Number(text) : Number.NaN
  if (least % INDEX_RECORDS === 0 && least <= size) return least
  throw damaged(`where the log begins is not what was written: \`${text.slice(0, 20)}\``)
}

/** What a batch says of a log; null when it says nothing. */
export function leastIn(puts: readonly Put[], epoch: number, size: number): number | null {
  const put = puts.findLast(({ space, key }) => space === 'pruned' && key === String(epoch))
  return put === undefined ? null : parseLeast(put.value ?? utf8('0'), size)
}

/** What a crash left of records that were given up. */
export async function clearPruned(
  database: Database,
  { epoch, size }: Standing,
  tiles: Tiles,
): Promise<void> {
  const key = putKey('pruned', String(epoch))
  const sealed = await database.get(key)
  if (sealed === undefined) return
  tiles.prune(parseLeast(open(key, sealed) ?? new Uint8Array(), size))
  for (const range of valuesBelow(epoch, tiles.least)) await database.clear(range)
}
