/**
 * What runs on this node because it was allowed, and what must stop.
 *
 *     execution/<record id>   {"opened":"2026-…Z"}   from the allow to the outcome
 *
 * Every change of governance, and every tick, asks each running execution's
 * recheck again. What fails is stopped once, with the reason; its enforcement
 * point ends the process and reports the outcome. An execution whose point
 * falls silent, or that a restart finds open, ends as unknown: attempts alone
 * are not evidence (design 4, in flight).
 */
import { utf8 } from '../core/bytes.ts'
import type { RecordId } from '../core/id.ts'
import { formatJson, type JsonObject } from '../core/json.ts'
import { EXECUTION_SILENCE_MS, EXECUTION_TICK_MS, EXECUTIONS_MAX } from '../core/limits.ts'
import { MeshError } from '../core/problems.ts'
import type { Denial } from '../core/reasons.ts'
import { formatTime } from '../core/shape.ts'
import type { Clock, Put, Store } from './ports.ts'

export type OutcomeKind = 'ok' | 'failed' | 'stopped' | 'unknown'

export interface Outcome {
  readonly kind: OutcomeKind
  /** Exit status; null when there is none to tell. */
  readonly status: number | null
}

/** What the authorizer knows of one allow: asked again as long as it runs. */
export interface Standing {
  /** Checks 8 and 11 on the state of this very moment. */
  recheck(): Denial | null
  /** Monotonic time until which the lease, as it stands now, allows it. */
  leaseUntilMs(): number | null
}

export interface Execution {
  readonly id: RecordId
  readonly state: 'running' | 'stopped' | 'ended'
  readonly leaseUntilMs: number | null
  readonly stop: Denial | null
  readonly outcome: Outcome | null
}

interface Running {
  readonly standing: Standing
  stop: Denial | null
  outcome: Outcome | null
  heardMs: number
  /** Wakes every watcher of this execution. */
  changed: PromiseWithResolvers<void>
}

export interface ExecutionPorts {
  readonly clock: Clock
  readonly store: Store
  /** Waits for the disk. */
  append(draft: JsonObject, puts: readonly Put[]): Promise<{ readonly id: RecordId }>
}

export class Executions {
  readonly #ports: ExecutionPorts
  readonly #running = new Map<RecordId, Running>()
  #orphans: readonly RecordId[]

  private constructor(ports: ExecutionPorts, orphans: readonly RecordId[]) {
    this.#ports = ports
    this.#orphans = orphans
  }

  static async open(ports: ExecutionPorts): Promise<Executions> {
    const left = await ports.store.entries('execution')
    return new Executions(ports, [...left.keys()] as RecordId[])
  }

  get full(): boolean {
    return this.#running.size >= EXECUTIONS_MAX
  }

  get count(): number {
    return this.#running.size
  }

  /** The put that belongs into the same batch as the allow's record; its key is that record's id. */
  static opening(id: RecordId, wallMs: number): Put {
    const value = utf8(formatJson({ opened: formatTime(wallMs) }))
    return { space: 'execution', key: id, value }
  }

  add(id: RecordId, standing: Standing): void {
    const heardMs = this.#ports.clock.monotonicMs()
    const changed = Promise.withResolvers<void>()
    this.#running.set(id, { standing, stop: null, outcome: null, heardMs, changed })
  }

  get(id: RecordId): Execution {
    const running = this.#running.get(id)
    if (running === undefined) throw new MeshError('NOT_FOUND', `no execution \`${id}\` runs here`)
    const state = running.outcome !== null ? 'ended' : running.stop !== null ? 'stopped' : 'running'
    const leaseUntilMs = state === 'running' ? running.standing.leaseUntilMs() : null
    return { id, state, leaseUntilMs, stop: running.stop, outcome: running.outcome }
  }

  /** Answers when the execution is to stop or has ended, and at the latest after ms. */
  async watch(id: RecordId, ms: number, signal: AbortSignal): Promise<Execution> {
    const running = this.#running.get(id)
    if (running !== undefined && running.stop === null && running.outcome === null) {
      running.heardMs = this.#ports.clock.monotonicMs()
      await Promise.race([running.changed.promise, this.#ports.clock.sleep(ms, signal)])
      running.heardMs = this.#ports.clock.monotonicMs()
    }
    return this.get(id)
  }

  /** Records how it ended and forgets it. Waits for the disk. */
  async end(id: RecordId, outcome: Outcome): Promise<RecordId> {
    const running = this.#running.get(id)
    if (running === undefined || running.outcome !== null)
      throw new MeshError('NOT_FOUND', `no execution \`${id}\` runs here`)
    running.outcome = outcome
    running.changed.resolve()
    this.#running.delete(id)
    return this.#record(id, outcome, running.stop)
  }

  /** Asks every running execution again; called on each change of governance and each tick. */
  recheck(): void {
    for (const running of this.#running.values()) {
      if (running.stop !== null) continue
      running.stop = running.standing.recheck()
      if (running.stop !== null) running.changed.resolve()
    }
  }

  /** Ends what a former start left open, then ticks until the signal. */
  async run(signal: AbortSignal): Promise<void> {
    for (const id of this.#orphans) await this.#record(id, { kind: 'unknown', status: null }, null)
    this.#orphans = []
    while (!signal.aborted) {
      await this.#ports.clock.sleep(EXECUTION_TICK_MS, signal)
      this.recheck()
      await this.#endSilent()
    }
  }

  async #endSilent(): Promise<void> {
    const before = this.#ports.clock.monotonicMs() - EXECUTION_SILENCE_MS
    for (const [id, { heardMs }] of this.#running)
      if (heardMs < before) await this.end(id, { kind: 'unknown', status: null })
  }

  async #record(id: RecordId, { kind, status }: Outcome, stop: Denial | null): Promise<RecordId> {
    const draft: JsonObject = {
      type: 'outcome',
      execution: id,
      outcome: kind,
      status,
      stop: stop === null ? null : { code: stop.code, detail: stop.detail },
    }
    return (await this.#ports.append(draft, [{ space: 'execution', key: id, value: null }])).id
  }
}
