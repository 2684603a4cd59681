/**
 * What programs and people do with a mesh: requests, some of them again;
 * revocations of what is asked for at that very moment; freezes, policies, new
 * roots; and the part of the operator whose node was set back.
 */
import { defaultQuorum } from '../../src/core/lease-quorum.ts'
import type { Scope } from '../../src/core/statement/freeze.ts'
import type { Target } from '../../src/core/statement/revocation.ts'
import type { MeshNode } from '../../src/mesh/node.ts'
import { ana, cy, keyOf, type Made } from '../unit/statements.ts'
import { Calls } from './calls.ts'
import { Dice } from './clock.ts'
import type { Host } from './host.ts'
import type { Grant } from './laws.ts'
import type { MeshWorld } from './mesh-world.ts'

const ACTIONS = ['tool:read', 'tool:write', 'tool:deploy'] as const
const HOLDERS = ['planner', 'builder', 'tester', 'deployer', 'helper'] as const
/** Of which whole keys are revoked. */
const REVOCABLE = HOLDERS.slice(0, 2)
const GRANTS = 14
/** For so long a revoked artifact is asked for everywhere: longer than any bound. */
const HOT_MS = 8_000
/** Around the moment of a revocation. */
const AIM_MS = 60
/** A log comes back from a mirror within so long, or an operator retires it. */
const MIRROR_PATIENCE_MS = 12_000
/** What nobody freezes, denies or revokes. */
export const PROBE = { action: 'tool:list', holder: 'visitor' } as const

export class People {
  readonly #world: MeshWorld
  readonly #dice: Dice
  readonly #calls: Calls
  readonly #grants: Grant[]
  #hot: { readonly grant: Grant; readonly untilMs: number } | null = null
  /** Of each log that was set back, the word that it goes on as another. */
  readonly #epochs = new Map<string, Made>()
  /** Since when a node lacks what others remember of its log. */
  readonly #waiting = new WeakMap<MeshNode, number>()

  constructor(world: MeshWorld) {
    this.#world = world
    this.#dice = new Dice(world.swarm.seed * 17 + 3)
    this.#calls = new Calls(world, this.#dice)
    this.#grants = Array.from({ length: GRANTS }, () => this.#grant())
  }

  call(): void {
    const dice = this.#dice
    const past = dice.unit() < 0.15 ? this.#calls.again() : null
    if (past !== null) {
      this.#calls.send(past)
      return
    }
    const at = dice.integer(this.#grants.length)
    const grant = this.#warm() ?? (this.#grants[at] as Grant)
    const bound = this.#world.hosts.find(({ did }) => did === grant.node)
    const request = this.#calls.make(
      bound ?? this.#oneOf(this.#world.hosts),
      grant,
      this.#oneOf(ACTIONS),
    )
    this.#calls.send(request)
    if (dice.unit() < 0.2) this.#calls.send(request)
    // A single-use artifact is tried a few times, then there is another.
    if (dice.unit() < (grant.once ? 0.5 : 0.02)) this.#grants[at] = this.#grant()
  }

