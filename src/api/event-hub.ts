/**
 * What happens on this node, for all who listen at once.
 *
 * A record is read and printed once, and the newest are kept in memory: each
 * listener has nothing but a place in the log, and whoever is further behind
 * reads from disk, one page at a time for all of them. What is no record is
 * offered to who listens now, and kept for nobody.
 */
import { committedIn } from '../core/disclosure.ts'
import type { EventPlace } from '../core/event-place.ts'
import {
  EVENT_STREAMS_MAX,
  EVENT_STREAMS_PER_CALLER_MAX,
  EVENTS_KEPT_MAX,
  RECORDS_READ_MAX,
} from '../core/limits.ts'
import { MeshError } from '../core/problems.ts'
import { disclosedOf } from '../mesh/disclosures.ts'
import type { Durable, Log } from '../mesh/log.ts'
import type { LogReader } from '../mesh/log-reader.ts'
import { type Found, readFound } from '../mesh/record-search.ts'
import type { RecordStates } from '../mesh/record-states.ts'
import { formatEvent } from './event-text.ts'
import { recordView } from './view.ts'

/** What is no record; `owner` is the one local caller it belongs to, null where it belongs to nobody. */
export interface Live {
  readonly type: 'execution' | 'peer' | 'lease' | 'checkpoint' | 'problem'
  readonly data: object
  readonly owner: string | null
}

export interface Told {
  readonly place: EventPlace
  readonly type: string
  readonly found: Found
  readonly bytes: Uint8Array
  /** As it is told, or on its way; null before anybody wanted it. */
  text: string | Promise<string> | null
}

export interface Listener {
  readonly owner: string
  wake(): void
  offer(live: Live): void
}

export interface EventNode {
  readonly log: Pick<Log, 'tree' | 'epoch' | 'onDurable'>
  readonly reader: Pick<LogReader, 'least' | 'range' | 'exhibits'>
  readonly records: Pick<RecordStates, 'of'>
}

export class EventHub {
  readonly #node: EventNode
  readonly #listeners = new Set<Listener>()
  /** Contiguous, up to the end of the log, while anybody listens. */
  #newest: Told[] = []
  #reading: Promise<unknown> = Promise.resolve()

  constructor(node: EventNode) {
    this.#node = node
    node.log.onDurable((records) => this.#durable(records))
  }

  /** The log as it is now. */
  get end(): EventPlace {
    const { epoch, tree } = this.#node.log
    return { epoch, index: tree.size }
  }

  /** The first record that was not pruned. */
  get least(): number {
    return this.#node.reader.least
  }

  /** @throws MeshError TOO_MANY */
  checkRoom(owner: string): void {
    const own = [...this.#listeners].filter((each) => each.owner === owner).length
    if (this.#listeners.size < EVENT_STREAMS_MAX && own < EVENT_STREAMS_PER_CALLER_MAX) return
    throw new MeshError('TOO_MANY', `${this.#listeners.size} streams of events are open already`, {
      hint: 'close one, or ask again in a moment',
    })
  }

  /** @throws MeshError TOO_MANY */
  join(listener: Listener): void {
    this.checkRoom(listener.owner)
    this.#listeners.add(listener)
  }

  leave(listener: Listener): void {
    this.#listeners.delete(listener)
    if (this.#listeners.size === 0) this.#newest = []
  }

  offer(live: Live): void {
    for (const listener of this.#listeners) listener.offer(live)
  }

  /** Records from `first` on, oldest first, as many as come at once. @throws MeshError NOT_FOUND for pruned ones */
  async from(first: number): Promise<readonly Told[]> {
    const oldest = this.#newest[0]?.place.index ?? Number.POSITIVE_INFINITY
    if (first >= oldest) return this.#newest.slice(first - oldest)
    const { log, reader } = this.#node
    const { epoch } = log
    const page = this.#reading.then(() => reader.range(first, RECORDS_READ_MAX))
    this.#reading = page.catch(() => {}) // who asked is told; the next page is another
    const records = await page
    // Retired meanwhile: what was read may be of either log.
    return log.epoch === epoch ? records.map((record) => toldOf(record, epoch)) : []
  }

  /** As an event: printed once for all who want it at the same time. */
  textOf(told: Told): string | Promise<string> {
    told.text ??= this.#print(told)
    return told.text
  }

  async #print(told: Told): Promise<string> {
    const { records, reader } = this.#node
    const { leaf } = told.found
    // What is only disclosed is looked up each time: it may be given up at any.
    const keeps = committedIn(leaf).length === 0
    try {
      const view = recordView(told.found, records, await disclosedOf(reader, leaf))
      const text = formatEvent(told.type, view, told.place)
      told.text = keeps ? text : null
      return text
    } catch (error) {
      told.text = null
      throw error
    }
  }

  #durable(records: readonly Durable[]): void {
    if (this.#listeners.size === 0) return
    const { epoch } = this.#node.log
    const told = records.slice(-EVENTS_KEPT_MAX).map((record) => toldOf(record, epoch))
    const last = this.#newest.at(-1)?.place
    const follows = last?.epoch === epoch && last.index + 1 === told[0]?.place.index
    this.#newest = (follows ? [...this.#newest, ...told] : told).slice(-EVENTS_KEPT_MAX)
    for (const listener of this.#listeners) listener.wake()
  }
}

function toldOf(record: Durable, epoch: number): Told {
  const found = readFound(record)
  const place = { epoch, index: record.index }
  return { place, type: String(found.leaf['type']), found, bytes: record.bytes, text: null }
}
