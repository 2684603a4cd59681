/**
 * Asks peers whether they hold a statement, one question at a time to each:
 * what is wanted of a peer meanwhile goes into its next question together. So
 * many who wait for their statements at once take no more answers than a few,
 * and the lease, which asks by itself, is not kept waiting behind them.
 */
import type { StatementId } from '../core/id.ts'
import type { Did } from '../core/keys.ts'
import { HELD_IDS_MAX } from '../core/limits.ts'
import type { Challenges } from './challenge.ts'
import type { StateAnswer } from './state-frames.ts'

export interface Said {
  readonly held: boolean
  readonly answer: StateAnswer
  /** Monotonic time at which the question left: after it was asked for. */
  readonly sentMs: number
}

type Wanted = Map<StatementId, PromiseWithResolvers<Said>>

export class Inquiries {
  readonly #challenges: Pick<Challenges, 'ask'>
  /** What waits for the question before it, by peer; as much as there are statements. A peer is in here while it is asked. */
  readonly #wanted = new Map<Did, Wanted>()

  constructor(challenges: Pick<Challenges, 'ask'>) {
    this.#challenges = challenges
  }

  /** @throws MeshError as Challenges.ask, also where the question before this one got no answer */
  ask(peer: Did, id: StatementId): Promise<Said> {
    const known = this.#wanted.get(peer)
    const wanted: Wanted = known ?? new Map()
    const next = wanted.get(id) ?? Promise.withResolvers<Said>()
    wanted.set(id, next)
    if (known === undefined) void this.#askAll(peer, wanted)
    return next.promise
  }

  async #askAll(peer: Did, wanted: Wanted): Promise<void> {
    this.#wanted.set(peer, wanted)
    while (wanted.size > 0) {
      const asked = new Map(wanted.entries().take(HELD_IDS_MAX))
      for (const id of asked.keys()) wanted.delete(id)
      try {
        await this.#askOnce(peer, asked)
      } catch (error) {
        // Who waits behind it has waited as long: the peer is asked anew only when it is wanted anew.
        for (const { reject } of [...asked.values(), ...wanted.values()]) reject(error)
        wanted.clear()
      }
    }
    this.#wanted.delete(peer)
  }

  /** The question has an end of its own: who wanted it may be gone by then, and others not. */
  async #askOnce(peer: Did, asked: Wanted): Promise<void> {
    const question = { ids: [...asked.keys()], own: false }
    const { answer, sentMs } = await this.#challenges.ask(peer, question)
    for (const [at, { resolve }] of [...asked.values()].entries())
      resolve({ held: answer.held[at] === true, answer, sentMs })
  }
}
