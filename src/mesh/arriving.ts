/** Statements that were verified and are on their way to the disk. What stops among them denies already (core/stops.ts). */
import type { Envelope } from '../core/dsse.ts'
import type { Governance } from '../core/governance.ts'
import type { StatementId } from '../core/id.ts'
import type { Statement } from '../core/statement/statement.ts'
import { isStop, Stops } from '../core/stops.ts'

export interface Arrival {
  readonly statement: Statement
  readonly envelope: Envelope
  /** Into the fold, and not into the quotas. */
  readonly folds: boolean
  /** Whether it denies before it is durable. */
  readonly early: boolean
  readonly done: Promise<void>
}

const NOTHING = Promise.resolve()

export class Arriving {
  readonly #arrivals = new Map<StatementId, Arrival>()
  readonly #stops = new Stops()

  get size(): number {
    return this.#arrivals.size
  }

  get(id: StatementId): Arrival | null {
    return this.#arrivals.get(id) ?? null
  }

  /** Resolves at once for what is not on its way. */
  doneOf(id: StatementId): Promise<void> {
    return this.#arrivals.get(id)?.done ?? NOTHING
  }

  all(): Iterable<Arrival> {
    return this.#arrivals.values()
  }

  /** Governance, and over it what stops. */
  over(governance: Governance): Governance {
    return this.#stops.over(governance)
  }

  add(arrival: Arrival): void {
    const { statement, early } = arrival
    this.#arrivals.set(statement.id, arrival)
    if (early && isStop(statement)) this.#stops.add(statement)
  }

  /** It is durable and applied, or was refused. */
  arrived(id: StatementId, envelope: Envelope): void {
    // A later one of the same id may be on its way, with more signatures.
    if (this.#arrivals.get(id)?.envelope !== envelope) return
    this.#arrivals.delete(id)
    this.#stops.remove(id)
  }
}
