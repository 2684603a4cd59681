/**
 * What carries out what was allowed: it asks its node whether it must stop,
 * ends a moment after that or once its work is done, and says so. Some of them
 * fall silent instead, and their node ends them.
 */
import type { RecordId } from '../../src/core/id.ts'
import type { Executions } from '../../src/mesh/executions.ts'
import { Dice } from './clock.ts'
import type { Event } from './history.ts'
import type { Running } from './host.ts'
import type { MeshWorld } from './mesh-world.ts'

/** Between two questions; a stop is answered at once. */
const POLL_MS = 2_000
const RETRY_MS = 200
/** Of its work. */
const WORK_MS = 12_000
/** Until a process that must stop is gone. */
const DYING_MS = 400
const SILENT = 0.1

export class Programs {
  readonly #world: MeshWorld
  /** Of its own: what others draw stays what it is. */
  readonly #dice: Dice

  constructor(world: MeshWorld) {
    this.#world = world
    this.#dice = new Dice(world.swarm.seed * 61 + 19)
    world.history.onEvent((event) => this.#see(event))
  }

  #see(event: Event): void {
    if (event.ev !== 'opened' || event.node === null) return
    const life = this.#world.hosts[event.node]?.life
    const silent = this.#dice.unit() < SILENT
    const workMs = WORK_MS * this.#dice.unit() ** 2
    const dyingMs = DYING_MS * this.#dice.unit()
    if (life == null || silent) return
    // A life that ended answers nobody: then it waits for ever.
    this.#carryOut(life, event.execution, workMs, dyingMs).catch(() => {})
  }

  async #carryOut(life: Running, id: RecordId, workMs: number, dyingMs: number): Promise<void> {
    const { clock } = this.#world
    const signal = new AbortController().signal
    const doneMs = clock.monotonicMs() + workMs
    let state = 'running'
    while (state === 'running' && clock.monotonicMs() < doneMs) {
      const ms = Math.min(POLL_MS, doneMs - clock.monotonicMs())
      state = (await (await this.#node(life)).watch(id, ms, signal)).state
    }
    if (state === 'ended') return
    const stopped = state === 'stopped'
    if (stopped) await clock.sleep(dyingMs)
    const node = await this.#node(life)
    await node.end(id, stopped ? { kind: 'stopped', status: null } : { kind: 'ok', status: 0 })
  }

  /** As soon as it answers. @throws when it never will */
  async #node({ node, gate }: Running): Promise<Executions> {
    while (!gate.running && !gate.gone) await this.#world.clock.sleep(RETRY_MS)
    if (node === null || gate.gone) throw new Error('nobody answers')
    return node.executions
  }
}
