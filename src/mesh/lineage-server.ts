/**
 * What this node's own log says of an execution: its receipt, how it ended, and
 * which decisions here descend from it. Answers `/meshd/lineage/1`.
 */
import { readCheckpoint } from '../core/checkpoint.ts'
import type { RecordId } from '../core/id.ts'
import type { Did } from '../core/keys.ts'
import {
  DESCENDANTS_ASKS_PER_SECOND_MAX,
  DESCENDANTS_MAX,
  LINEAGE_ASKS_PER_SECOND_MAX,
  RELATED_RECORDS_MAX,
} from '../core/limits.ts'
import { Malformed } from '../core/malformed.ts'
import { Rate } from '../core/rate.ts'
import { formatReceipt } from '../core/receipt.ts'
import { type LogRecord, parseRecord } from '../core/record.ts'
import { formatTerm } from '../core/terms.ts'
import {
  type Descendants,
  formatLineageAnswer,
  type Held,
  type LineageAnswer,
  parseLineageRequest,
} from './lineage-frames.ts'
import type { Durable } from './log.ts'
import type { LogReader } from './log-reader.ts'
import type { Clock } from './ports.ts'
import { unlessPruned } from './record-search.ts'

export interface LineageServerPorts {
  readonly clock: Clock
  readonly reader: Pick<LogReader, 'find' | 'inclusion' | 'search' | 'pick' | 'size'>
  /** The newest checkpoint of this log that a quorum cosigned; null before the first. */
  witnessed(): Uint8Array | null
}

export class LineageServer {
  readonly #ports: LineageServerPorts
  readonly #rate: Rate
  readonly #searches: Rate

  constructor(ports: LineageServerPorts) {
    this.#ports = ports
    this.#rate = new Rate(ports.clock, LINEAGE_ASKS_PER_SECOND_MAX)
    this.#searches = new Rate(ports.clock, DESCENDANTS_ASKS_PER_SECOND_MAX)
  }

  /** null, which closes the stream, for what is no question. */
  async answer(peer: Did, bytes: Uint8Array): Promise<Uint8Array | null> {
    if (!this.#rate.allows(peer)) return formatLineageAnswer({ say: 'busy' })
    const answer = await this.#answer(peer, bytes)
    return answer === null ? null : formatLineageAnswer(answer)
  }

  async #answer(peer: Did, bytes: Uint8Array): Promise<LineageAnswer | null> {
    try {
      const { ask, id } = parseLineageRequest(bytes)
      if (ask === 'receipt') return this.held(id)
      return this.#searches.allows(peer) ? this.descendants(id) : { say: 'busy' }
    } catch (error) {
      // Untrusted bytes come in here.
      if (error instanceof Malformed) return null
      throw error
    }
  }

  /** Of the current log: an execution of a retired one is proven by a receipt that was kept. */
  async held(id: RecordId): Promise<Held> {
    const record = await this.#ports.reader.find(id).catch(unlessPruned)
    if (record === null) return { say: 'unknown' }
    const receipt = await this.#receipt(record)
    if (receipt === null) return { say: 'unwitnessed' }
    const denied = await this.#related(id, 'outcome deny', record.index, RELATED_RECORDS_MAX)
    for (const { id: by, record } of denied.found)
      if (record.type === 'decision' && record.supersedes === id) return { say: 'superseded', by }
    // Whether a deny replaced it is not known before all of them were looked at.
    if (!denied.whole) return { say: 'unwitnessed' }
    return { say: 'receipt', receipt, outcome: await this.#outcome(id, record.index) }
  }

  /** Decisions of this node that rest on a proof of it, or of one that does. */
  async descendants(id: RecordId): Promise<Descendants> {
    const { found, whole } = await this.#related(id, 'type decision', -1, DESCENDANTS_MAX)
    const ids = found.flatMap(({ id: found, record }) =>
      record.type === 'decision' && record.ancestors?.includes(id) ? [found] : [],
    )
    return { say: 'descendants', ids, more: !whole }
  }

  async #outcome(id: RecordId, after: number): Promise<Uint8Array | null> {
    const { found } = await this.#related(id, 'type outcome', after, 1)
    const ended = found.find(({ record }) => record.type === 'outcome' && record.execution === id)
    return ended === undefined ? null : this.#receipt(ended)
  }

  /** null while no quorum cosigned a checkpoint over it. */
  async #receipt({ bytes, index }: Durable): Promise<Uint8Array | null> {
    const checkpoint = this.#ports.witnessed()
    const size = checkpoint === null ? 0 : readCheckpoint(checkpoint).size
    if (checkpoint === null || size <= index) return null
    const proof = await this.#ports.reader.inclusion(index, size)
    return formatReceipt({ record: bytes, statements: [], index, proof, checkpoint })
  }

  /** Records after that place which name the execution and have the term, the newest first. */
  async #related(
    id: RecordId,
    term: string,
    after: number,
    count: number,
  ): Promise<{ readonly found: readonly Related[]; readonly whole: boolean }> {
    const { reader } = this.#ports
    const terms = [formatTerm('execution', id), term]
    const found: Related[] = []
    let before = reader.size
    while (before > after + 1) {
      const query = { terms, sinceMs: null, untilMs: null }
      const { indexes, reached } = await reader.search(query, before, count - found.length)
      for (const each of await reader.pick(indexes.filter((index) => index > after)))
        found.push({ ...each, record: parseRecord(each.bytes) })
      // An index that is being made knows no more yet.
      if (reached >= before || found.length >= count) return { found, whole: reached <= after + 1 }
      before = reached
    }
    return { found, whole: true }
  }
}

interface Related extends Durable {
  readonly record: LogRecord
}
