/**
 * What peers know of other nodes' logs, asked now and then: two honest nodes
 * that were told different histories have the evidence between them, though
 * the node that told them shows itself to nobody any more (L5).
 *
 * Nobody need be believed: a head is its log key's word.
 */
import type { Did } from '../core/keys.ts'
import { HEADS_ASKED_MAX, HEADS_LOOK_MS } from '../core/limits.ts'
import { MeshError } from '../core/problems.ts'
import type { Checkpoints } from './checkpoints.ts'
import type { LogAnswer, LogRequest } from './log-frames.ts'
import type { Clock, Network, Random } from './ports.ts'
import { Rota } from './rota.ts'
import { othersInGoodStanding } from './standing.ts'
import type { Statements } from './statements.ts'

export interface HeadExchangePorts {
  readonly network: Pick<Network, 'self' | 'peers'>
  readonly clock: Clock
  readonly random: Random
  readonly statements: Pick<Statements, 'governance'>
  readonly checkpoints: Pick<Checkpoints, 'offer'>
  /** @throws MeshError when the peer does not answer */
  ask(peer: Did, request: LogRequest, signal: AbortSignal): Promise<LogAnswer>
}

export class HeadExchange {
  readonly #ports: HeadExchangePorts
  /** Where the next question begins among all nodes. */
  #from = 0

  constructor(ports: HeadExchangePorts) {
    this.#ports = ports
  }

  /** Asks one peer after the other until the signal aborts. */
  async run(signal: AbortSignal): Promise<void> {
    const { network, random, clock } = this.#ports
    const rota = new Rota(network, random)
    while (!signal.aborted) {
      const peer = rota.next()
      if (peer !== null) await this.#ask(peer, signal)
      await clock.sleep(HEADS_LOOK_MS, signal)
    }
  }

  async #ask(peer: Did, signal: AbortSignal): Promise<void> {
    const { ask, checkpoints } = this.#ports
    const nodes = this.#next(peer)
    if (nodes.length === 0) return
    try {
      const answer = await ask(peer, { ask: 'heads', nodes }, signal)
      if (answer.say !== 'heads') return
      const heads = answer.notes.slice(0, nodes.length)
      await Promise.all(heads.map((note, at) => checkpoints.offer(nodes[at] as Did, note)))
    } catch (error) {
      // Who does not answer is asked another time; what the disk does not take is shown again.
      if (!(error instanceof MeshError)) throw error
    }
  }

  /** Some nodes, the peer not among them: of its own log it speaks by itself. */
  #next(peer: Did): readonly Did[] {
    const { statements, network, clock } = this.#ports
    const nodes = othersInGoodStanding(statements.governance, network.self, clock.wallMs())
    const others = nodes.filter((node) => node !== peer)
    const from = this.#from < others.length ? this.#from : 0
    this.#from = from + HEADS_ASKED_MAX
    return others.slice(from, from + HEADS_ASKED_MAX)
  }
}
