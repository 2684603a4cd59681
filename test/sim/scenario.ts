/**
 * The course of one world, in two phases. In the first everything that the
 * seed allows goes wrong; then all of it is mended, and the mesh must come back
 * by itself, but for what only an operator may do.
 */
import { Aftermath } from './aftermath.ts'
import { Bindings } from './bindings.ts'
import { Children } from './children.ts'
import { Climbers } from './climbers.ts'
import { Dice } from './clock.ts'
import { Faults, IMAGE_EVERY_MS } from './faults.ts'
import { Forgers } from './forgers.ts'
import { Joiners } from './joiners.ts'
import type { MeshWorld } from './mesh-world.ts'
import { Outsider } from './outsider.ts'
import { People } from './people.ts'
import { Programs } from './programs.ts'
import { FAULT_LOOK_MS } from './swarm.ts'
import { Watchers } from './watchers.ts'

/** Between two changes of any process. */
const CHANGE_EVERY_MS = 150
/** Of requests, one more in so many. */
const CLIMB_EVERY = 4
const OPERATE_MS = 1_000
/** From the heal until whoever has to sign has signed. */
const SIGN_MS = 3_000
/** From the heal until freezes are lifted, when everybody has met again. */
const LIFT_MS = 8_000
/** From the heal until valid requests are asked everywhere, again and again. */
const PROBE_FROM_MS = 12_000
const PROBE_MS = 1_000
/** Between two looks whether anybody still wants to see the rest. */
const SLICE_MS = 500

export class Scenario {
  readonly #world: MeshWorld
  readonly #people: People
  readonly #faults: Faults
  readonly #forgers: Forgers
  readonly #dice: Dice
  #endMs = 0

  constructor(world: MeshWorld) {
    this.#world = world
    this.#people = new People(world)
    this.#faults = new Faults(world, {
      restarted: (host) => this.#people.retry(host),
      resumed: (host) => this.#people.hurry(host),
    })
    this.#forgers = new Forgers(world)
    this.#dice = new Dice(world.swarm.seed * 7 + 1)
    new Children(world)
    if (world.swarm.programs > 0) new Programs(world)
    if (world.swarm.watchers > 0) new Watchers(world)
    if (world.swarm.invites > 0) new Joiners(world)
    if (world.swarm.outsider !== null) new Outsider(world, world.swarm.outsider)
  }

  /** @param enough asked again and again: true ends it early */
  async run(enough: () => boolean): Promise<void> {
    const { swarm } = this.#world
    if (!(await this.#phase('faults', swarm.faultsMs, () => this.#goWrong(), enough))) return
    if (swarm.healMs === 0) {
      this.#world.readBack()
      return
    }
    if (!(await this.#phase('heal', swarm.healMs, () => this.#mend(), enough))) return
    this.#world.report()
    this.#world.readBack()
    this.#world.replay()
    this.#world.write({ ev: 'phase', phase: 'end' }, null)
  }

  #goWrong(): void {
    const { swarm } = this.#world
    this.#faults.plan()
    this.#every(swarm.callMs, () => this.#people.call())
    this.#every(swarm.lawMs, () => this.#people.law())
    this.#every(FAULT_LOOK_MS, () => this.#faults.look())
    this.#every(IMAGE_EVERY_MS, () => this.#faults.image())
    this.#every(OPERATE_MS, () => this.#people.operate())
    this.#forge()
    if (swarm.climbers > 0) this.#climb()
    if (swarm.bindings > 0) this.#bind()
  }

  #mend(): void {
    const { clock, swarm } = this.#world
    this.#world.heal()
    if (swarm.hostile !== null || swarm.lateCrash > 0) new Aftermath(this.#world)
    clock.after(SIGN_MS, () => this.#world.signing.finish())
    clock.after(LIFT_MS, () => this.#people.lift())
    clock.after(PROBE_FROM_MS, () => this.#every(PROBE_MS, () => this.#people.probe()))
    this.#every(OPERATE_MS, () => this.#people.operate())
  }

  #forge(): void {
    const { seed, lawMs } = this.#world.swarm
    this.#often(new Dice(seed * 79 + 23), 2 * lawMs, () => this.#forgers.forge())
  }

  #climb(): void {
    const { seed, callMs } = this.#world.swarm
    const climbers = new Climbers(this.#world)
    this.#often(new Dice(seed * 83 + 29), CLIMB_EVERY * callMs, () => climbers.climb())
  }

  #bind(): void {
    const { seed, callMs } = this.#world.swarm
    const bindings = new Bindings(this.#world)
    this.#often(new Dice(seed * 97 + 37), CLIMB_EVERY * callMs, () => bindings.ask())
    this.#often(new Dice(seed * 101 + 41), CHANGE_EVERY_MS, () => this.#world.processes.change())
  }

  /** By dice of their own: what the others draw stays what it is. */
  #often(dice: Dice, meanMs: number, run: () => void): void {
    const { clock } = this.#world
    const endMs = this.#endMs
    const next = () =>
      clock.after(meanMs * (0.5 + dice.unit()), () => {
        if (clock.monotonicMs() >= endMs) return
        run()
        next()
      })
    next()
  }

  /** false: somebody has seen enough. */
  async #phase(
    phase: 'faults' | 'heal',
    ms: number,
    begin: () => void,
    enough: () => boolean,
  ): Promise<boolean> {
    const { clock } = this.#world
    this.#world.write({ ev: 'phase', phase }, null)
    this.#endMs = clock.monotonicMs() + ms
    begin()
    while (clock.monotonicMs() < this.#endMs) {
      await clock.advance(Math.min(SLICE_MS, this.#endMs - clock.monotonicMs()))
      if (enough()) return false
    }
    return true
  }

  /** Until the phase ends; drawn around the mean. */
  #every(meanMs: number, run: () => void): void {
    const { clock } = this.#world
    const endMs = this.#endMs
    const next = () =>
      clock.after(meanMs * (0.5 + this.#dice.unit()), () => {
        if (clock.monotonicMs() >= endMs) return
        run()
        next()
      })
    next()
  }
}
