/**
 * The names of gossip topics and of stream protocols: typed values with one
 * printer. A topic carries the mesh's id, so two meshes never hear each other;
 * the last part is the version, and what is not understood has another name.
 *
 *     /meshd/sha256:77aa…/statements/1      /meshd/sync/1
 */
import { createHash } from 'node:crypto'
import type { StatementId } from '../core/id.ts'
import { FRAME_BYTES_MAX, SYNC_FRAME_BYTES_MAX } from '../core/limits.ts'
import type { Protocol, Topic } from '../mesh/ports.ts'

export const TOPICS: readonly Topic[] = ['statements', 'state']
export const PROTOCOLS: readonly Protocol[] = ['state', 'sync', 'log', 'lineage']

/** One frame of each protocol. A receipt carries a whole record with its proofs, and log serves records: both need more than one record. */
export const PROTOCOL_BYTES_MAX: Record<Protocol, number> = {
  state: FRAME_BYTES_MAX,
  sync: SYNC_FRAME_BYTES_MAX,
  log: SYNC_FRAME_BYTES_MAX,
  lineage: SYNC_FRAME_BYTES_MAX,
}

export function formatTopic(mesh: StatementId, topic: Topic): string {
  return `/meshd/${mesh}/${topic}/1`
}

/** Two messages are one where this is one, whoever sent them. */
export function messageId(topic: string, data: Uint8Array): Uint8Array {
  return createHash('sha256').update(`${topic}\0`).update(data).digest()
}

export function formatProtocol(protocol: Protocol | 'hello'): string {
  return `/meshd/${protocol}/1`
}
