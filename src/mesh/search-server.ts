/**
 * Looks through this node's log for another node, as far as the operator lets
 * that node look (`audit.share`). Everything that is answered is proven under a
 * checkpoint: what is not published yet is left out.
 */
import { textOf } from '../core/bytes.ts'
import { epochOf, readCheckpoint } from '../core/checkpoint.ts'
import type { Did } from '../core/keys.ts'
import {
  ASK_TIMEOUT_MS,
  MESH_RUNNING_MAX,
  MESH_SEARCHES_MAX,
  MESH_SEARCHES_PER_PEER_S,
  SEARCH_ANSWER_BYTES_MAX,
} from '../core/limits.ts'
import { Malformed } from '../core/malformed.ts'
import { HASH_BYTES } from '../core/merkle.ts'
import { MeshError } from '../core/problems.ts'
import type { Execution } from './executions.ts'
import type { Log } from './log.ts'
import type { LogReader } from './log-reader.ts'
import type { Clock } from './ports.ts'
import type { Publisher } from './publish.ts'
import { searchRecords } from './record-search.ts'
import {
  asksRunning,
  formatRunningAnswer,
  type Live,
  parseRunningRequest,
  type RunningAnswer,
} from './running-frames.ts'
import {
  type FoundRecord,
  formatSearchAnswer,
  parseSearchRequest,
  type Refusal,
  type SearchAnswer,
  type SearchRequest,
} from './search-frames.ts'

export interface SearchServerPorts {
  readonly clock: Clock
  readonly log: Pick<Log, 'epoch'>
  readonly reader: LogReader
  readonly publisher: Pick<Publisher, 'checkpoint'>
  /** The newest note of this log that a quorum cosigned; null for none. */
  witnessed(): string | null
  running(): readonly Execution[]
  /** Whether this node may see what others asked here, and what was answered. */
  shares(peer: Did): boolean
}

const SECOND_MS = 1000
/** The length before each blob. */
const BLOB_HEAD_BYTES = 4

export class SearchServer {
  readonly #ports: SearchServerPorts
  #running = 0
  #secondMs = 0
  readonly #asked = new Map<Did, number>()

  constructor(ports: SearchServerPorts) {
    this.#ports = ports
  }