  /** What its programs asked before the crash, they ask again. */
  retry(host: Host): void {
    for (let i = 0; i < 6; i++)
      this.#world.clock.after(1_000 + this.#dice.unit() * 4_000, () => {
        const past = this.#calls.againAt(host.place)
        if (past !== null) this.#calls.send(past)
      })
  }

  /** What waited while the node was stopped comes at once. */
  hurry(host: Host): void {
    for (let i = 0; i < 3; i++)
      this.#world.clock.after(this.#dice.unit() * AIM_MS, () => {
        const grant = this.#world.laws.grant(this.#dice, PROBE.holder, false, null)
        this.#calls.send(this.#calls.make(host, grant, 'tool:read'))
      })
  }

  law(): void {
    const up = this.#world.hosts.filter(({ life }) => life?.node != null && life.gate.running)
    if (up.length === 0) return
    const host = this.#oneOf(up)
    const made = this.#make(host)
    if (made !== null) this.#submit(host, made)
  }

  /** A node that sealed its log is started again; a log that was set back, or has two histories, is retired. */
  operate(): void {
    this.#forgive()
    for (const host of this.#world.hosts) {
      const node = host.life?.node
      if (node?.log.sealed != null) {
        this.#world.crash(host, false)
        this.#world.boot(host)
        continue
      }
      const rollback = node?.boot.rollback
      if (node == null || rollback == null || this.#waitsForMirrors(node)) continue
      const epoch = this.#epoch(host.place, Math.max(rollback.epoch, node.log.epoch) + 1)
      const by = this.#world.hosts.find(({ life }) => life?.node != null && life.gate.running)
      if (by !== undefined) this.#submit(by, epoch)
    }
  }

  /** Who has mirrors gives them time to bring a log back, before it is retired. */
  #waitsForMirrors(node: MeshNode): boolean {
    const { swarm, clock } = this.#world
    const sinceMs = this.#waiting.get(node) ?? clock.monotonicMs()
    this.#waiting.set(node, sinceMs)
    return swarm.mirrors > 0 && clock.monotonicMs() - sinceMs < MIRROR_PATIENCE_MS
  }

  /** Nobody here lies: who signed two histories was set back and could not know. Root keys say so, and it keeps another log. */
  #forgive(): void {
    const { laws, hosts } = this.#world
    for (const host of hosts) {
      const statements = host.life?.node?.statements
      if (statements === undefined || statements.governance.distrusted.size === 0) continue
      // Perhaps nobody took it: what follows it would be followed by nothing.
      this.#submit(host, laws.root)
      if (statements.get(laws.root.id)?.state !== 'effective') continue
      for (const { evidence, lifted } of statements.governance.evidence.values()) {
        if (!lifted) this.#submit(host, laws.forgive(evidence.id))
        this.#submit(host, this.#epoch(this.#world.placeOf(evidence.node), evidence.epoch + 1))
        // One root at a time: the next look sees whether it was taken.
        if (!lifted) return
      }
    }
  }

  /** Whatever is frozen is free again, and whatever policy lost its signer has one. */
  lift(): void {
    const { laws, hosts } = this.#world
    const [by] = hosts
    if (by === undefined) return
    // Also where the last word was to lift it: nobody may have taken that.
    for (const { scope } of [...laws.freezes.values()]) this.#submit(by, laws.freeze(scope, false))
    // The last that was taken: what nobody took, or half signed and no more, is followed by nothing.
    const taken = [...(by.life?.node?.statements.all() ?? [])]
      .filter(({ state }) => state !== 'pending')
      .map(({ id }) => laws.numberOf(id))
    this.#submit(by, laws.publish('tool:none', ana, laws.newestPolicyOf(taken), 'the mending'))
  }

  /** A new artifact, for somebody whom nobody accused, asked of everybody. */
  probe(): void {
    for (const host of this.#world.hosts) {
      const grant = this.#world.laws.grant(this.#dice, PROBE.holder, false, null)
      this.#calls.send(this.#calls.make(host, grant, PROBE.action))
    }
  }

  #grant(): Grant {
    const { laws, hosts } = this.#world
    const once = this.#dice.unit() < 0.3
    const bound = once || this.#dice.unit() < 0.2
    return laws.grant(this.#dice, this.#oneOf(HOLDERS), once, bound ? this.#oneOf(hosts).did : null)
  }

  /** What was revoked lately, every other time. */
  #warm(): Grant | null {
    if (this.#hot === null || this.#hot.untilMs < this.#world.clock.monotonicMs()) return null
    return this.#dice.unit() < 0.5 ? this.#hot.grant : null
  }

  #make(host: Host): Made | null {
    const { laws, swarm } = this.#world
    const dice = this.#dice
    const knows = ({ id }: Made) => host.life?.node?.statements.get(id)?.state === 'effective'
    if (dice.unit() < swarm.rotations) return knows(laws.root) ? this.#rotate() : null
    const kind = dice.integer(10)
    if (kind < 6) return laws.revoke(this.#target())
    if (kind < 8) return laws.freeze(this.#scope())
    if (!knows(laws.policy)) return null
    const denied = dice.unit() < 0.5 ? this.#oneOf(ACTIONS) : 'tool:none'
    return laws.publish(denied, laws.dropped || dice.unit() < 0.5 ? ana : cy)
  }

  #target(): Target {
    const grant = this.#oneOf(this.#grants)
    if (this.#dice.unit() < 0.25)
      return { kind: 'principal', did: keyOf(this.#oneOf(REVOCABLE)).did }
    this.#aim(grant)
    return { kind: 'link', cid: this.#oneOf(grant.links).cid }
  }

  /** Asked for at the very moment of its revocation, and for a while everywhere. */
  #aim(grant: Grant): void {
    const { clock, hosts } = this.#world
    this.#hot = { grant, untilMs: clock.monotonicMs() + HOT_MS }
    for (const host of hosts) {
      if (grant.node !== null && grant.node !== host.did) continue
      for (let i = 0; i < 3; i++)
        clock.after(this.#dice.unit() * AIM_MS, () =>
          this.#calls.send(this.#calls.make(host, grant, 'tool:read')),
        )
    }
  }

  #scope(): Scope {
    const which = this.#dice.integer(6)
    if (which === 0) return { kind: 'mesh' }
    if (which < 3) return { kind: 'action', pattern: this.#oneOf(ACTIONS) }
    return { kind: 'principal', did: keyOf(this.#oneOf(HOLDERS)).did }
  }

  #rotate(): Made {
    const { laws, hosts, swarm } = this.#world
    const dice = this.#dice
    // The clocks of this world differ by so much.
    const { skewMs } = swarm.lease
    const size = Math.min(hosts.length, 2 + dice.integer(3))
    const places = hosts.map(({ place }) => place)
    while (places.length > size) places.splice(dice.integer(places.length), 1)
    const stalenessMs = (dice.unit() < 0.5 ? 5 : 7.5) * skewMs
    const terms = { ...defaultQuorum(size), stalenessMs, skewMs }
    return laws.rotate(places, terms, dice.unit() < 0.3)
  }

  #epoch(place: number, epoch: number): Made {
    const key = `${place}/${epoch}`
    const made = this.#epochs.get(key) ?? this.#world.laws.epoch(place, epoch)
    this.#epochs.set(key, made)
    return made
  }

  #submit(host: Host, made: Made): void {
    this.#world.signing.submit(host, made)
  }

  #oneOf<T>(list: readonly T[]): T {
    return list[this.#dice.integer(list.length)] as T
  }
}
