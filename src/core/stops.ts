/**
 * What stops, from the moment at which it was verified: a revocation or a
 * freeze on its way to the disk denies already, for to deny early is always
 * safe. It only denies more than governance does, and nothing is signed,
 * counted or compared by it (design, governance).
 */
import { stopsRather } from './fold-results.ts'
import type { Governance, Revocations } from './governance.ts'
import type { Cid, RecordId, StatementId } from './id.ts'
import type { Did } from './keys.ts'
import { lasts, targetKey } from './revocation-index.ts'
import { type Freeze, scopeKey } from './statement/freeze.ts'
import type { Revocation } from './statement/revocation.ts'
import type { Statement } from './statement/statement.ts'

export type Stop = Revocation | Freeze

/** A freeze that lifts one allows more, and waits until it is durable. */
export function isStop(statement: Statement): statement is Stop {
  return statement.type === 'revocation' || (statement.type === 'freeze' && statement.frozen)
}

export class Stops {
  readonly #stops = new Map<StatementId, Stop>()
  #view: { readonly of: Governance; readonly enforced: Governance } | null = null

  add(stop: Stop): void {
    this.#stops.set(stop.id, stop)
    this.#view = null
  }

  /** It is durable now, and governance says it; or it will not be. */
  remove(id: StatementId): void {
    if (this.#stops.delete(id)) this.#view = null
  }

  /** The same, and what stops over it. */
  over(governance: Governance): Governance {
    if (this.#stops.size === 0) return governance
    if (this.#view?.of !== governance)
      this.#view = { of: governance, enforced: under(governance, [...this.#stops.values()]) }
    return this.#view.enforced
  }
}

/** A governance, and what stops over it: what a node enforces, and what a replay judges by. */
export function under(governance: Governance, stops: readonly Stop[]): Governance {
  const revocations = new Map<string, Revocation>()
  const freezes = new Map(governance.freezes)
  for (const stop of stops) {
    if (stop.type === 'revocation') put(revocations, targetKey(stop.target), stop, lasts)
    else put(freezes, scopeKey(stop.scope), stop, stopsRather)
  }
  const arriving = stops.map(({ id }) => id).sort()
  return {
    ...governance,
    ...{ freezes, arriving, revocations: new Over(governance.revocations, revocations) },
  }
}

function put<T>(map: Map<string, T>, key: string, one: T, beats: (a: T, b: T) => boolean): void {
  const known = map.get(key)
  if (known === undefined || beats(one, known)) map.set(key, one)
}

/** Of two of one target the one that lasts longer answers, as in the index. */
class Over implements Revocations {
  readonly #below: Revocations
  readonly #over: ReadonlyMap<string, Revocation>

  constructor(below: Revocations, over: ReadonlyMap<string, Revocation>) {
    this.#below = below
    this.#over = over
  }

  get size(): number {
    return this.#below.size + this.#over.size
  }

  link(cid: Cid): Revocation | null {
    return this.#longer(this.#below.link(cid), targetKey({ kind: 'link', cid }))
  }

  did(kind: 'principal' | 'node' | 'issuer', did: Did): Revocation | null {
    return this.#longer(this.#below.did(kind, did), targetKey({ kind, did }))
  }

  policy(bundle: string, version: number): Revocation | null {
    const key = targetKey({ kind: 'policy', bundle, version })
    return this.#longer(this.#below.policy(bundle, version), key)
  }

  execution(record: RecordId): Revocation | null {
    return this.#longer(this.#below.execution(record), targetKey({ kind: 'execution', record }))
  }

  covers(revocation: Revocation): boolean {
    return this.#below.covers(revocation)
  }

  #longer(below: Revocation | null, key: string): Revocation | null {
    const over = this.#over.get(key) ?? null
    if (over === null || below === null) return over ?? below
    return lasts(over, below) ? over : below
  }
}
