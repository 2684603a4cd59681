/**
 * What runs on this node because it was allowed, and what must stop.
 *
 *     execution/<record id>   {"opened":"2026-…Z"}   from the allow to the outcome
 *
 * Every change of governance, and every tick, asks each running execution's
 * recheck again. What fails is stopped once, with the reason; its enforcement
 * point ends the process and reports the outcome. An execution whose point
 * falls silent, or that a restart finds open, ends as unknown: attempts alone
 * are not evidence (design 4, in flight). An outcome that the log did not take
 * is recorded as soon as it does.
 */
import { utf8 } from '../core/bytes.ts'
import type { RecordId } from '../core/id.ts'
import { formatJson, type JsonObject } from '../core/json.ts'
import type { Did } from '../core/keys.ts'
import {
  EXECUTION_SILENCE_MS,
  EXECUTION_TICK_MS,
  EXECUTIONS_ENDED_MAX,
  EXECUTIONS_MAX,
  EXECUTIONS_REST_MS,
} from '../core/limits.ts'
import { Memo } from '../core/memo.ts'
import { MeshError } from '../core/problems.ts'
import type { Denial } from '../core/reasons.ts'
import { formatDraft } from '../core/record.ts'
import { formatTime } from '../core/shape.ts'
import { Pace } from './pace.ts'
import type { Clock, Put, Store } from './ports.ts'

type OutcomeKind = 'ok' | 'failed' | 'stopped' | 'unknown'

export interface Outcome {
  readonly kind: OutcomeKind
  /** Exit status; null when there is none to tell. */
  readonly status: number | null
}

/** Who does what: to show it, and nothing rests on it. */
export interface About {
  readonly principal: Did | null
  readonly action: string
  /** `repo:acme/docs` */
  readonly resource: string
}

/** What the enforcement point says that it started; to show it, and nothing rests on it. */
export interface Started {
  readonly pid: number
  readonly command: string
}

/** What the authorizer knows of one allow: asked again as long as it runs. */
export interface Standing {
  /** Who may watch and close it. */
  readonly owner: string
  readonly about: About
  /** Checks 8 and 11 on the state of this very moment. */
  recheck(): Denial | null
  /** Monotonic time until which the lease, as it stands now, allows it. */
  leaseUntilMs(): number | null
}

export interface Execution {
  readonly id: RecordId
  readonly owner: string
  readonly about: About
  /** Monotonic. */
  readonly openedMs: number
  readonly process: Started | null
  readonly state: 'running' | 'stopped' | 'ended'
  readonly leaseUntilMs: number | null
  readonly stop: Denial | null
  readonly outcome: Outcome | null
}

/** What is not in the log yet of one that has ended. */
interface Untold {
  readonly outcome: Outcome
  readonly stop: Denial | null
}

const UNKNOWN: Outcome = { kind: 'unknown', status: null }

interface Running {
  readonly id: RecordId
  readonly standing: Standing
  readonly openedMs: number
  process: Started | null
  stop: Denial | null
  outcome: Outcome | null
  heardMs: number
  /** Wake its watchers; each takes its own out again, or a long run would gather one for every poll. */
  readonly watchers: Set<() => void>
}

export interface ExecutionPorts {
  readonly clock: Clock
  readonly store: Pick<Store, 'entries'>
  /** Waits for the disk. */
  append(draft: JsonObject, puts: readonly Put[]): Promise<{ readonly id: RecordId }>
  /** An outcome could not be recorded, or a recheck threw: said to the operator. */
  missed(error: unknown): void
}

export class Executions {
  readonly #ports: ExecutionPorts
  readonly #running = new Map<RecordId, Running>()
  readonly #ended = new Memo<RecordId, Execution>(EXECUTIONS_ENDED_MAX)
  /** Open on disk, and run by nobody: of former starts, and what the log did not take. */
  readonly #untold: Map<RecordId, Untold>
  readonly #onChange: ((execution: Execution) => void)[] = []
  #due = false
  readonly #pace: Pace

  private constructor(ports: ExecutionPorts, orphans: Iterable<RecordId>) {
    this.#ports = ports
    this.#pace = new Pace(ports.clock)
    this.#untold = new Map([...orphans].map((id) => [id, { outcome: UNKNOWN, stop: null }]))
  }

