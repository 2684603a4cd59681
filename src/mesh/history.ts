/**
 * What this node accepted lately, in order, with its digest after each. A
 * digest that was once our own says exactly what its signer holds: everything
 * up to there, and perhaps nothing after it.
 *
 *     1 rev_0a77  5c1e…     2 frz_5be2  8d21…     3 pol_c0de  1f90…
 */
import type { StatementId } from '../core/id.ts'
import { ACCEPTED_REMEMBERED_MAX } from '../core/limits.ts'
import type { StateSource } from './challenge.ts'
import type { Clock } from './ports.ts'

export interface Moment {
  readonly wallMs: number
  readonly monotonicMs: number
  /** Also what the machine slept: a wall clock that is set moves no moment. */
  readonly bootMs: number
}

export interface Accepted extends Moment {
  readonly id: StatementId
  /** This node's digest once it was applied. */
  readonly digest: string
  /** Place among all that were accepted since this start, from 1. */
  readonly place: number
}

export interface HistoryPorts {
  readonly clock: Clock
  readonly statements: StateSource
  /** Whether a statement is effective here. */
  holds(id: StatementId): boolean
}

export class History {
  readonly #ports: HistoryPorts
  readonly #byId = new Map<StatementId, Accepted>()
  /** The place that was reached with a digest. */
  readonly #places = new Map<string, number>()
  #newest = 0

  constructor(ports: HistoryPorts) {
    this.#ports = ports
    this.#places.set(ports.statements.governance.digest, 0)
    ports.statements.onChange(({ id, changed }) => {
      for (const each of [id, ...changed]) this.#accept(each)
    })
  }

  /** The last place; 0 when nothing was accepted since this start. */
  get newest(): number {
    return this.#newest
  }

  /** null for what was accepted before this start, or too long ago. */
  accepted(id: StatementId): Accepted | null {
    return this.#byId.get(id) ?? null
  }

  /** How far whoever signs that digest is; null when it was never ours, or too long ago. */
  placeOf(digest: string): number | null {
    return this.#places.get(digest) ?? null
  }

  /** What came after a place, oldest first. */
  after(place: number): readonly Accepted[] {
    return [...this.#byId.values()].filter((each) => each.place > place)
  }

  #accept(id: StatementId): void {
    const { statements, clock, holds } = this.#ports
    // What was disarmed and is in force again was accepted before; the first time counts.
    if (this.#byId.has(id) || !holds(id)) return
    const { digest } = statements.governance
    this.#newest += 1
    this.#byId.set(id, { id, digest, place: this.#newest, ...momentOf(clock) })
    // The furthest place counts: what changes no digest is held by whoever signs it.
    this.#places.set(digest, this.#newest)
    forgetOldest(this.#byId)
    forgetOldest(this.#places)
  }
}

export function momentOf(clock: Clock): Moment {
  return { wallMs: clock.wallMs(), monotonicMs: clock.monotonicMs(), bootMs: clock.bootMs() }
}

function forgetOldest<K>(map: Map<K, unknown>): void {
  for (const oldest of map.keys()) {
    if (map.size <= ACCEPTED_REMEMBERED_MAX) return
    map.delete(oldest)
  }
}
