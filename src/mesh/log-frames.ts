/**
 * The frames of `/meshd/log/1`: a header and blobs (frames.ts). A log asks a
 * witness for its cosignature; members read each other's logs.
 *
 *     {"ask":"cosign"}⏎ 00 00 01 7c old 20⏎PlRNCr…           add-checkpoint of C2SP tlog-witness
 *     {"ask":"records","count":2,"epoch":1,"first":40}⏎
 *     {"ask":"mirror","epoch":1,…}⏎ …                       more of a log for a copy: mirror-frames.ts
 *
 *     {"say":"cosigned"}⏎ 00 00 00 9f — z6MkqT… Af7aUw…⏎
 *     {"say":"size","size":20}⏎                              what the witness saw last
 *     {"say":"refused","why":"proof"}⏎
 *     {"say":"holds","size":40}⏎ 00 00 00 20 5c1e…           what the mirror holds a copy of
 *
 * Answers carry what proves them: hashes, records, signed notes. Nobody need
 * be believed.
 */
import { textOf, utf8 } from '../core/bytes.ts'
import type { JsonObject } from '../core/json.ts'
import type { Did } from '../core/keys.ts'
import {
  ADD_CHECKPOINT_BYTES_MAX,
  CHECKPOINT_BYTES_MAX,
  CONSISTENCY_HASHES_MAX,
  COSIGNED_BYTES_MAX,
  HEADS_ASKED_MAX,
  LOG_EPOCH_MAX,
  LOG_RECORDS_MAX,
  READ_RECORDS,
  SYNC_FRAME_BYTES_MAX,
  TILE_LEVEL_MAX,
} from '../core/limits.ts'
import { Malformed } from '../core/malformed.ts'
import { HASH_BYTES, type Hash } from '../core/merkle.ts'
import { did, integer, list, literal, object } from '../core/shape.ts'
import { TILE_WIDTH } from '../core/tile.ts'
import { alone, atMost, type Frame, formatFrame, parseFrame } from './frames.ts'
import { formatMirror, hashOf, type MirrorRequest, parseMirror } from './mirror-frames.ts'

/** Of the answerer's own log, in that epoch, unless it names a node. */
export type LogRequest =
  /** The body of an add-checkpoint request, as it came. */
  | { readonly ask: 'cosign'; readonly body: string }
  /** The newest checkpoint of a node's log that a quorum of witnesses cosigned. */
  | { readonly ask: 'checkpoint'; readonly node: Did }
  /** The newest heads of other nodes' logs that the answerer heard of. */
  | { readonly ask: 'heads'; readonly nodes: readonly Did[] }
  | {
      readonly ask: 'consistency'
      readonly epoch: number
      readonly from: number
      readonly to: number
    }
  | {
      readonly ask: 'inclusion'
      readonly epoch: number
      readonly index: number
      readonly size: number
    }
  | { readonly ask: 'tile'; readonly epoch: number; readonly level: number; readonly index: number }
  | {
      readonly ask: 'records'
      readonly epoch: number
      readonly first: number
      readonly count: number
    }
  | MirrorRequest
  /** Records of the asker's own log, as the answerer holds a copy of it. */
  | {
      readonly ask: 'copy'
      readonly epoch: number
      readonly first: number
      readonly count: number
    }

/**
 * Why not. With the statuses that tlog-witness gives the same:
 *
 *     malformed  400   signature  403   origin  404   proof  422
 *     often      429   too soon after the last one
 *     unready    503   no witness of this mesh, not checked since its start, or its disk fails
 *     absent     404   not in this log, or nothing is known; no copies are held here
 */
export const LOG_REFUSALS = [
  'malformed',
  'signature',
  'origin',
  'proof',
  'often',
  'unready',
  'absent',
] as const
export type LogRefusal = (typeof LOG_REFUSALS)[number]

export type LogAnswer =
  /** The line that the witness adds, with its line feed. */
  | { readonly say: 'cosigned'; readonly line: string }
  /** 409: the size that the witness saw last; the proof has to begin there. */
  | { readonly say: 'size'; readonly size: number }
  | { readonly say: 'refused'; readonly why: LogRefusal }
  | { readonly say: 'checkpoint'; readonly note: string }
  /** Signed notes, in the order of the question; empty where none is known. */
  | { readonly say: 'heads'; readonly notes: readonly string[] }
  | { readonly say: 'proof'; readonly hashes: readonly Hash[] }
  /** 256 hashes. */
  | { readonly say: 'tile'; readonly tile: Uint8Array }
  /** Of how much of the asker's log the answerer holds a copy, and its root hash. */
  | { readonly say: 'holds'; readonly size: number; readonly rootHash: Hash }
  /** In order, as many as fit: at least one. */
  | { readonly say: 'records'; readonly records: readonly Uint8Array[] }

const EPOCH = integer(0, LOG_EPOCH_MAX)
const SIZE = integer(0, LOG_RECORDS_MAX)
const COSIGN = object({ ask: literal('cosign') })
const CHECKPOINT = object({ ask: literal('checkpoint'), node: did })
const HEADS = object({ ask: literal('heads'), nodes: list(did, HEADS_ASKED_MAX) })
const CONSISTENCY = object({ ask: literal('consistency'), epoch: EPOCH, from: SIZE, to: SIZE })
const INCLUSION = object({ ask: literal('inclusion'), epoch: EPOCH, index: SIZE, size: SIZE })
const TILE = object({
  ...{ ask: literal('tile'), epoch: EPOCH },
  ...{ level: integer(0, TILE_LEVEL_MAX), index: SIZE },
})
const RECORDS = object({
  ...{ ask: literal('records'), epoch: EPOCH },
  ...{ first: SIZE, count: integer(1, READ_RECORDS) },
})

