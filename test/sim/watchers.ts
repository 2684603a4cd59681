/**
 * People who want to know how far a revocation has come: `meshd revoke --wait`,
 * at whichever node they are, at once or some time later, and whatever goes
 * wrong meanwhile. What they are shown is in the history (Q7).
 */
import { MeshError } from '../../src/core/problems.ts'
import type { SpreadOf, WaitFor } from '../../src/mesh/spread-view.ts'
import { Dice } from './clock.ts'
import type { Running } from './host.ts'
import { speaking } from './mesh-ports.ts'
import type { MeshWorld } from './mesh-world.ts'

/** Of revocations. */
const WATCHED = 0.5
const VIEWS = 2
const LATER_MS = 5_000
const WAIT_MS = 1_500
const WAITS: readonly WaitFor[] = ['none', 'committed', 'all']

export class Watchers {
  readonly #world: MeshWorld
  /** Of its own: what others draw stays what it is. */
  readonly #dice: Dice
  readonly #never = new AbortController().signal

  constructor(world: MeshWorld) {
    this.#world = world
    this.#dice = new Dice(world.swarm.seed * 109 + 53)
    world.history.onEvent((event) => {
      if (event.ev === 'made' && event.law.what.type === 'revocation') this.#made(event.law.number)
    })
  }

  #made(statement: number): void {
    if (this.#dice.unit() >= WATCHED) return
    for (let view = 0; view < VIEWS; view += 1)
      this.#world.clock.after(this.#dice.unit() ** 2 * LATER_MS, () => this.#ask(statement))
  }

  #ask(statement: number): void {
    const { hosts, laws } = this.#world
    const { life } = hosts[this.#dice.integer(hosts.length)] ?? { life: null }
    const wait = WAITS[this.#dice.integer(WAITS.length)] as WaitFor
    const ms = 100 + this.#dice.integer(WAIT_MS)
    if (life?.node == null || !life.gate.running) return
    life.node.spreadView.view(laws.made(statement).id, wait, ms, this.#never).then(
      (view) => this.#printed(life, statement, view),
      (error: unknown) => {
        // It has not come this far.
        if (error instanceof MeshError && error.code === 'NOT_FOUND') return
        life.write({ ev: 'problem', says: `a view of the spread ended with ${String(error)}` })
      },
    )
  }

  #printed(life: Running, statement: number, { holders, boundAtMs }: SpreadOf): void {
    const applied = holders.filter((holder) => holder.applied)
    life.write({
      ev: 'printed',
      statement,
      applied: applied.map(({ node }) => life.placeOf(node)).filter((place) => place >= 0),
      bound: boundAtMs,
      wall: life.machine.wallMs(),
      speaks: speaking(life.node),
    })
  }
}
