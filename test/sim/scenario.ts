/**
 * What people and programs do to a mesh, and what the world does: two phases.
 * In the first everything that the seed allows goes wrong; then all of it is
 * mended, and the mesh must come back by itself, but for what only an operator
 * may do: a log that was set back goes on as another.
 */

import { defaultQuorum } from '../../src/core/lease-quorum.ts'
import type { Target } from '../../src/core/statement/revocation.ts'
import type { Made } from '../unit/statements.ts'
import { keyOf } from '../unit/statements.ts'
import { ACTIONS, Calls, HOLDERS } from './calls.ts'
import { Dice } from './clock.ts'
import { CY, type Grant } from './laws.ts'
import { type Host, type Image, imageOf, type MeshWorld } from './mesh-world.ts'
import { FAULT_LOOK_MS, type Swarm } from './swarm.ts'

const IMAGE_EVERY_MS = 4_000
const PROBE_MS = 1_000

export class Scenario {
  readonly #world: MeshWorld
  readonly #swarm: Swarm
  readonly #dice: Dice
  readonly #calls: Calls
  readonly #grants: Grant[] = []
  readonly #images: Image[] = []
  readonly #restorable: number
  #endMs = 0

  constructor(world: MeshWorld) {
    this.#world = world
    this.#swarm = world.swarm
    this.#dice = new Dice(world.swarm.seed * 13 + 5)
    this.#calls = new Calls(world, new Dice(world.swarm.seed * 17 + 3))
    this.#restorable = this.#dice.integer(world.swarm.nodes)
    for (let i = 0; i < 14; i++) this.#grants.push(this.#grant())
  }

