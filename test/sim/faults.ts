/**
 * What the world does to a mesh while it may: crashes, pauses, clocks that
 * step, ways that are cut, a disk that is set back. How often is drawn for
 * each seed, and when by its dice.
 */
import { Dice } from './clock.ts'
import { lie } from './lie.ts'
import { type Host, type Image, imageOf, type MeshWorld } from './mesh-world.ts'

/** Between two images of the disk that may be set back. */
export const IMAGE_EVERY_MS = 1_500

export interface FaultsTold {
  /** Its node crashed, and starts again. */
  restarted(host: Host): void
  /** Its process goes on after a pause. */
  resumed(host: Host): void
}

export class Faults {
  readonly #world: MeshWorld
  readonly #dice: Dice
  /** The one node whose disk may be set back: the others are the memory that it lost. */
  readonly #restorable: Host
  readonly #images: Image[] = []
  readonly #told: FaultsTold

  constructor(world: MeshWorld, told: FaultsTold) {
    this.#world = world
    this.#dice = new Dice(world.swarm.seed * 13 + 5)
    this.#restorable = this.#oneOf(world.hosts)
    this.#told = told
  }

  /** What is not left to the looks at the dice. */
  plan(): void {
    const { swarm, clock } = this.#world
    if (swarm.liar > 0) this.#planLie()
    if (swarm.restore === 0) return
    const times = this.#dice.unit() < 0.3 ? 2 : 1
    for (let i = 0; i < times; i++)
      clock.after(swarm.faultsMs * (0.3 + 0.55 * this.#dice.unit()), () => this.#setBack())
  }

  look(): void {
    const { hosts, hub, swarm } = this.#world
    const dice = this.#dice
    for (const host of hosts) {
      if (dice.unit() < swarm.crash) this.#crash(host, null)
      if (dice.unit() < swarm.pause) this.#pause(host)
      if (dice.unit() < swarm.step) this.#step(host)
      if (dice.unit() < swarm.storageError) this.#disk(host)
    }
    if (dice.unit() < swarm.partition) this.#partition()
    else if (dice.unit() < 0.04) this.#fault('heal', 'all ways are open', () => hub.heal())
    if (dice.unit() < swarm.gossipDeath) this.#killGossip()
  }

  image(): void {
    if (this.#world.swarm.restore > 0) this.#images.push(imageOf(this.#restorable.disk))
  }

  /** One whose disk stays what it is: of the other nobody could tell whether it lied. */
  #planLie(): void {
    const { swarm, clock, hosts } = this.#world
    const dice = new Dice(swarm.seed * 17 + 3)
    const others = hosts.filter((host) => host !== this.#restorable)
    const liar = others[dice.integer(others.length)]
    if (liar === undefined) return
    // Again and again: a node that was heard a moment ago is not heard now, and gossip is lost.
    for (let at = 0; at < 12; at++)
      clock.after(swarm.faultsMs * (0.2 + 0.4 * dice.unit()), () => lie(this.#world, liar))
  }

  /** Its disk becomes what it was some seconds ago. */
  #setBack(): void {
    const age = 1 + this.#dice.integer(5)
    const image = this.#images.at(-age) ?? this.#images[0]
    if (image !== undefined && this.#restorable.life !== null) this.#crash(this.#restorable, image)
  }

  #crash(host: Host, image: Image | null): void {
    if (host.life === null) return
    this.#world.crash(host, this.#dice.unit() < 0.5)
    if (image !== null) this.#world.restore(host, image)
    this.#world.clock.after(100 + this.#dice.unit() * 2_500, () => {
      if (host.life !== null) return
      this.#world.boot(host)
      this.#told.restarted(host)
    })
  }

  /** Mostly short ones: a lease may outlive them, and must not. */
  #pause(host: Host): void {
    const ms = 300 + this.#dice.unit() ** 2 * 9_000
    this.#world.pause(host, ms, this.#dice.unit() < 0.5)
    this.#world.clock.after(ms, () => this.#told.resumed(host))
  }

  #step(host: Host): void {
    const { lease } = this.#world.swarm
    const small = this.#dice.unit() < 0.4
    const ms = (this.#dice.unit() * 2 - 1) * (small ? 3 * lease.skewMs : 100_000)
    this.#fault('step', `n${host.place} by ${ms.toFixed(0)} ms`, () => {
      host.machine.offsetMs += ms
    })
    this.#world.clock.after(2_000 + this.#dice.unit() * 8_000, () => {
      if (!this.#world.quiet) host.machine.offsetMs -= ms
    })
  }

  /** Too full for records for a while, or not to be opened after the next error. */
  #disk(host: Host): void {
    const { disk } = host
    if (this.#dice.unit() < 0.5) {
      disk.refusedOpens = 1 + this.#dice.integer(3)
      return
    }
    this.#fault('low disk', `n${host.place}`, () => {
      disk.low = 'the disk is nearly full'
    })
    this.#world.clock.after(500 + this.#dice.unit() * 4_000, () => {
      disk.low = null
    })
  }

  #partition(): void {
    const { hub, hosts } = this.#world
    const dice = this.#dice
    const alone = dice.unit() < 0.4 ? dice.integer(hosts.length) : null
    const side = hosts.map(({ place }) => (alone === null ? dice.unit() < 0.5 : place === alone))
    const oneWay = dice.unit() < 0.25
    const sideOf = new Map(hosts.map(({ did, place }) => [did, side[place] === true]))
    const names = hosts.filter(({ place }) => side[place]).map(({ place }) => `n${place}`)
    this.#fault('partition', `${names.join(' ')}${oneWay ? ' one way' : ''}`, () =>
      hub.partition((from, to) => {
        const [a, b] = [sideOf.get(from) === true, sideOf.get(to) === true]
        return a !== b && (!oneWay || a)
      }),
    )
  }

  #killGossip(): void {
    const [a, b] = [this.#oneOf(this.#world.hosts), this.#oneOf(this.#world.hosts)]
    if (a !== b)
      this.#fault('no gossip', `n${a.place} n${b.place}`, () =>
        this.#world.hub.killGossip(a.did, b.did),
      )
  }

  #fault(kind: string, says: string, run: () => void): void {
    this.#world.write({ ev: 'fault', kind, says }, null)
    run()
  }

  #oneOf<T>(list: readonly T[]): T {
    return list[this.#dice.integer(list.length)] as T
  }
}
