/**
 * What a node has to remember of a record that comes back to it, beside the
 * record: what an allow used up must not be used again, and what has ended does
 * not end once more.
 */
import type { Cid } from '../core/id.ts'
import type { Use } from '../core/judge.ts'
import { ARTIFACT_TTL_MS_MAX, INVOCATION_TTL_MS_MAX, SKEW_MS_MAX } from '../core/limits.ts'
import { Malformed } from '../core/malformed.ts'
import { type LogRecord, parseRecord } from '../core/record.ts'
import type { Executions } from './executions.ts'
import type { Nonces } from './nonces.ts'
import type { Put } from './ports.ts'

export interface RelearnPorts {
  readonly nonces: Pick<Nonces, 'reserve'>
  readonly executions: Pick<Executions, 'ended'>
}

/** @param bytes a record of this node's own log */
export function relearn(bytes: Uint8Array, nowMs: number, ports: RelearnPorts): readonly Put[] {
  const record = read(bytes)
  if (record === null) return []
  if (record.type === 'outcome') return ports.executions.ended(record.execution)
  if (record.type !== 'decision' || record.effect !== 'allow') return []
  return ports.nonces.reserve(spentBy(record).filter(({ expiresMs }) => expiresMs >= nowMs))
}

/**
 * The record does not say which links were for single use, nor when they end.
 * All are remembered, as long as any may live: only those of single use are
 * ever asked for.
 */
function spentBy({ time, invocation, links }: LogRecord & { type: 'decision' }): readonly Use[] {
  const use = (lifeMs: number) => (cid: Cid) => ({ cid, expiresMs: time + lifeMs + SKEW_MS_MAX })
  const invocations = invocation === null ? [] : [invocation]
  return [...invocations.map(use(INVOCATION_TTL_MS_MAX)), ...links.map(use(ARTIFACT_TTL_MS_MAX))]
}

function read(bytes: Uint8Array): LogRecord | null {
  try {
    return parseRecord(bytes)
  } catch (error) {
    // This node signed a tree over it, so a later program wrote it: it is kept as it is, and is not understood.
    if (error instanceof Malformed) return null
    throw error
  }
}