  async run(): Promise<void> {
    const { clock } = this.#world
    const { faultsMs, healMs } = this.#swarm
    this.#world.write({ ev: 'phase', phase: 'faults' }, null)
    this.#endMs = faultsMs
    this.#every(
      () => this.#swarm.callMs,
      () => this.#call(),
    )
    this.#every(
      () => this.#swarm.lawMs,
      () => this.#law(),
    )
    this.#every(
      () => FAULT_LOOK_MS,
      () => this.#faults(),
    )
    this.#every(
      () => IMAGE_EVERY_MS,
      () => this.#image(),
    )
    this.#every(
      () => PROBE_MS,
      () => this.#operate(),
    )
    await clock.advance(faultsMs)
    this.#world.write({ ev: 'phase', phase: 'heal' }, null)
    this.#world.heal()
    this.#lift()
    this.#endMs = faultsMs + healMs
    this.#every(
      () => PROBE_MS,
      () => this.#probe(),
    )
    this.#every(
      () => PROBE_MS,
      () => this.#operate(),
    )
    await clock.advance(healMs)
    this.#world.report()
    this.#world.write({ ev: 'phase', phase: 'end' }, null)
  }

  /** Until the phase ends; the mean is drawn around. */
  #every(meanMs: () => number, run: () => void): void {
    const endMs = this.#endMs
    const { clock } = this.#world
    const next = () =>
      clock.after(meanMs() * (0.5 + this.#dice.unit()), () => {
        if (clock.monotonicMs() >= endMs) return
        run()
        next()
      })
    next()
  }

  #grant(): Grant {
    const { dice, laws, hosts } = { ...this.#world, dice: this.#dice }
    const once = dice.unit() < 0.3
    const host = hosts[dice.integer(hosts.length)] as Host
    const bound = once || dice.unit() < 0.2
    const holder = HOLDERS[dice.integer(HOLDERS.length)] as string
    return laws.grant(dice, holder, once, bound ? host.did : null)
  }

  #call(): void {
    const dice = this.#dice
    const past = dice.unit() < 0.15 ? this.#calls.again() : null
    if (past !== null) {
      this.#calls.send(past)
      return
    }
    const at = dice.integer(this.#grants.length)
    const grant = this.#grants[at] as Grant
    const bound = this.#world.hosts.find(({ did }) => did === grant.node)
    const host = bound ?? (this.#world.hosts[dice.integer(this.#world.hosts.length)] as Host)
    const request = this.#calls.make(host, grant, this.#oneOf(ACTIONS))
    this.#calls.send(request)
    if (dice.unit() < 0.2) this.#calls.send(request)
    // A single-use artifact is tried a few times, then there is another.
    if (dice.unit() < (grant.once ? 0.5 : 0.02)) this.#grants[at] = this.#grant()
  }

  #law(): void {
    const dice = this.#dice
    const up = this.#world.hosts.filter(({ life }) => life?.node != null && life.gate.running)
    const host = up[dice.integer(Math.max(1, up.length))]
    if (host === undefined) return
    const made = this.#make(host)
    if (made !== null) this.#submit(host, made)
  }

  #make(host: Host): Made | null {
    const { laws } = this.#world
    const dice = this.#dice
    const knows = ({ id }: Made) => host.life?.node?.statements.get(id)?.state === 'effective'
    if (dice.unit() < this.#swarm.rotations) return knows(laws.root) ? this.#rotate() : null
    const kind = dice.integer(10)
    if (kind < 6) return laws.revoke(this.#target())
    if (kind < 8) return laws.freeze(this.#scope())
    if (!knows(laws.policy)) return null
    return laws.publish(dice.unit() < 0.5 ? this.#oneOf(ACTIONS) : 'tool:none')
  }

  #target(): Target {
    const dice = this.#dice
    const grant = this.#oneOf(this.#grants)
    const link = this.#oneOf(grant.links)
    if (dice.unit() < 0.75) return { kind: 'link', cid: link.cid }
    return { kind: 'principal', did: keyOf(this.#oneOf(HOLDERS.slice(0, 2))).did }
  }

  #scope() {
    const dice = this.#dice
    const which = dice.integer(4)
    if (which === 0) return { kind: 'mesh' } as const
    if (which === 1) return { kind: 'action', pattern: this.#oneOf(ACTIONS) } as const
    return { kind: 'principal', did: keyOf(this.#oneOf(HOLDERS)).did } as const
  }

  #rotate(): Made {
    const { laws, hosts } = this.#world
    const dice = this.#dice
    const size = Math.max(1, Math.min(hosts.length, 2 + dice.integer(3)))
    const places = hosts.map(({ place }) => place)
    while (places.length > size) places.splice(dice.integer(places.length), 1)
    const stalenessMs = dice.unit() < 0.5 ? 2_000 : 3_000
    return laws.rotate(places, { ...defaultQuorum(size), stalenessMs, skewMs: 400 }, false)
  }

  #submit(host: Host, made: Made): void {
    // Whether it was taken is seen in the history: the disk may refuse it, the process may be gone.
    host.life?.node?.statements.submit(made.bytes).catch(() => {})
  }

  #faults(): void {
    const { crash, pause, step, partition, restore, lease } = this.#swarm
    const dice = this.#dice
    for (const host of this.#world.hosts) {
      if (dice.unit() < crash)
        this.#crash(host, host.place === this.#restorable && dice.unit() < restore)
      if (dice.unit() < pause) this.#world.pause(host, 500 + dice.unit() * 9_000, dice.unit() < 0.5)
      if (dice.unit() < step) this.#step(host, lease.skewMs)
    }
    if (dice.unit() < partition) this.#partition()
    else if (dice.unit() < 0.04)
      this.#fault('heal', 'all ways are open', () => this.#world.hub.heal())
  }

  #crash(host: Host, set: boolean): void {
    if (host.life === null) return
    const lands = this.#dice.unit() < 0.5
    this.#world.crash(host, lands)
    const image = set ? this.#images[this.#dice.integer(this.#images.length)] : undefined
    if (image !== undefined) this.#world.restore(host, image)
    this.#world.clock.after(200 + this.#dice.unit() * 3_000, () => {
      if (host.life === null) this.#world.boot(host)
    })
  }

  #step(host: Host, skewMs: number): void {
    const small = this.#dice.unit() < 0.4
    const ms = (this.#dice.unit() * 2 - 1) * (small ? 3 * skewMs : 100_000)
    this.#fault('step', `n${host.place} by ${ms.toFixed(0)} ms`, () => {
      host.machine.offsetMs += ms
    })
    this.#world.clock.after(2_000 + this.#dice.unit() * 8_000, () => {
      if (!this.#world.quiet) host.machine.offsetMs -= ms
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

  #fault(kind: string, says: string, run: () => void): void {
    this.#world.write({ ev: 'fault', kind, says }, null)
    run()
  }

  #image(): void {
    this.#images.push(imageOf((this.#world.hosts[this.#restorable] as Host).disk))
  }

  /** The operator's part: a log that was set back is retired. */
  #operate(): void {
    for (const host of this.#world.hosts) {
      const node = host.life?.node
      const rollback = node?.boot.rollback
      if (node == null || rollback == null) continue
      const epoch = Math.max(rollback.epoch, node.log.epoch) + 1
      const by = this.#world.hosts.find(({ life }) => life?.node != null && life.gate.running)
      if (by === undefined) return
      this.#submit(by, this.#epoch(host.place, epoch))
    }
  }

  readonly #epochs = new Map<string, Made>()

  #epoch(place: number, epoch: number): Made {
    const key = `${place}/${epoch}`
    const made = this.#epochs.get(key) ?? this.#world.laws.epoch(place, epoch)
    this.#epochs.set(key, made)
    return made
  }

  /** Whatever was frozen or denied is allowed again. */
  #lift(): void {
    const { laws, clock } = this.#world
    clock.after(6_000, () => {
      const by = this.#world.hosts[0] as Host
      for (const { scope, frozen } of [...laws.freezes.values()])
        if (frozen) this.#submit(by, laws.freeze(scope))
    })
  }

  /** A new artifact, for somebody whom nobody accused, asked of everybody. */
  #probe(): void {
    const { hosts, laws } = this.#world
    for (const host of hosts) {
      const grant = laws.grant(this.#dice, 'visitor', false, null)
      this.#calls.send(this.#calls.make(host, grant, 'tool:list'))
    }
  }

  #oneOf<T>(list: readonly T[]): T {
    return list[this.#dice.integer(list.length)] as T
  }
}

export const SIGNERS = { cy: CY }
