/**
 * The frames of `/meshd/lineage/1` (frames.ts): what one node asks another
 * about an execution, by the id of its record. Who asks knows that id, and so
 * has seen the record, or a record that names it.
 *
 *     {"ask":"receipt","id":"sha256:2e90…"}⏎
 *     {"say":"receipt"}⏎ 00 00 1f 3a c2sp.org/tlog-proof@v1…      of the record; and of its outcome, if there is one
 *     {"say":"unwitnessed"}⏎                                       it is here, and no quorum cosigned it yet
 *     {"by":"sha256:…","say":"superseded"}⏎                        an allow that was never answered
 *     {"say":"unknown"}⏎                                           it is in no log of this node
 *
 *     {"ask":"descendants","id":"sha256:2e90…"}⏎
 *     {"ids":["sha256:9b31…"],"more":false,"say":"descendants"}⏎
 *
 * A receipt leaves out the statements that name its keys: members hold them.
 */
import type { RecordId } from '../core/id.ts'
import { DESCENDANTS_MAX, SYNC_FRAME_BYTES_MAX } from '../core/limits.ts'
import { Malformed } from '../core/malformed.ts'
import { flag, id, list, literal, object } from '../core/shape.ts'
import { alone, atMost, formatFrame, parseFrame } from './frames.ts'

export interface LineageRequest {
  readonly ask: 'receipt' | 'descendants'
  readonly id: RecordId
}

/** What a node has of a record. */
export type Held =
  | {
      readonly say: 'receipt'
      readonly receipt: Uint8Array
      /** Of the record that says how the execution ended; null while none is witnessed. */
      readonly outcome: Uint8Array | null
    }
  | { readonly say: 'unwitnessed' }
  | { readonly say: 'superseded'; readonly by: RecordId }
  | { readonly say: 'unknown' }

/** Decisions in the node's own log that descend from an execution. */
export interface Descendants {
  readonly say: 'descendants'
  /** The newest first. */
  readonly ids: readonly RecordId[]
  readonly more: boolean
}

/** `busy`: the peer asks too often. */
export type LineageAnswer = Held | Descendants | { readonly say: 'busy' }

const REQUEST = object({ ask: literal('receipt', 'descendants'), id })
const SAYS = object({ say: literal('receipt', 'unwitnessed', 'unknown', 'busy') })
const SUPERSEDED = object({ say: literal('superseded'), by: id })
const DESCENDANTS = object({
  say: literal('descendants'),
  ids: list(id, DESCENDANTS_MAX),
  more: flag,
})

export function formatLineageRequest({ ask, id }: LineageRequest): Uint8Array {
  return formatFrame({ ask, id }, [])
}

/** @throws Malformed */
export function parseLineageRequest(bytes: Uint8Array): LineageRequest {
  const { header, blobs } = parseFrame(bytes, SYNC_FRAME_BYTES_MAX)
  return alone(REQUEST(header, 'lineage'), blobs)
}

export function formatLineageAnswer(answer: LineageAnswer): Uint8Array {
  if (answer.say !== 'receipt') return formatFrame({ ...answer }, [])
  const { say, receipt, outcome } = answer
  return formatFrame({ say }, outcome === null ? [receipt] : [receipt, outcome])
}

/** @throws Malformed */
export function parseLineageAnswer(bytes: Uint8Array): LineageAnswer {
  const { header, blobs } = parseFrame(bytes, SYNC_FRAME_BYTES_MAX)
  if (header['say'] === 'superseded') return alone(SUPERSEDED(header, 'lineage'), blobs)
  if (header['say'] === 'descendants') return alone(DESCENDANTS(header, 'lineage'), blobs)
  const { say } = SAYS(header, 'lineage')
  if (say !== 'receipt') return alone({ say }, blobs)
  const [receipt, outcome = null] = atMost(2, blobs)
  if (receipt === undefined) throw new Malformed('a receipt is missing')
  return { say, receipt, outcome }
}
