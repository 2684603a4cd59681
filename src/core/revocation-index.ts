/**
 * All effective revocations, by what they revoke. It only grows: a snapshot of
 * governance that shares it with a later one can only deny more.
 *
 * Of several of one target the one that lasts longest answers. A link issuer
 * that took back more than ISSUER_REVOCATIONS_MAX of its links counts as
 * revoked itself, by the first that is one too many in the order of ids: who signs
 * and revokes a million links is not believed for a thousand (row 129).
 */
import { parseDelegation } from './delegation.ts'
import type { Revocations } from './governance.ts'
import type { Cid, RecordId } from './id.ts'
import type { Did } from './keys.ts'
import { ISSUER_REVOCATIONS_MAX, TIME_S_MAX } from './limits.ts'
import type { Revocation, Target } from './statement/revocation.ts'

export class RevocationIndex implements Revocations {
  readonly #byTarget = new Map<string, Revocation>()
  /** Of each link issuer, those it signed itself: ascending ids, one more than it may have. */
  readonly #own = new Map<Did, Revocation[]>()
  #size = 0

  get size(): number {
    return this.#size
  }

  /** Each statement once. */
  add(revocation: Revocation): void {
    const key = targetKey(revocation.target)
    const known = this.#byTarget.get(key)
    if (known === undefined || lasts(revocation, known)) this.#byTarget.set(key, revocation)
    const last = revocation.chain.at(-1)
    if (last !== undefined) this.#count(parseDelegation(last).iss, revocation)
    this.#size += 1
  }

  link(cid: Cid): Revocation | null {
    return this.#byTarget.get(`link ${cid}`) ?? null
  }

  did(kind: 'principal' | 'node' | 'issuer', did: Did): Revocation | null {
    const named = this.#byTarget.get(`${kind} ${did}`) ?? null
    if (kind !== 'issuer') return named
    const over = this.#own.get(did)?.[ISSUER_REVOCATIONS_MAX]
    // For good: an end would let the next thousand in.
    return over === undefined ? named : { ...over, untilMs: TIME_S_MAX * 1000 }
  }

  policy(bundle: string, version: number): Revocation | null {
    return this.#byTarget.get(`policy ${bundle} ${version}`) ?? null
  }

  execution(record: RecordId): Revocation | null {
    return this.#byTarget.get(`execution ${record}`) ?? null
  }

  #count(issuer: Did, revocation: Revocation): void {
    const own = this.#own.get(issuer) ?? []
    const at = own.findIndex(({ id }) => id > revocation.id)
    own.splice(at < 0 ? own.length : at, 0, revocation)
    own.length = Math.min(own.length, ISSUER_REVOCATIONS_MAX + 1)
    this.#own.set(issuer, own)
  }
}

function targetKey(target: Target): string {
  switch (target.kind) {
    case 'link':
      return `link ${target.cid}`
    case 'policy':
      return `policy ${target.bundle} ${target.version}`
    case 'execution':
      return `execution ${target.record}`
    default:
      return `${target.kind} ${target.did}`
  }
}

/** A total order: which of two answers, whatever the order of arrival. */
function lasts(one: Revocation, other: Revocation): boolean {
  if (one.untilMs !== other.untilMs) return one.untilMs > other.untilMs
  return one.id < other.id
}
