/**
 * Facts that the operator's own commands measure, `.meshd.env.collected.<collector>.<key>`.
 *
 *     every      from the beginning of one run to that of the next
 *     timeout    of one run
 *     fresh_for  how long what a run said is a fact, from the beginning of that run
 *
 * A run that fails takes the facts of the one before it away at once, and one
 * that is late lets them lapse: what depends on them denies.
 */
import { isDeepStrictEqual } from 'node:util'
import type { Clock } from '../mesh/ports.ts'
import { type Collected, type Outputs, runCollector } from './collector-run.ts'

export interface CollectorSpec {
  /** Absolute path and arguments; no shell. */
  readonly command: readonly string[]
  readonly everyMs: number
  readonly timeoutMs: number
  readonly freshMs: number
  readonly outputs: Outputs
}

export type CollectedFacts = ReadonlyMap<string, ReadonlyMap<string, Collected>>

export interface CollectorState {
  readonly name: string
  /** Why there is no fact; null when there is. */
  readonly failure: string | null
}

export interface CollectorPorts {
  readonly clock: Clock
  /** Once for each time that one begins to fail. */
  tell(what: string, error: unknown): void
  readonly run?: typeof runCollector
}

interface Said {
  readonly values: ReadonlyMap<string, Collected>
  readonly untilMs: number
  /** A machine that slept has a monotonic clock that did too. */
  readonly untilWallMs: number
}

class Collector {
  readonly spec: CollectorSpec
  readonly #stopping = new AbortController()
  said: Said | null = null
  failure: string | null = 'it has not run yet'

  constructor(spec: CollectorSpec) {
    this.spec = spec
  }

  async run(
    name: string,
    changed: () => void,
    { clock, tell, run }: CollectorPorts,
  ): Promise<void> {
    const { command, outputs, everyMs, timeoutMs, freshMs } = this.spec
    const { signal } = this.#stopping
    let told = false
    while (!signal.aborted) {
      const [beganMs, beganWallMs] = [clock.monotonicMs(), clock.wallMs()]
      try {
        const values = await (run ?? runCollector)(command, outputs, timeoutMs, signal)
        this.said = { values, untilMs: beganMs + freshMs, untilWallMs: beganWallMs + freshMs }
        this.failure = null
        told = false
      } catch (error) {
        // Whatever it did, it did not say what it is asked for.
        if (signal.aborted) return
        if (!told) tell(`collector ${name}`, error)
        told = true
        this.said = null
        this.failure = error instanceof Error ? error.message : String(error)
      }
      changed()
      await clock.sleep(Math.max(0, beganMs + everyMs - clock.monotonicMs()), signal)
    }
  }

  stop(): void {
    this.#stopping.abort()
    this.said = null
  }
}

const NOTHING: CollectedFacts = new Map()

export class Collectors {
  readonly #ports: CollectorPorts
  readonly #running = new Map<string, Collector>()
  #facts: CollectedFacts = NOTHING
  /** When one of them lapses. */
  #untilMs = Number.POSITIVE_INFINITY
  #untilWallMs = Number.POSITIVE_INFINITY

  constructor(ports: CollectorPorts) {
    this.#ports = ports
  }

  /** These from now on: what is not named any more, or otherwise, is stopped and forgotten. */
  use(specs: ReadonlyMap<string, CollectorSpec>): void {
    for (const [name, collector] of this.#running) {
      if (isDeepStrictEqual(specs.get(name), collector.spec)) continue
      collector.stop()
      this.#running.delete(name)
    }
    for (const [name, spec] of specs) {
      if (this.#running.has(name)) continue
      const collector = new Collector(spec)
      this.#running.set(name, collector)
      void collector.run(name, () => this.#gather(), this.#ports)
    }
    this.#gather()
  }

  stop(): void {
    this.use(new Map())
  }

  /** Those that are fresh. The same map as long as it says the same. */
  facts(): CollectedFacts {
    const { clock } = this.#ports
    if (clock.monotonicMs() >= this.#untilMs || clock.wallMs() >= this.#untilWallMs) this.#gather()
    return this.#facts
  }

  states(): readonly CollectorState[] {
    const facts = this.facts()
    return [...this.#running].map(([name, { failure }]) => ({
      name,
      failure: facts.has(name) ? null : (failure ?? 'it is late'),
    }))
  }

  #gather(): void {
    const { clock } = this.#ports
    const [nowMs, nowWallMs] = [clock.monotonicMs(), clock.wallMs()]
    const fresh = [...this.#running].flatMap(([name, { said }]) =>
      said !== null && nowMs < said.untilMs && nowWallMs < said.untilWallMs ? [{ name, said }] : [],
    )
    this.#untilMs = Math.min(...fresh.map(({ said }) => said.untilMs))
    this.#untilWallMs = Math.min(...fresh.map(({ said }) => said.untilWallMs))
    const facts = new Map(fresh.map(({ name, said }) => [name, said.values]))
    if (!isDeepStrictEqual(facts, this.#facts)) this.#facts = facts
  }
}
