/**
 * What can be said of the whole database in 57 bytes. It stands in every
 * batch, and in the head file beside the database:
 *
 *     version 1 ‖ commit 6 ‖ epoch 4 ‖ size 4 ‖ kept 4 ‖ sum 6 ‖ root hash 32
 *
 * `commit` counts batches, so that a lost tail shows even if it held no record;
 * `kept` and `sum` are the tally of everything kept beside the log.
 */
import { assert } from '../core/assert.ts'
import { equalBytes } from '../core/bytes.ts'
import { sha256 } from '../core/id.ts'
import { Malformed } from '../core/malformed.ts'
import { HASH_BYTES, type Hash } from '../core/merkle.ts'

export interface Standing {
  readonly commit: number
  readonly epoch: number
  readonly size: number
  readonly kept: number
  readonly sum: number
  readonly rootHash: Hash
}

const VERSION = 1
const HEAD_BYTES = 1 + 6 + 4 + 4 + 4 + 6
export const STANDING_BYTES = HEAD_BYTES + HASH_BYTES

/** Of a store that was just created. */
export const BEGINNING: Standing = {
  commit: 0,
  epoch: 1,
  size: 0,
  kept: 0,
  sum: 0,
  rootHash: sha256(new Uint8Array()),
}

export function formatStanding(standing: Standing): Uint8Array {
  assert(standing.rootHash.length === HASH_BYTES, 'a root hash has 32 bytes')
  const bytes = Buffer.alloc(STANDING_BYTES)
  bytes[0] = VERSION
  bytes.writeUIntBE(standing.commit, 1, 6)
  bytes.writeUInt32BE(standing.epoch, 7)
  bytes.writeUInt32BE(standing.size, 11)
  bytes.writeUInt32BE(standing.kept, 15)
  bytes.writeUIntBE(standing.sum, 19, 6)
  bytes.set(standing.rootHash, HEAD_BYTES)
  return bytes
}

/** The exact inverse of formatStanding. @throws Malformed */
export function parseStanding(bytes: Uint8Array): Standing {
  if (bytes.length !== STANDING_BYTES) throw new Malformed('a standing has another length')
  if (bytes[0] !== VERSION) throw new Malformed('a standing of another version')
  const buffer = Buffer.from(bytes)
  return {
    commit: buffer.readUIntBE(1, 6),
    epoch: buffer.readUInt32BE(7),
    size: buffer.readUInt32BE(11),
    kept: buffer.readUInt32BE(15),
    sum: buffer.readUIntBE(19, 6),
    rootHash: bytes.slice(HEAD_BYTES),
  }
}

export function sameStanding(a: Standing, b: Standing): boolean {
  return equalBytes(formatStanding(a), formatStanding(b))
}
