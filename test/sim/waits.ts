/** Who revokes something and waits to see it spread, as `meshd revoke --wait` does (Q7). */
import type { WaitFor } from '../../src/mesh/spread-view.ts'
import { BEGINNING_MS, Dice } from './clock.ts'
import type { Host } from './host.ts'
import type { MeshWorld } from './mesh-world.ts'

/** Of statements that were accepted somewhere. */
const WATCHED = 0.8
const FOR: readonly WaitFor[] = ['committed', 'committed', 'all', 'none']
const WAIT_MS = 6_000
/** Of a clock that only drifts. */
const STEADY_MS = 20

export class Waits {
  readonly #world: MeshWorld
  /** Of its own: what others draw stays what it is. */
  readonly #dice: Dice
  readonly #seen = new Set<number>()

  constructor(world: MeshWorld) {
    this.#world = world
    this.#dice = new Dice(world.swarm.seed * 89 + 31)
    world.history.onEvent((event) => {
      if (event.ev !== 'accept' || event.node === null || this.#seen.has(event.statement)) return
      this.#seen.add(event.statement)
      const host = world.hosts[event.node] as Host
      if (this.#dice.unit() >= WATCHED) return
      this.#wait(host, event.statement).catch((error: unknown) => {
        host.life?.write({ ev: 'problem', says: `a wait ended with ${String(error)}` })
      })
    })
  }

  async #wait(host: Host, number: number): Promise<void> {
    const { laws, clock } = this.#world
    const { life, machine } = host
    const wait = FOR[this.#dice.integer(FOR.length)] as WaitFor
    const ms = this.#dice.unit() * WAIT_MS
    const offsetMs = () => machine.wallMs() - BEGINNING_MS - clock.monotonicMs()
    const beganMs = offsetMs()
    // One that was made by the nodes has no number here; a life that ends answers nobody.
    if (life?.node == null || number < 0) return
    const signal = new AbortController().signal
    const seen = await life.node.spreadView.view(laws.made(number).id, wait, ms, signal)
    const { holders, committedAtMs, boundAtMs } = seen
    life.write({
      ev: 'spread',
      statement: number,
      applied: holders.filter(({ applied }) => applied).map(({ node }) => life.placeOf(node)),
      committed: committedAtMs !== null,
      bound: boundAtMs === null ? null : boundAtMs - BEGINNING_MS - offsetMs(),
      steady: Math.abs(offsetMs() - beganMs) <= STEADY_MS,
    })
  }
}
