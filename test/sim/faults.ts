/**
 * What the world does to a mesh while it may: crashes, pauses, clocks that
 * step, ways that are cut, a disk that is set back. How often is drawn for
 * each seed, and when by its dice.
 */
import { Dice } from './clock.ts'
import { flip } from './damage.ts'
import { flood } from './flood.ts'
import type { Host } from './host.ts'
import { lie } from './lie.ts'
import { type Image, imageOf, type MeshWorld } from './mesh-world.ts'
import { faultDice } from './swarm.ts'

/** Between two images of the disk that may be set back. */
export const IMAGE_EVERY_MS = 1_500

/** Witnesses that are five minutes wrong (row 41). */
const STEP_MS_MAX = 300_000
const DRIFT_MAX = 0.1

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
  /** Of the kinds that came later: what the others draw stays what it is. */
  readonly #more: Dice
  #number = 0

  constructor(world: MeshWorld, told: FaultsTold) {
    this.#world = world
    this.#dice = faultDice(world.swarm.seed)
    this.#restorable = this.#oneOf(world.hosts)
    this.#told = told
    this.#more = new Dice(world.swarm.seed * 41 + 29)
  }

  /** What is not left to the looks at the dice. */
  plan(): void {
    const { swarm, clock } = this.#world
    if (swarm.liar > 0) this.#planLie()
    for (let censors = 0; censors < swarm.censor; censors += 1) this.#planCensor()
    if (swarm.flood > 0) this.#planFlood()
    for (let flips = 0; flips < swarm.flips; flips += 1) this.#planFlip(flips)
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
    this.#lookFurther()
  }

  #lookFurther(): void {
    const { hosts, swarm } = this.#world
    const dice = this.#more
    for (const host of hosts) {
      if (dice.unit() < swarm.drift) this.#drift(host)
      if (dice.unit() < swarm.fullDisk) this.#fill(host)
      if (dice.unit() < swarm.slow) this.#slow(host)
    }
    if (dice.unit() < swarm.flap) this.#flap()
    if (dice.unit() < swarm.bridge) this.#bridge()
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
      clock.after(swarm.faultsMs * (0.2 + 0.4 * dice.unit()), () =>
        this.#fault('lie', `n${liar.place}`, () => lie(this.#world, liar)),
      )
  }

  /** Its disk becomes what it was some seconds ago. */
  #setBack(): void {
    const age = 1 + this.#dice.integer(5)
    const image = this.#images.at(-age) ?? this.#images[0]
    if (image === undefined || this.#restorable.life === null) return
    this.#crash(this.#restorable, image)
  }

  /** It takes part in everything, and keeps from the others what it is told. */
  #planCensor(): void {
    const { swarm, clock } = this.#world
    const host = this.#one(this.#more)
    clock.after(swarm.faultsMs * 0.5 * this.#more.unit(), () =>
      this.#fault('censor', `n${host.place}`, () => {
        host.censors = true
        if (host.life !== null) host.life.network.censors = true
      }),
    )
  }

  /** By dice of its own: what the others draw stays what it is. */
  #planFlip(number: number): void {
    const { swarm, clock, hosts } = this.#world
    const dice = new Dice(swarm.seed * 97 + 11 + number)
    const host = hosts[dice.integer(hosts.length)] as Host
    clock.after(swarm.faultsMs * (0.2 + 0.6 * dice.unit()), () =>
      this.#fault('flip', `n${host.place}`, () => flip(this.#world, host, dice)),
    )
  }

  #planFlood(): void {
    const { swarm, clock } = this.#world
    const host = this.#one(this.#more)
    const ms = 2_000 + this.#more.integer(8_000)
    const dice = new Dice(swarm.seed * 43 + 1)
    clock.after(swarm.faultsMs * 0.5 * this.#more.unit(), () =>
      this.#fault('flood', `n${host.place} for ${ms} ms`, () => {
        const endMs = clock.monotonicMs() + ms
        flood(this.#world, host, dice, () => this.#world.quiet || clock.monotonicMs() >= endMs)
      }),
    )
  }

  #crash(host: Host, image: Image | null): void {
    if (host.life === null) return
    const lands = this.#dice.unit() < 0.5
    const downMs = 100 + this.#dice.unit() * 2_500
    const kind = image === null ? 'crash' : 'set back'
    this.#fault(kind, `n${host.place} for ${downMs.toFixed(0)} ms`, () => {
      this.#world.crash(host, lands)
      if (image !== null) this.#world.restore(host, image)
      this.#world.clock.after(downMs, () => {
        if (host.life !== null) return
        this.#world.boot(host)
        this.#told.restarted(host)
      })
    })
  }

  /** Mostly short ones: a lease may outlive them, and must not. */
  #pause(host: Host): void {
    const ms = 300 + this.#dice.unit() ** 2 * 9_000
    const suspended = this.#dice.unit() < 0.5
    this.#fault(suspended ? 'suspend' : 'pause', `n${host.place} for ${ms.toFixed(0)} ms`, () => {
      this.#world.pause(host, ms, suspended)
      this.#world.clock.after(ms, () => this.#told.resumed(host))
    })
  }

  #step(host: Host): void {
    const { lease } = this.#world.swarm
    const small = this.#dice.unit() < 0.4
    const ms = (this.#dice.unit() * 2 - 1) * (small ? 3 * lease.skewMs : STEP_MS_MAX)
    const backMs = 2_000 + this.#dice.unit() * 8_000
    this.#fault('step', `n${host.place} by ${ms.toFixed(0)} ms`, () => {
      host.machine.offsetMs += ms
      this.#world.clock.after(backMs, () => {
        if (!this.#world.quiet) host.machine.offsetMs -= ms
      })
    })
  }

  /** Too full for records for a while, or not to be opened after the next error. */
  #disk(host: Host): void {
    const { disk } = host
    if (this.#dice.unit() < 0.5) {
      const opens = 1 + this.#dice.integer(3)
      this.#fault('no open', `n${host.place} ${opens} times`, () => {
        disk.refusedOpens = opens
      })
      return
    }
    const lowMs = 500 + this.#dice.unit() * 4_000
    this.#fault('low disk', `n${host.place} for ${lowMs.toFixed(0)} ms`, () => {
      disk.low = 'the disk is nearly full'
      this.#world.clock.after(lowMs, () => {
        disk.low = null
      })
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
    this.#fault(oneWay ? 'one-way' : 'partition', names.join(' '), () =>
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

  /** Its wall clock gains or loses, a tenth at most; then it is where it got. */
  #drift({ machine, place }: Host): void {
    const share = (this.#more.unit() * 2 - 1) * DRIFT_MAX
    const ms = 2_000 + this.#more.integer(8_000)
    this.#fault('drift', `n${place} by ${(share * 100).toFixed(1)} % for ${ms} ms`, () => {
      machine.drift(share)
      this.#world.clock.after(ms, () => machine.drift(0))
    })
  }

  #fill({ disk, place }: Host): void {
    const ms = 300 + this.#more.integer(4_000)
    this.#fault('full disk', `n${place} for ${ms} ms`, () => {
      disk.full = true
      this.#world.clock.after(ms, () => {
        disk.full = false
      })
    })
  }

  /** Longer than a question waits for its answer, now and then. */
  #slow({ did, place }: Host): void {
    const slowMs = 100 + Math.floor(this.#more.unit() ** 2 * 3_500)
    const ms = 1_000 + this.#more.integer(6_000)
    this.#fault('slow', `n${place} by ${slowMs} ms for ${ms} ms`, () => {
      this.#world.hub.slow(did, slowMs)
      this.#world.clock.after(ms, () => this.#world.hub.slow(did, 0))
    })
  }

  #flap(): void {
    const { hub, clock } = this.#world
    const [a, b] = [this.#one(this.#more), this.#one(this.#more)]
    const [everyMs, times] = [300 + this.#more.integer(1_500), 2 + this.#more.integer(6)]
    if (a === b) return
    this.#fault('flap', `n${a.place} n${b.place} every ${everyMs} ms`, () => {
      for (let at = 0; at < 2 * times; at += 1)
        clock.after(at * everyMs, () => hub.cut(a.did, b.did, at % 2 === 0 && !this.#world.quiet))
    })
  }

  #bridge(): void {
    const { hub, hosts } = this.#world
    const bridge = this.#one(this.#more)
    const side = new Map(hosts.map(({ did }) => [did, this.#more.unit() < 0.5]))
    this.#fault('bridge', `n${bridge.place}`, () =>
      hub.partition(
        (from, to) => from !== bridge.did && to !== bridge.did && side.get(from) !== side.get(to),
      ),
    )
  }

  #fault(kind: string, says: string, run: () => void): void {
    const number = this.#number
    this.#number += 1
    const { less } = this.#world
    if (less.kinds.includes(kind) || less.faults.includes(number)) return
    this.#world.write({ ev: 'fault', kind, number, says }, null)
    run()
  }

  #one(dice: Dice): Host {
    const { hosts } = this.#world
    return hosts[dice.integer(hosts.length)] as Host
  }

  #oneOf<T>(list: readonly T[]): T {
    return list[this.#dice.integer(list.length)] as T
  }
}
