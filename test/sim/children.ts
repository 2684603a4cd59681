/**
 * What programs start because they were allowed: requests that name an
 * execution as their cause, at any node, mostly by who ran it and now and then
 * by somebody else. Some of those executions are revoked at about that time.
 */
import type { RecordId } from '../../src/core/id.ts'
import { Calls } from './calls.ts'
import { Dice } from './clock.ts'
import type { Event } from './history.ts'
import type { Host } from './host.ts'
import type { Grant } from './laws.ts'
import type { MeshWorld } from './mesh-world.ts'

/** Of allows, how many have children. */
const PARENTS = 0.4
/** Of denials: a program may try. */
const DENIED_PARENTS = 0.05
const CHILDREN_MAX = 3
/** Until a child starts: some before any witness has seen the parent. */
const BIRTH_MS = 4_000
const STRANGERS = 0.2
const REVOKED = 0.35
/** Far from the numbers of other requests. */
const FIRST_REQUEST = 1_000_000

export class Children {
  readonly #world: MeshWorld
  /** Of its own: what other requests draw stays what it is. */
  readonly #dice: Dice
  readonly #calls: Calls
  /** Of each request that was made here. */
  readonly #causes = new Map<number, RecordId>()

  constructor(world: MeshWorld) {
    this.#world = world
    this.#dice = new Dice(world.swarm.seed * 53 + 11)
    this.#calls = new Calls(world, this.#dice, FIRST_REQUEST)
    world.history.onEvent((event) => this.#see(event))
  }

  #see(event: Event): void {
    if (event.ev !== 'answer' || event.record === null) return
    const grant = this.#world.grants.get(event.req)
    const some = event.effect === 'allow' ? PARENTS : DENIED_PARENTS
    if (grant === undefined || this.#world.quiet || this.#dice.unit() >= some) return
    const { id } = event.record
    const count = 1 + this.#dice.integer(CHILDREN_MAX)
    for (let i = 0; i < count; i += 1)
      this.#world.clock.after(this.#dice.unit() * BIRTH_MS, () => this.#bear(id, grant))
    // Mostly its own cause, where it has one: then those that are born now are two below it.
    const above = this.#causes.get(event.req)
    const target = above !== undefined && this.#dice.unit() < 0.7 ? above : id
    if (this.#dice.unit() < REVOKED)
      this.#world.clock.after(this.#dice.unit() * BIRTH_MS, () => this.#revoke(target))
  }

  #bear(cause: RecordId, of: Grant): void {
    const { grants } = this.#world
    const strange = this.#dice.unit() < STRANGERS
    const all = [...grants.values()]
    const grant = strange ? (all[this.#dice.integer(all.length)] ?? of) : of
    const request = this.#calls.make(this.#anyHost(grant), grant, 'tool:read', cause)
    this.#causes.set(request.asked.req, cause)
    this.#calls.send(request)
  }

  #revoke(record: RecordId): void {
    const made = this.#world.laws.revoke({ kind: 'execution', record })
    const host = this.#world.hosts[this.#dice.integer(this.#world.hosts.length)]
    if (host !== undefined) this.#world.signing.submit(host, made)
  }

  #anyHost({ node }: Grant): Host {
    const { hosts } = this.#world
    const bound = hosts.find(({ did }) => did === node)
    return bound ?? (hosts[this.#dice.integer(hosts.length)] as Host)
  }
}
