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

interface Wanted {
  readonly id: StatementId
  readonly resolve: (said: Said) => void
  readonly reject: (error: unknown) => void
}

/** A question has an end of its own; who waited for it may be gone by then, and others not. */
const WHOEVER_WAITS = new AbortController().signal

export class Inquiries {
  readonly #challenges: Pick<Challenges, 'ask'>
  /** What waits for the question before it, by peer. A peer is in here while it is asked. */
  readonly #wanted = new Map<Did, Wanted[]>()

  constructor(challenges: Pick<Challenges, 'ask'>) {
    this.#challenges = challenges
  }

  /** @throws MeshError as Challenges.ask, also where the question before this one got no answer */
  ask(peer: Did, id: StatementId): Promise<Said> {
    const { promise, resolve, reject } = Promise.withResolvers<Said>()
    const wanted = this.#wanted.get(peer)
    if (wanted !== undefined) wanted.push({ id, resolve, reject })
    else void this.#askAll(peer, [{ id, resolve, reject }])
    return promise
  }

  async #askAll(peer: Did, wanted: Wanted[]): Promise<void> {
    this.#wanted.set(peer, wanted)
    while (wanted.length > 0) {
      const asked = wanted.splice(0, HELD_IDS_MAX)
      try {
        await this.#askOnce(peer, asked)
      } catch (error) {
        // Who waits behind it has waited as long: the peer is asked anew only when it is wanted anew.
        for (const { reject } of [...asked, ...wanted.splice(0)]) reject(error)
      }
    }
    this.#wanted.delete(peer)
  }

  async #askOnce(peer: Did, asked: readonly Wanted[]): Promise<void> {
    const question = { ids: asked.map(({ id }) => id), own: false }
    const { answer, sentMs } = await this.#challenges.ask(peer, question, WHOEVER_WAITS)
    for (const [at, { resolve }] of asked.entries())
      resolve({ held: answer.held[at] === true, answer, sentMs })
  }
}
