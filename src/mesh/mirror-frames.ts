/**
 * A piece of a log on its way to a mirror, as its node sends it. It proves
 * itself: with the records that the mirror holds already, these are the
 * beginning of the tree under the head, which the log's key signed.
 *
 *     {"ask":"mirror","epoch":1,"first":40,"least":0,"peaks":0,"proof":3}⏎
 *     note ‖ 3 hashes, that the log of 40 + n records goes on to the head ‖ n records
 *
 * Without records it asks what the mirror holds. Who holds nothing of a log
 * whose first records were pruned begins at `first`, with the peaks there.
 */
import { textOf, utf8 } from '../core/bytes.ts'
import type { JsonObject } from '../core/json.ts'
import {
  CHECKPOINT_BYTES_MAX,
  CONSISTENCY_HASHES_MAX,
  LOG_EPOCH_MAX,
  LOG_RECORDS_MAX,
  READ_RECORDS,
  RECORD_BYTES_MAX,
} from '../core/limits.ts'
import { Malformed } from '../core/malformed.ts'
import { HASH_BYTES, type Hash, peakCount } from '../core/merkle.ts'
import { integer, literal, object } from '../core/shape.ts'
import { atMost, formatFrame } from './frames.ts'

export interface MirrorRequest {
  readonly ask: 'mirror'
  readonly epoch: number
  /** The records are those from here on. */
  readonly first: number
  /** Records below it were pruned: nobody is to keep them. */
  readonly least: number
  /** Of the first records, for who has none; or none. */
  readonly peaks: readonly Hash[]
  /** A checkpoint that the log's node published. */
  readonly note: string
  readonly proof: readonly Hash[]
  readonly records: readonly Uint8Array[]
}

const SIZE = integer(0, LOG_RECORDS_MAX)
const HEADER = object({
  ask: literal('mirror'),
  epoch: integer(0, LOG_EPOCH_MAX),
  first: SIZE,
  least: SIZE,
  peaks: integer(0, 32),
  proof: integer(0, CONSISTENCY_HASHES_MAX),
})

export function formatMirror({ note, peaks, proof, records, ...header }: MirrorRequest) {
  const counts = { ...header, peaks: peaks.length, proof: proof.length }
  return formatFrame(counts, [utf8(note), ...peaks, ...proof, ...records])
}

/** @throws Malformed */
export function parseMirror(header: JsonObject, blobs: readonly Uint8Array[]): MirrorRequest {
  const { peaks, proof, ...rest } = HEADER(header, 'mirror')
  const [note, ...others] = blobs
  if (note === undefined || note.length > CHECKPOINT_BYTES_MAX || others.length < peaks + proof)
    throw new Malformed('a piece of a log brings a checkpoint and its hashes')
  if (rest.least > rest.first || (peaks !== 0 && peaks !== peakCount(rest.first)))
    throw new Malformed('a piece of a log begins where it can')
  const records = atMost(READ_RECORDS, others.slice(peaks + proof))
  if (records.some(({ length }) => length > RECORD_BYTES_MAX))
    throw new Malformed('a record is longer than one can be')
  const hashes = others.slice(0, peaks + proof).map(hashOf)
  return {
    ...rest,
    ...{ note: textOf(note), records },
    ...{ peaks: hashes.slice(0, peaks), proof: hashes.slice(peaks) },
  }
}

/** @throws Malformed */
export function hashOf(blob: Uint8Array): Hash {
  if (blob.length !== HASH_BYTES) throw new Malformed('a hash has 32 bytes')
  return blob
}
