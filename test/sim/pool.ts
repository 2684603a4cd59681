/** Worlds on all cores: each worker runs one after the other. */
import { Worker } from 'node:worker_threads'
import type { Less } from './less.ts'
import type { Outcome } from './mesh-run.ts'
import type { Size } from './swarm.ts'

/** What a worker is asked. */
export interface Task {
  readonly seed: number
  readonly less: Less
  readonly once: boolean
  readonly size: Size
}

interface Waiting {
  readonly task: Task
  readonly resolve: (outcome: Outcome) => void
  readonly reject: (error: unknown) => void
}

/** Hardly anything outlives a world: with more room for what is new, less of it is looked at for what is left. */
const YOUNG_MB = 96

export class Pool implements AsyncDisposable {
  readonly size: number
  readonly #workers: readonly Worker[]
  readonly #idle: Worker[]
  readonly #busy = new Map<Worker, Waiting>()
  readonly #queue: Waiting[] = []

  constructor(size: number) {
    this.size = size
    this.#workers = Array.from({ length: size }, () => this.#worker())
    this.#idle = [...this.#workers]
  }

  run(task: Task): Promise<Outcome> {
    return new Promise((resolve, reject) => {
      this.#queue.push({ task, resolve, reject })
      this.#next()
    })
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#workers.map((worker) => worker.terminate()))
  }

  #worker(): Worker {
    const worker = new Worker(new URL('worker.ts', import.meta.url), {
      resourceLimits: { maxYoungGenerationSizeMb: YOUNG_MB },
    })
    const done = (end: (waiting: Waiting) => void) => {
      const waiting = this.#busy.get(worker)
      this.#busy.delete(worker)
      if (waiting !== undefined) end(waiting)
    }
    worker.on('message', (outcome: Outcome) => {
      this.#idle.push(worker)
      done(({ resolve }) => resolve(outcome))
      this.#next()
    })
    worker.on('error', (error) => done(({ reject }) => reject(error)))
    return worker
  }

  #next(): void {
    const worker = this.#queue.length > 0 ? this.#idle.shift() : undefined
    const waiting = worker === undefined ? undefined : this.#queue.shift()
    if (worker === undefined || waiting === undefined) return
    this.#busy.set(worker, waiting)
    worker.postMessage(waiting.task)
  }
}
