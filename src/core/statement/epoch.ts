/**
 * The operator's word that a node's log was retired and a new one opened, or
 * that a boot check is overruled (design 4, 5).
 *
 *   {"epoch":2,"issued":"…","mesh":"sha256:…","node":"did:key:z6Mk…","overrules":false,
 *    "previous":{"rootHash":"5c1e…","size":4711},"root":3}
 *
 * `previous` is null when nobody knows how the retired log ended.
 */
import type { StatementId } from '../id.ts'
import type { Json, JsonObject } from '../json.ts'
import type { Did } from '../keys.ts'
import { LOG_EPOCH_MAX, LOG_RECORDS_MAX } from '../limits.ts'
import { Malformed } from '../malformed.ts'
import { did, flag, hash, integer, nullable, object } from '../shape.ts'
import { type Common, common, commonJson, commonOf } from './common.ts'

export interface Epoch extends Common {
  readonly type: 'epoch'
  readonly node: Did
  /** Of the log that follows; of a node's statements the highest counts. */
  readonly epoch: number
  /** The retired log as it was last seen: size, and 64 hex digits. null when nobody knows it. */
  readonly previousSize: number | null
  readonly previousRootHash: string | null
  /** Whether the node may finish its boot check without the answers it lacks. */
  readonly overrules: boolean
}

const fields = object({
  ...common,
  node: did,
  epoch: integer(0, LOG_EPOCH_MAX),
  previous: nullable(object({ size: integer(0, LOG_RECORDS_MAX), rootHash: hash })),
  overrules: flag,
})

/** @throws Malformed */
export function readEpoch(id: StatementId, json: Json): Epoch {
  const read = fields(json, 'epoch')
  const { node, epoch, previous, overrules } = read
  return {
    type: 'epoch',
    ...commonOf(id, read),
    node,
    epoch,
    previousSize: previous?.size ?? null,
    previousRootHash: previous?.rootHash ?? null,
    overrules,
  }
}

/** @throws Malformed when one half of the retired log is missing */
export function epochJson(draft: Omit<Epoch, 'id'>): JsonObject {
  const { node, epoch, previousSize: size, previousRootHash: rootHash, overrules } = draft
  if ((size === null) !== (rootHash === null)) {
    throw new Malformed('a retired log is known by its size and its root hash')
  }
  const previous = size === null || rootHash === null ? null : { size, rootHash }
  return { ...commonJson(draft), node, epoch, previous, overrules }
}