const COPY = object({
  ...{ ask: literal('copy'), epoch: EPOCH },
  ...{ first: SIZE, count: integer(1, READ_RECORDS) },
})

const HOLDS = object({ say: literal('holds'), size: SIZE })
const SIZE_SAID = object({ say: literal('size'), size: SIZE })
const REFUSED = object({ say: literal('refused'), why: literal(...LOG_REFUSALS) })
const SAYS = object({ say: literal('cosigned', 'checkpoint', 'heads', 'proof', 'tile', 'records') })

export function formatLogRequest(request: LogRequest): Uint8Array {
  if (request.ask === 'cosign') return formatFrame({ ask: 'cosign' }, [utf8(request.body)])
  return request.ask === 'mirror' ? formatMirror(request) : formatFrame(request, [])
}

/** @throws Malformed */
export function parseLogRequest(bytes: Uint8Array): LogRequest {
  const { header, blobs } = parseFrame(bytes, SYNC_FRAME_BYTES_MAX)
  switch (header['ask']) {
    case 'cosign':
      return { ...COSIGN(header, 'cosign'), body: textIn(blobs, ADD_CHECKPOINT_BYTES_MAX) }
    case 'checkpoint':
      return alone(CHECKPOINT(header, 'checkpoint'), blobs)
    case 'heads':
      return alone(HEADS(header, 'heads'), blobs)
    case 'consistency':
      return alone(CONSISTENCY(header, 'consistency'), blobs)
    case 'inclusion':
      return alone(INCLUSION(header, 'inclusion'), blobs)
    case 'tile':
      return alone(TILE(header, 'tile'), blobs)
    case 'records':
      return alone(RECORDS(header, 'records'), blobs)
    case 'mirror':
      return parseMirror(header, blobs)
    case 'copy':
      return alone(COPY(header, 'copy'), blobs)
    default:
      throw new Malformed('the frame asks nothing that is known')
  }
}

export function formatLogAnswer(answer: LogAnswer): Uint8Array {
  const say = answer.say
  switch (say) {
    case 'cosigned':
      return formatFrame({ say }, [utf8(answer.line)])
    case 'checkpoint':
      return formatFrame({ say }, [utf8(answer.note)])
    case 'heads':
      return formatFrame({ say }, answer.notes.map(utf8))
    case 'proof':
      return formatFrame({ say }, answer.hashes)
    case 'tile':
      return formatFrame({ say }, [answer.tile])
    case 'records':
      return formatFrame({ say }, answer.records)
    case 'holds':
      return formatFrame({ say, size: answer.size }, [answer.rootHash])
    default:
      return formatFrame(answer, [])
  }
}

/** @throws Malformed */
export function parseLogAnswer(bytes: Uint8Array): LogAnswer {
  const { header, blobs } = parseFrame(bytes, SYNC_FRAME_BYTES_MAX)
  if (header['say'] === 'size') return alone(SIZE_SAID(header, 'size'), blobs)
  if (header['say'] === 'holds') return { ...HOLDS(header, 'holds'), rootHash: hashOf(only(blobs)) }
  if (header['say'] === 'refused') return alone(REFUSED(header, 'refused'), blobs)
  return readBlobs(header, blobs)
}

function readBlobs(header: JsonObject, blobs: Frame['blobs']): LogAnswer {
  const { say } = SAYS(header, '')
  switch (say) {
    case 'cosigned':
      return { say, line: textIn(blobs, COSIGNED_BYTES_MAX) }
    case 'checkpoint':
      return { say, note: textIn(blobs, COSIGNED_BYTES_MAX) }
    case 'heads':
      return { say, notes: atMost(HEADS_ASKED_MAX, blobs).map(headOf) }
    case 'proof':
      return { say, hashes: atMost(CONSISTENCY_HASHES_MAX, blobs).map(hashOf) }
    case 'tile': {
      const tile = only(blobs)
      if (tile.length !== TILE_WIDTH * HASH_BYTES) throw new Malformed('a tile holds 256 hashes')
      return { say, tile }
    }
    case 'records': {
      if (blobs.length === 0) throw new Malformed('an answer brings at least one record')
      return { say, records: atMost(READ_RECORDS, blobs) }
    }
  }
}

function textIn(blobs: Frame['blobs'], bytesMax: number): string {
  const blob = only(blobs)
  if (blob.length > bytesMax) throw new Malformed(`a text of a log frame has ${blob.length} bytes`)
  return textOf(blob)
}

function only(blobs: Frame['blobs']): Uint8Array {
  const [blob] = blobs
  if (blob === undefined || blobs.length > 1) throw new Malformed('a frame brings one blob')
  return blob
}

function headOf(blob: Uint8Array): string {
  if (blob.length > CHECKPOINT_BYTES_MAX)
    throw new Malformed('a head is no longer than a checkpoint')
  return textOf(blob)
}
