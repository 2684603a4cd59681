/** A machine with its disk and its clock, which outlive its node; and one life of a node on it. */
import type { StatementId } from '../../src/core/id.ts'
import type { Did } from '../../src/core/keys.ts'
import type { Decider } from '../../src/daemon/decider.ts'
import type { MeshNode } from '../../src/mesh/node.ts'
import type { NodeKeys } from '../unit/statements.ts'
import type { Dice } from './clock.ts'
import type { Disk, DiskStore } from './disk.ts'
import { Gate, type MachineClock } from './gate.ts'
import type { Happening } from './history.ts'
import type { Life } from './mesh-ports.ts'
import type { MeshWorld } from './mesh-world.ts'
import { SimNetwork } from './network.ts'
import { OutsideWatch } from './outside-watch.ts'

/** One life of a node. */
export class Running implements Life {
  readonly inc: number
  readonly gate: Gate
  readonly machine: MachineClock
  readonly disk: Disk
  readonly network: SimNetwork
  store: DiskStore | null = null
  node: MeshNode | null = null
  decider: Decider | null = null
  readonly #world: MeshWorld
  readonly #host: Host

  constructor(world: MeshWorld, host: Host) {
    this.#world = world
    this.#host = host
    this.inc = host.inc
    this.machine = host.machine
    this.disk = host.disk
    this.gate = new Gate(world.clock)
    this.network = new SimNetwork(world.hub, host.did)
    this.network.censors = host.censors
    if (world.swarm.outsider !== null || world.swarm.invites > 0)
      this.network.watch = new OutsideWatch(this)
  }

  write(happening: Happening): void {
    if (!this.gate.gone) this.#world.write(happening, this.#host)
  }

  numberOf(statement: string): number {
    return this.#world.laws.numberOf(statement as StatementId)
  }

  placeOf(node: Did): number {
    return this.#world.placeOf(node)
  }

  learned(statement: Uint8Array): void {
    const { swarm, laws } = this.#world
    if (swarm.invites > 0) laws.learned(statement)
  }

  drawDelayMs(): number {
    const { dice, quiet, swarm } = this.#world
    return 0.5 + dice.unit() * (quiet ? 2 : swarm.diskMsMax)
  }

  drawFault() {
    const { dice, quiet, swarm } = this.#world
    if (quiet || dice.unit() >= swarm.storageError) return null
    return dice.unit() < 0.5 ? 'gone' : 'there'
  }
}

/** A machine with its disk and its clock. */
export interface Host {
  readonly place: number
  readonly keys: NodeKeys
  readonly did: Did
  readonly disk: Disk
  readonly machine: MachineClock
  readonly dice: Dice
  inc: number
  life: Running | null
  /** Keeps statements from the others, in all of its lives. */
  censors: boolean
  /** Ends a pause. */
  resume: () => void
}
