/**
 * Artifacts that are good for one caller alone: for a user, what it runs, the
 * unit it stands in. Whoever asks by one may be somebody else, or not any more
 * who it was, or somebody of whom that cannot be told (S14).
 */
import { objectOf } from '../../src/core/ipld.ts'
import type { Json } from '../../src/core/json.ts'
import { ana, keyOf } from '../unit/statements.ts'
import { asks, Chains, linkOf } from './chains.ts'
import { Dice } from './clock.ts'
import type { Host } from './host.ts'
import type { MeshWorld } from './mesh-world.ts'
import { EXES, type Process, UIDS, UNITS } from './processes.ts'

/** Far from the numbers of other requests. */
const FIRST_REQUEST = 3_000_000
/** Of links, how many say who may ask, and of those how many name the one who asks. */
const [BOUND, OWN_UID] = [0.7, 0.7]

export class Bindings {
  readonly #world: MeshWorld
  /** Of its own: what others draw stays what it is. */
  readonly #dice: Dice
  readonly #chains: Chains

  constructor(world: MeshWorld) {
    this.#world = world
    this.#dice = new Dice(world.swarm.seed * 107 + 47)
    this.#chains = new Chains(world, this.#dice, FIRST_REQUEST)
    for (const process of world.processes.all) world.processes.change(process)
  }

  ask(): void {
    const { hosts, processes } = this.#world
    const host: Host = this.#oneOf(hosts)
    const process = this.#oneOf(processes.all)
    const [team, visitor] = [keyOf('team'), keyOf('visitor')]
    const steps = [
      linkOf(ana, team, this.#demands(process)),
      linkOf(team, visitor, this.#demands(process)),
    ]
    const plan = { steps, closer: visitor, aud: host.did, sub: ana.did }
    const asked = asks('tool:read', objectOf([]))
    this.#chains.send(host, { ...plan, ...asked, prf: (links) => links }, null, process)
  }

  #demands({ caller }: Process): readonly Json[] {
    if (this.#dice.unit() >= BOUND) return []
    const own = this.#dice.unit() < OWN_UID
    const kinds: readonly Json[] = [
      ['==', '.meshd.runtime.uid', own ? caller.uid : this.#oneOf(UIDS)],
      ['==', '.meshd.runtime.exe', this.#oneOf(EXES)],
      ['!=', '.meshd.runtime.exe', this.#oneOf(EXES)],
      ['==', '.meshd.runtime.unit', this.#oneOf(UNITS)],
      ['like', '.meshd.runtime.unit', '*.service'],
    ]
    return [this.#oneOf(kinds)]
  }

  #oneOf<T>(list: readonly T[]): T {
    return list[this.#dice.integer(list.length)] as T
  }
}
