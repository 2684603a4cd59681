/**
 * Programs that call, and what the kernel says of each: which user it is never
 * changes, what it runs and where it stands does at any time, and now and then
 * nothing more can be said of it.
 */
import { NO_PROCESS, type ProcessFacts } from '../../src/core/facts.ts'
import type { Caller } from '../../src/core/presented.ts'
import { FactReader, type Host } from '../../src/daemon/facts.ts'
import { CALLER } from './calls.ts'
import { Dice } from './clock.ts'
import type { Gate } from './gate.ts'
import type { KernelFacts } from './history.ts'
import type { MeshWorld } from './mesh-world.ts'

const COUNT = 3
const FIRST_UID = 2_001
export const EXES = ['a', 'b'].map((digit) => digit.repeat(64))
export const UNITS = ['planner.service', 'builder.service']
export const UIDS = Array.from({ length: COUNT }, (_, i) => FIRST_UID + i)
/** Nothing, or not what it runs, can be said of it. */
const [GONE, UNREAD] = [0.15, 0.2]
/** Of executables that somebody wants to know: one that has to be hashed first. */
const HASHED = 0.3
const HASH_MS = 40

export interface Process {
  readonly number: number
  readonly caller: Caller
}

/** As it is now, with what it runs and without. */
interface State {
  readonly whole: ProcessFacts
  readonly connected: ProcessFacts
}

export class Processes {
  readonly all: readonly Process[]
  readonly #world: MeshWorld
  /** Of its own: what others draw stays what it is. */
  readonly #dice: Dice
  readonly #states = new Map<Caller, State>()

  constructor(world: MeshWorld) {
    this.#world = world
    this.#dice = new Dice(world.swarm.seed * 103 + 43)
    this.all = UIDS.map((uid, number) => ({ number, caller: { ...CALLER, uid, pid: uid } }))
  }

  /** One of them is something else now. */
  change(process: Process = this.#oneOf(this.all)): void {
    const gone = this.#dice.unit() < GONE
    const unit = this.#oneOf(UNITS)
    const exe = this.#dice.unit() < UNREAD ? null : this.#oneOf(EXES)
    const connected = gone ? NO_PROCESS : { ...NO_PROCESS, unit }
    const whole = gone ? NO_PROCESS : { ...connected, exe }
    this.#states.set(process.caller, { whole, connected })
    const facts = kernelFacts(process.caller, whole)
    this.#world.write({ ev: 'process', process: process.number, facts }, null)
  }

  /** As the kernel says now. */
  now(caller: Caller, executable: boolean): ProcessFacts {
    const state = this.#states.get(caller)
    if (state === undefined) return NO_PROCESS
    return executable ? state.whole : state.connected
  }

  /** A promise for what has to be hashed. */
  measure(caller: Caller, executable: boolean, gate: Gate): ProcessFacts | Promise<ProcessFacts> {
    const known = this.#states.has(caller)
    if (!known || !executable || this.#dice.unit() >= HASHED) return this.now(caller, executable)
    const hashed = gate.through(this.#world.clock.sleep(this.#dice.unit() * HASH_MS))
    return hashed.then(() => this.now(caller, executable))
  }

  #oneOf<T>(list: readonly T[]): T {
    return list[this.#dice.integer(list.length)] as T
  }
}

function kernelFacts({ uid }: Caller, { exe, unit }: ProcessFacts): KernelFacts {
  return {
    ...(uid === null ? {} : { uid }),
    ...(exe === null ? {} : { exe }),
    ...(unit === null ? {} : { unit }),
  }
}

/** Reads facts as the daemon does, of these processes. */
export class KernelReader extends FactReader {
  readonly #processes: Processes
  readonly #gate: Gate

  constructor(host: Host, processes: Processes, gate: Gate) {
    super(host)
    this.#processes = processes
    this.#gate = gate
  }

  override measure(caller: Caller, executable: boolean): ProcessFacts | Promise<ProcessFacts> {
    return this.#processes.measure(caller, executable, this.#gate)
  }
}
