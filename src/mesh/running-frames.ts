/**
 * What runs on a node, as it shows it to another on `/meshd/lineage/1`: each
 * with the record of its allow, and what proves that (frames.ts). What stands
 * beside the record is the node's own word.
 *
 *     {"ask":"running"}⏎
 *     {"epoch":1,"items":[{"ageMs":9004,"command":"reindex.sh","hashes":7,"index":88,"leaseMs":51000,"pid":20144,"state":"running"}],"more":false,"notes":1,"say":"running"}⏎
 *        … note … record … 7 hashes
 *     {"say":"refused","why":"share"}⏎
 *
 * The newest come first. Those that no note covers yet are left out, and are
 * `more`.
 */
import { textOf, utf8 } from '../core/bytes.ts'
import type { JsonObject } from '../core/json.ts'
import {
  EXECUTION_COMMAND_BYTES_MAX,
  LOG_EPOCH_MAX,
  LOG_RECORDS_MAX,
  MESH_RUNNING_MAX,
  PROOF_HASHES_MAX,
  SYNC_FRAME_BYTES_MAX,
  TIME_S_MAX,
} from '../core/limits.ts'
import { Malformed } from '../core/malformed.ts'
import { flag, integer, list, literal, nullable, object, text } from '../core/shape.ts'
import { alone, formatFrame, parseFrame } from './frames.ts'
import {
  type FoundRecord,
  type Proven,
  REFUSED,
  type Refusal,
  readProven,
} from './search-frames.ts'

/** The node's own word. */
export interface Live {
  readonly state: 'running' | 'stopped'
  readonly ageMs: number
  readonly leaseMs: number | null
  readonly process: { readonly pid: number; readonly command: string } | null
}

export type RunningAnswer =
  | Refusal
  | (Proven<FoundRecord & Live> & { readonly say: 'running'; readonly more: boolean })

const INDEX = integer(0, LOG_RECORDS_MAX)
const MS = integer(0, TIME_S_MAX * 1000)
const REQUEST = object({ ask: literal('running') })
const RUNNING = object({
  say: literal('running'),
  epoch: integer(1, LOG_EPOCH_MAX),
  items: list(
    object({
      ageMs: MS,
      command: nullable(text(EXECUTION_COMMAND_BYTES_MAX)),
      hashes: integer(0, PROOF_HASHES_MAX),
      index: INDEX,
      leaseMs: nullable(MS),
      pid: nullable(integer(1, 2 ** 32 - 1)),
      state: literal('running', 'stopped'),
    }),
    MESH_RUNNING_MAX,
  ),
  more: flag,
  notes: integer(1, 2),
})
const MARK = '{"ask":"running"}'

/** Whether a frame of that protocol is one of these. */
export function asksRunning(bytes: Uint8Array): boolean {
  return textOf(bytes.subarray(0, MARK.length)) === MARK
}

export function formatRunningRequest(): Uint8Array {
  return formatFrame({ ask: 'running' }, [])
}

/** @throws Malformed */
export function parseRunningRequest(bytes: Uint8Array): void {
  const { header, blobs } = parseFrame(bytes, SYNC_FRAME_BYTES_MAX)
  alone(REQUEST(header, 'running'), blobs)
}

export function formatRunningAnswer(answer: RunningAnswer): Uint8Array {
  if (answer.say === 'refused') return formatFrame({ ...answer }, [])
  const { say, epoch, notes, records, more } = answer
  const items: JsonObject[] = records.map(({ ageMs, index, leaseMs, process, proof, state }) => ({
    ...{ ageMs, command: process?.command ?? null, hashes: proof.length },
    ...{ index, leaseMs, pid: process?.pid ?? null, state },
  }))
  const blobs = records.flatMap(({ bytes, proof }) => [bytes, ...proof])
  return formatFrame({ say, epoch, items, more, notes: notes.length }, [
    ...notes.map(utf8),
    ...blobs,
  ])
}

/** @throws Malformed */
export function parseRunningAnswer(bytes: Uint8Array): RunningAnswer {
  const { header, blobs } = parseFrame(bytes, SYNC_FRAME_BYTES_MAX)
  if (header['say'] === 'refused') return alone(REFUSED(header, 'running'), blobs)
  const { say, epoch, items, more, notes: count } = RUNNING(header, 'running')
  const { notes, records } = readProven(blobs, count, items)
  if (items.some(({ command, pid }) => (command === null) !== (pid === null)))
    throw new Malformed('a process has a number and a name')
  const live = items.map(({ ageMs, command, leaseMs, pid, state }, i) => ({
    ...(records[i] as FoundRecord),
    ...{ ageMs, leaseMs, state },
    process: pid === null || command === null ? null : { pid, command },
  }))
  return { say, epoch, notes, records: live, more }
}
