/**
 * The names of gossip topics and of stream protocols: typed values with one
 * printer. A topic carries the mesh's id, so two meshes never hear each other;
 * the last part is the version, and what is not understood has another name.
 *
 *     /meshd/sha256:77aa…/statements/1      /meshd/sync/1
 */
import type { StatementId } from '../core/id.ts'
import type { Protocol, Topic } from '../mesh/ports.ts'

export const TOPICS: readonly Topic[] = ['statements', 'state']
export const PROTOCOLS: readonly Protocol[] = ['state', 'sync', 'log', 'lineage']

export function formatTopic(mesh: StatementId, topic: Topic): string {
  return `/meshd/${mesh}/${topic}/1`
}

export function formatProtocol(protocol: Protocol | 'hello'): string {
  return `/meshd/${protocol}/1`
}
