/**
 * Giving up old records, and nothing that proves: their bytes go, the tree
 * stays, so whoever holds a record can still prove it against this log.
 *
 *     0 ── pruned ── least ── … ── cutoff ── … ── witnessed ── size
 *
 * Only what is older than the retention, below a head that the quorum
 * cosigned, and whole chunks of it. The log tells of it first, in the batch
 * that makes it so. What is open, and what was used, is kept beside the log.
 */

import { utf8 } from '../core/bytes.ts'
import { INDEX_RECORDS, READ_RECORDS } from '../core/limits.ts'
import { MeshError } from '../core/problems.ts'
import { formatDraft } from '../core/record.ts'
import { formatTime } from '../core/shape.ts'
import { findableOf } from '../core/terms.ts'
import type { Log } from './log.ts'
import type { LogReader } from './log-reader.ts'
import type { Put } from './ports.ts'

export interface PrunePorts {
  readonly log: Pick<Log, 'append' | 'epoch'>
  readonly reader: Pick<LogReader, 'least' | 'size' | 'search' | 'range'>
  /** Records under a checkpoint that the quorum cosigned. */
  witnessedSize(): number
}

export interface PrunePlan {
  /** The first record that is kept now, and that would be. */
  readonly from: number
  readonly to: number
  /** Records below it are witnessed. */
  readonly witnessed: number
}

/** How far records older than a time reach, in whole chunks; nothing is changed. @throws MeshError NOT_READY while the index is made */
export async function planPrune(
  { reader, witnessedSize }: PrunePorts,
  beforeMs: number,
): Promise<PrunePlan> {
  const from = reader.least
  const witnessed = Math.min(witnessedSize(), reader.size)
  let to = chunkBelow(witnessed)
  for (let before = to; before > from; ) {
    const query = { terms: [], sinceMs: beforeMs, untilMs: null }
    const { indexes, reached } = await reader.search(query, before, 1)
    const [younger] = indexes
    if (younger === undefined && reached === before)
      throw new MeshError('NOT_READY', 'the index of the log is being made', {
        hint: 'ask again in a minute',
      })
    if (younger !== undefined) to = chunkBelow(younger)
    before = Math.min(reached, to)
  }
  return { from, to: Math.max(from, to), witnessed }
}

/**
 * Gives up records [plan.from, plan.to), after it looked at each of them: the
 * index that made the plan is believed nothing. Resolves once it is durable.
 * @throws MeshError CONFLICT when one is not older, or the log is another by now
 */
export async function prune(
  ports: PrunePorts,
  plan: PrunePlan,
  beforeMs: number,
  retentionMs: number,
): Promise<void> {
  const { log, reader } = ports
  const { epoch } = log
  for (let at = plan.from; at < plan.to; at += READ_RECORDS)
    for (const { index, bytes } of await reader.range(at, Math.min(READ_RECORDS, plan.to - at)))
      if (findableOf(bytes).timeMs >= beforeMs)
        throw new MeshError('CONFLICT', `record ${index} is not older than that`)
  if (log.epoch !== epoch || reader.least !== plan.from)
    throw new MeshError('CONFLICT', 'the log is another by now', { hint: 'ask again' })
  const detail = `records ${plan.from} to ${plan.to - 1} of epoch ${epoch}, older than ${formatTime(beforeMs)}; audit.retention ${retentionMs} ms; tiles stay`
  const draft = formatDraft<'system'>({ type: 'system', event: 'pruned', detail })
  const put: Put = { space: 'pruned', key: String(epoch), value: utf8(String(plan.to)) }
  await log.append(draft, () => [put])
}

function chunkBelow(index: number): number {
  return index - (index % INDEX_RECORDS)
}