  static async open(ports: ExecutionPorts): Promise<Executions> {
    const left = await ports.store.entries('execution')
    return new Executions(ports, left.keys() as Iterable<RecordId>)
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

  static closing(id: RecordId): Put {
    return { space: 'execution', key: id, value: null }
  }

  /** Its outcome came back from a mirror: it is in the log, and not written again. Gives the put for its batch. */
  ended(id: RecordId): readonly Put[] {
    this.#untold.delete(id)
    return [Executions.closing(id)]
  }

  add(id: RecordId, standing: Standing): void {
    const openedMs = this.#ports.clock.monotonicMs()
    const begun = { process: null, stop: null, outcome: null, watchers: new Set<() => void>() }
    const running: Running = { ...begun, id, standing, openedMs, heardMs: openedMs }
    this.#running.set(id, running)
    this.#pace.wake()
    this.#changed(running)
  }

  /** Called when one was opened, is to stop, or has ended; it must not throw. */
  onChange(listener: (execution: Execution) => void): void {
    this.#onChange.push(listener)
  }

  /** All that run, or were stopped and have not ended. */
  list(): readonly Execution[] {
    return [...this.#running.values()].map(viewOf)
  }

  /** Also one that ended lately. @throws MeshError NOT_FOUND */
  get(id: RecordId): Execution {
    const running = this.#running.get(id)
    const known = running === undefined ? this.#ended.get(id) : viewOf(running)
    if (known === undefined) throw notHere(id)
    return known
  }

  /** @throws MeshError NOT_FOUND */
  started(id: RecordId, process: Started): void {
    const running = this.#running.get(id)
    if (running === undefined) throw notHere(id)
    running.process = process
  }

  /** Answers when the execution is to stop or has ended, and at the latest after ms. @throws MeshError NOT_FOUND */
  async watch(id: RecordId, ms: number, signal: AbortSignal): Promise<Execution> {
    const running = this.#running.get(id)
    if (running === undefined) return this.get(id)
    if (running.stop === null) {
      running.heardMs = this.#ports.clock.monotonicMs()
      const done = new AbortController()
      const wake = () => done.abort()
      running.watchers.add(wake)
      await this.#ports.clock.sleep(ms, AbortSignal.any([signal, done.signal]))
      running.watchers.delete(wake)
    }
    running.heardMs = this.#ports.clock.monotonicMs()
    return viewOf(running)
  }

  /** Records how it ended and forgets it. Waits for the disk. @throws MeshError NOT_FOUND, and what append throws: then it is recorded later */
  async end(id: RecordId, outcome: Outcome): Promise<RecordId> {
    const running = this.#running.get(id)
    if (running === undefined) throw notHere(id)
    running.outcome = outcome
    this.#running.delete(id)
    this.#ended.set(id, viewOf(running))
    this.#changed(running)
    try {
      return await this.#record(id, outcome, running.stop)
    } catch (error) {
      this.#untold.set(id, { outcome, stop: running.stop })
      this.#pace.wake()
      throw error
    }
  }

  /** Once for all that changes in this turn: a batch of statements is many changes, and each asks of everything that runs. */
  recheckSoon(): void {
    if (this.#due) return
    this.#due = true
    void Promise.resolve().then(() => {
      this.#due = false
      this.recheck()
    })
  }

  /** Asks every running execution again; called after changes of governance and at each tick. */
  recheck(): void {
    for (const running of this.#running.values()) {
      if (running.stop !== null) continue
      running.stop = this.#recheck(running)
      if (running.stop !== null) this.#changed(running)
    }
  }

  /** Records what has no outcome yet, as soon as the log takes it; and looks at what runs, until the signal. */
  async run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      await this.#tell()
      const idle = this.#running.size === 0 && this.#untold.size === 0
      await this.#pace.wait(idle ? EXECUTIONS_REST_MS : EXECUTION_TICK_MS, signal)
      this.recheck()
      await this.#endSilent()
    }
  }

  #changed(running: Running): void {
    for (const wake of running.watchers) wake()
    const view = viewOf(running)
    for (const listener of this.#onChange) listener(view)
  }

  #recheck({ standing }: Running): Denial | null {
    try {
      return standing.recheck()
    } catch (error) {
      // Doubt stops it, and does not keep the others from being looked at.
      this.#ports.missed(error)
      return { code: 'INTERNAL', detail: 'it could not be checked again' }
    }
  }

  async #tell(): Promise<void> {
    if (this.#untold.size === 0) return
    try {
      const open = await this.#ports.store.entries('execution')
      for (const [id, { outcome, stop }] of [...this.#untold]) {
        // A write that failed may be on the disk all the same, and is told by then.
        if (open.has(id)) await this.#record(id, outcome, stop)
        this.#untold.delete(id)
      }
    } catch {
      return // The log takes nothing yet, during a boot check; or no more, and then others say so.
    }
  }

  async #endSilent(): Promise<void> {
    const before = this.#ports.clock.monotonicMs() - EXECUTION_SILENCE_MS
    for (const [id, { heardMs }] of this.#running) {
      if (heardMs >= before) continue
      try {
        await this.end(id, UNKNOWN)
      } catch (error) {
        // It is recorded later, if need be by the next start: its put is still on disk.
        this.#ports.missed(error)
      }
    }
  }

  async #record(id: RecordId, { kind, status }: Outcome, stop: Denial | null): Promise<RecordId> {
    const draft = formatDraft<'outcome'>({
      type: 'outcome',
      execution: id,
      outcome: kind,
      status,
      stop: stop === null ? null : { code: stop.code, detail: stop.detail },
    })
    return (await this.#ports.append(draft, [Executions.closing(id)])).id
  }
}

function viewOf({ id, standing, openedMs, process, stop, outcome }: Running): Execution {
  const state = outcome !== null ? 'ended' : stop !== null ? 'stopped' : 'running'
  const leaseUntilMs = state === 'running' ? standing.leaseUntilMs() : null
  const { owner, about } = standing
  return { id, owner, about, openedMs, process, state, leaseUntilMs, stop, outcome }
}

function notHere(id: RecordId): MeshError {
  return new MeshError('NOT_FOUND', `no execution \`${id}\` runs here`)
}
