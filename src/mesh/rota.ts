/**
 * Which neighbour to ask next: each in its turn, in an order that was drawn.
 *
 * INVARIANT: who is a neighbour all the while is asked within as many turns as there are
 * neighbours, whatever the others do. Newcomers, and so who comes back, go to the end of
 * the line: nobody gets before an honest neighbour by leaving and coming again.
 */
import type { Did } from '../core/keys.ts'
import type { Network, Random } from './ports.ts'

export class Rota {
  readonly #network: Pick<Network, 'peers'>
  readonly #random: Pick<Random, 'integer'>
  /** Those that were neighbours at the last turn, the one whose turn is next at the front. */
  #line: readonly Did[] = []

  constructor(network: Pick<Network, 'peers'>, random: Pick<Random, 'integer'>) {
    this.#network = network
    this.#random = random
  }

  /** null where there is no neighbour. */
  next(): Did | null {
    const here = new Set(this.#network.peers().map(({ peer }) => peer))
    const stayed = new Set(this.#line.filter((peer) => here.has(peer)))
    const came = this.#shuffled([...here].filter((peer) => !stayed.has(peer)))
    const [chosen, ...rest] = [...stayed, ...came]
    this.#line = chosen === undefined ? [] : [...rest, chosen]
    return chosen ?? null
  }

  /** In an order of its own on each node: not everybody asks the same neighbour first. */
  #shuffled(peers: readonly Did[]): readonly Did[] {
    const drawn = [...peers]
    for (let left = drawn.length; left > 1; left--) {
      const at = this.#random.integer(left)
      drawn.push(...drawn.splice(at, 1))
    }
    return drawn
  }
}
