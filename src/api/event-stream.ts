/**
 * One listener of /v1/events, as server-sent events (WHATWG HTML, 9.2):
 *
 *     id: 1.88105                      a record: Last-Event-ID resumes after it
 *     event: decision
 *     data: {"id":"sha256:…","index":88105,…}
 *
 *     event: gap                       what cannot be told any more, or not to this listener
 *     data: {"why":"overflow","epoch":1,"from":88106,"to":90211}
 *
 * Whoever reads slowly is read for slowly, from the log; what is kept for it is
 * a buffer of the socket, and a bounded number of events that are no records.
 * Who lets those overflow, or takes nothing at all, is told the gap and sent away.
 */
import { type EventPlace, formatEventPlace } from '../core/event-place.ts'
import {
  EVENT_COMMENT_MS,
  EVENT_LOOK_MS,
  EVENT_PIECE_CHARS,
  EVENT_STALL_MS,
  EVENTS_WAITING_MAX,
} from '../core/limits.ts'
import { Pace } from '../mesh/pace.ts'
import type { Clock } from '../mesh/ports.ts'
import { unlessPruned } from '../mesh/record-search.ts'
import type { EventHub, Listener, Live, Told } from './event-hub.ts'
import { formatEvent } from './event-text.ts'
import type { CallerNow, Out } from './stream.ts'

export interface Wants {
  readonly types: ReadonlySet<string>
  /** Of records. */
  matches(told: Told): boolean
  /** What the caller, as it is known now, may see; null for all. */
  readonly own: {
    record(told: Told, caller: CallerNow): Promise<boolean>
    live(live: Live, caller: CallerNow): Promise<boolean>
  } | null
}

/** What is looked at instead of being told; it is an event when its key changes. */
export interface Look {
  readonly name: string
  readonly key: string
  readonly live: Live
}

export interface EventStreamPorts {
  readonly hub: EventHub
  readonly clock: Clock
  looks(): readonly Look[]
}

type Why = 'overflow' | 'pruned' | 'epoch' | 'ahead'

export class EventStream implements Listener {
  readonly owner: string
  readonly #ports: EventStreamPorts
  readonly #wants: Wants
  readonly #pace: Pace
  #next: EventPlace
  #waiting: Live[] = []
  #overflowed = false
  readonly #seen = new Map<string, string>()
  #saidMs = 0
  #lookedMs = Number.NEGATIVE_INFINITY

  /** @param after the last event that the client has; null for the end of the log */
  constructor(ports: EventStreamPorts, wants: Wants, owner: string, after: EventPlace | null) {
    this.owner = owner
    this.#ports = ports
    this.#wants = wants
    this.#pace = new Pace(ports.clock)
    this.#next = after === null ? ports.hub.end : { ...after, index: after.index + 1 }
  }

  wake(): void {
    this.#pace.wake()
  }

  offer(live: Live): void {
    if (!this.#wants.types.has(live.type)) return
    if (this.#waiting.length < EVENTS_WAITING_MAX) this.#waiting.push(live)
    else this.#overflowed = true
    this.wake()
  }

  /** Until the client or the daemon goes, or the client takes too little. */
  async follow(out: Out): Promise<void> {
    const { hub, clock } = this.#ports
    hub.join(this)
    try {
      out.write(`retry: 1000\n${this.#mark()}`)
      this.#saidMs = clock.monotonicMs()
      while (!out.signal.aborted) {
        if (!(await this.#tellAll(out))) return this.#tellGap(out, 'overflow', hub.end.index)
        if (clock.monotonicMs() - this.#saidMs >= EVENT_COMMENT_MS) {
          this.#saidMs = clock.monotonicMs()
          out.write(`:\n${this.#mark()}`)
        }
        await this.#pace.wait(EVENT_LOOK_MS, out.signal)
      }
    } finally {
      hub.leave(this)
    }
  }

  /** Names what was looked at last without being an event: filters may leave out all of it. */
  #mark(): string {
    const { epoch, index } = this.#next
    return index === 0 ? '\n' : `id: ${formatEventPlace({ epoch, index: index - 1 })}\n\n`
  }

  /** All that there is; false when the client does not take it. */
  async #tellAll(out: Out): Promise<boolean> {
    for (;;) {
      this.#skip(out)
      const behind = this.#next.index < this.#ports.hub.end.index
      // Pruned in this moment, perhaps: the next look says so.
      const page = behind ? await this.#ports.hub.from(this.#next.index).catch(unlessPruned) : []
      if (!(await this.#tellRecords(out, page ?? []))) return false
      this.#look()
      if (!(await this.#tellWaiting(out))) return false
      if ((page ?? []).length === 0 || out.signal.aborted) return true
    }
  }

  /** Several in one piece, which costs the socket little more than one. */
  async #tellRecords(out: Out, page: readonly Told[]): Promise<boolean> {
    let text = ''
    for (const [i, told] of page.entries()) {
      if (await this.#wanted(out, told)) text += await this.#ports.hub.textOf(told)
      if (text.length < EVENT_PIECE_CHARS && i + 1 < page.length) continue
      if (text !== '' && !(await this.#write(out, text))) return false
      text = ''
      this.#next = { ...told.place, index: told.place.index + 1 }
    }
    return true
  }

  #wanted(out: Out, told: Told): Promise<boolean> | boolean {
    const { types, matches, own } = this.#wants
    if (!types.has(told.type) || !matches(told)) return false
    return own === null || own.record(told, out.caller)
  }

  #look(): void {
    const { clock, looks } = this.#ports
    const nowMs = clock.monotonicMs()
    if (nowMs - this.#lookedMs < EVENT_LOOK_MS) return
    this.#lookedMs = nowMs
    for (const { name, key, live } of looks()) {
      if (this.#seen.get(name) !== key) this.offer(live)
      this.#seen.set(name, key)
    }
  }

  async #tellWaiting(out: Out): Promise<boolean> {
    for (const live of this.#waiting.splice(0)) {
      const { own } = this.#wants
      if (own !== null && !(await own.live(live, out.caller))) continue
      if (!(await this.#write(out, formatEvent(live.type, live.data, null)))) return false
    }
    return !this.#overflowed
  }

  /** Past what is not there: of a log that was retired, that was pruned, or that the disk lost. */
  #skip(out: Out): void {
    const { end, least } = this.#ports.hub
    const { epoch, index } = this.#next
    if (epoch !== end.epoch) {
      this.#tellGap(out, epoch < end.epoch ? 'epoch' : 'ahead', null)
      this.#next = { epoch: end.epoch, index: 0 }
    } else if (index > end.index) {
      this.#next = end
      this.#tellGap(out, 'ahead', index)
    } else if (index < least) {
      this.#tellGap(out, 'pruned', least)
      this.#next = { epoch, index: least }
    }
  }

  /** False when nothing of what was written before is taken for too long. */
  async #write(out: Out, text: string): Promise<boolean> {
    this.#saidMs = this.#ports.clock.monotonicMs()
    out.write(text)
    if (!out.full) return true
    const over = new AbortController()
    await Promise.race([out.drained(), this.#ports.clock.sleep(EVENT_STALL_MS, over.signal)])
    over.abort()
    return !out.full
  }

  /** Records from the next on, below `to`; null for all of that log. */
  #tellGap(out: Out, why: Why, to: number | null): void {
    const { epoch, index: from } = this.#next
    out.write(formatEvent('gap', { why, epoch, from, to }, null))
  }
}