  /** null, which closes the stream, for what is no question. */
  async answer(peer: Did, bytes: Uint8Array): Promise<Uint8Array | null> {
    if (asksRunning(bytes)) {
      const read = reading(parseRunningRequest, bytes)
      return read === null
        ? null
        : formatRunningAnswer(await this.#answer(peer, () => this.#live()))
    }
    const request = reading(parseSearchRequest, bytes)
    if (request === null) return null
    return formatSearchAnswer(await this.#answer(peer, () => this.#search(request)))
  }

  async #answer<Answer>(peer: Did, look: () => Promise<Answer>): Promise<Answer | Refusal> {
    if (!this.#ports.shares(peer)) return { say: 'refused', why: 'share' }
    if (this.#running >= MESH_SEARCHES_MAX || this.#often(peer))
      return { say: 'refused', why: 'busy' }
    this.#running += 1
    try {
      return await look()
    } catch (error) {
      // What the disk does not give is not shown; the reader has sealed a damaged log.
      if (error instanceof MeshError) return { say: 'refused', why: 'unready' }
      throw error
    } finally {
      this.#running -= 1
    }
  }

  /** What runs here, and is published. */
  async #live(): Promise<RunningAnswer> {
    const { reader, log, clock, running } = this.#ports
    const { epoch } = log
    const notes = this.#notes(epoch)
    if (notes.length === 0) return { say: 'refused', why: 'unready' }
    const all = running()
    const newest = all.toSorted((a, b) => b.openedMs - a.openedMs).slice(0, MESH_RUNNING_MAX)
    const nowMs = clock.monotonicMs()
    const found: Indexed[] = []
    const live = new Map<number, Live>()
    for (const execution of newest) {
      const record = await reader.find(execution.id)
      if (record === null) continue
      found.push(record)
      live.set(record.index, liveOf(execution, nowMs))
    }
    found.sort((a, b) => b.index - a.index)
    const { records } = await this.#proven(found, notes.map(sizeOf))
    if (log.epoch !== epoch) return { say: 'refused', why: 'unready' }
    const shown = records.flatMap((record) => {
      const own = live.get(record.index)
      return own === undefined ? [] : [{ ...record, ...own }]
    })
    return { say: 'running', epoch, notes, records: shown, more: shown.length < all.length }
  }

  async #search({ filter, before, count }: SearchRequest): Promise<SearchAnswer> {
    const { reader, log, clock } = this.#ports
    const { epoch } = log
    const notes = this.#notes(epoch)
    const published = notes.at(-1)
    if (published === undefined) return { say: 'refused', why: 'unready' }
    const end = Math.min(before ?? Number.POSITIVE_INFINITY, sizeOf(published))
    // Who asked waits no longer.
    const late = new AbortController()
    const done = new AbortController()
    void clock.sleep(ASK_TIMEOUT_MS, done.signal).then(() => late.abort())
    const asked = { filter, before: end, limit: count, signal: late.signal }
    const page = await searchRecords(reader, asked).finally(() => done.abort())
    const found = page.found.map(({ leaf }) => ({ index: Number(leaf['index']) }))
    const { records, cutAt } = await this.#proven(found, notes.map(sizeOf))
    // Retired while it was read: that was another log.
    if (log.epoch !== epoch) return { say: 'refused', why: 'unready' }
    const rest = cutAt === null ? { next: page.next, stopped: page.stopped } : goesOn(cutAt)
    return { say: 'found', epoch, notes, records, ...rest }
  }

  /** As many as fit into an answer. @param sizes of the notes, ascending */
  async #proven(
    found: readonly Indexed[],
    sizes: readonly number[],
  ): Promise<{ records: readonly FoundRecord[]; cutAt: number | null }> {
    const { reader } = this.#ports
    const records: FoundRecord[] = []
    let bytesLeft = SEARCH_ANSWER_BYTES_MAX
    for (const { index } of found) {
      const record = await reader.at(index)
      const size = sizes.find((each) => index < each)
      if (record === null || size === undefined) continue
      const proof = await reader.inclusion(index, size)
      bytesLeft -= record.bytes.length + (HASH_BYTES + BLOB_HEAD_BYTES) * proof.length
      if (bytesLeft < 0) return { records, cutAt: index }
      records.push({ index, bytes: record.bytes, proof })
    }
    return { records, cutAt: null }
  }

  /** The smaller first, and none twice. */
  #notes(epoch: number): readonly string[] {
    const { publisher, witnessed } = this.#ports
    const newest = publisher.checkpoint === null ? null : textOf(publisher.checkpoint)
    const notes = [witnessed(), newest].filter((note) => note !== null)
    const [first, second] = notes.filter((note) => epochOf(note) === epoch)
    if (first === undefined) return []
    return second === undefined || sizeOf(second) <= sizeOf(first) ? [first] : [first, second]
  }

  #often(peer: Did): boolean {
    const nowMs = this.#ports.clock.monotonicMs()
    if (nowMs - this.#secondMs >= SECOND_MS) {
      this.#secondMs = nowMs
      this.#asked.clear()
    }
    const count = (this.#asked.get(peer) ?? 0) + 1
    this.#asked.set(peer, count)
    return count > MESH_SEARCHES_PER_PEER_S
  }
}

/** The next page begins with the record that did not fit. */
function goesOn(index: number): { next: number; stopped: boolean } {
  return { next: index + 1, stopped: false }
}

function sizeOf(note: string): number {
  return readCheckpoint(note).size
}

interface Indexed {
  readonly index: number
}

function liveOf({ state, openedMs, leaseUntilMs, process }: Execution, nowMs: number): Live {
  const whole = (ms: number) => Math.max(0, Math.floor(ms))
  return {
    state: state === 'running' ? 'running' : 'stopped',
    ageMs: whole(nowMs - openedMs),
    leaseMs: leaseUntilMs === null ? null : whole(leaseUntilMs - nowMs),
    process,
  }
}

/** null, which closes the stream, for what is no question. */
function reading<T>(parse: (bytes: Uint8Array) => T, bytes: Uint8Array): T | null {
  try {
    return parse(bytes)
  } catch (error) {
    // Untrusted bytes come in here: the stream closes without an answer.
    if (error instanceof Malformed) return null
    throw error
  }
}
