/**
 * All effective revocations, by what they revoke. A function of the set.
 *
 * Of several of one target the one that lasts longest answers. A link below
 * which more were taken back than there may be counts as revoked itself (quotas).
 * Those that show it go on denying on the nodes that hold them.
 */
import { type Drawn, NOTHING_DRAWN } from './conclusion.ts'
import type { Revocations } from './governance.ts'
import type { Cid, RecordId } from './id.ts'
import type { Did } from './keys.ts'
import { TIME_S_MAX } from './limits.ts'
import { RevocationQuotas } from './revocation-quotas.ts'
import type { Revocation, Target } from './statement/revocation.ts'

export class RevocationIndex implements Revocations {
  /** The one that lasts longest first; by what is revoked, under its kind: an id is looked up as it is. */
  readonly #byTarget: Readonly<Record<Target['kind'], Map<string, Revocation[]>>> = {
    link: new Map(),
    principal: new Map(),
    node: new Map(),
    issuer: new Map(),
    policy: new Map(),
    execution: new Map(),
  }
  readonly #quotas = new RevocationQuotas()
  #size = 0

  get size(): number {
    return this.#size
  }

  /** Each statement once. */
  add(revocation: Revocation): Drawn<Revocation> {
    if (this.covers(revocation)) return { ...NOTHING_DRAWN, gone: [revocation] }
    const { target } = revocation
    const [of, name] = [this.#byTarget[target.kind], nameOf(target)]
    const known = of.get(name) ?? []
    of.set(
      name,
      [...known, revocation].sort((a, b) => (lasts(a, b) ? -1 : 1)),
    )
    this.#size += 1
    return { ...NOTHING_DRAWN, conclusion: this.#quotas.put(revocation) }
  }

  covers(revocation: Revocation): boolean {
    return this.#quotas.covers(revocation)
  }

  link(cid: Cid): Revocation | null {
    return this.#over(cid) ?? this.#of('link', cid)
  }

  did(kind: 'principal' | 'node' | 'issuer', did: Did): Revocation | null {
    const over = kind === 'issuer' ? this.#over(did) : null
    return over ?? this.#of(kind, did)
  }

  policy(bundle: string, version: number): Revocation | null {
    return this.#of('policy', `${bundle} ${version}`)
  }

  execution(record: RecordId): Revocation | null {
    return this.#of('execution', record)
  }

  #of(kind: Target['kind'], name: string): Revocation | null {
    return this.#byTarget[kind].get(name)?.[0] ?? null
  }

  #over(end: Cid | Did): Revocation | null {
    const over = this.#quotas.over(end)
    // For good: an end would let the next thousand in.
    return over === null ? null : { ...over, untilMs: TIME_S_MAX * 1000 }
  }
}

/** `node did:key:z6Mk…`, `policy agents 7` */
export function targetKey(target: Target): string {
  return `${target.kind} ${nameOf(target)}`
}

function nameOf(target: Target): string {
  switch (target.kind) {
    case 'link':
      return target.cid
    case 'policy':
      return `${target.bundle} ${target.version}`
    case 'execution':
      return target.record
    default:
      return target.did
  }
}

/** A total order: which of two answers, whatever the order of arrival. */
export function lasts(one: Revocation, other: Revocation): boolean {
  if (one.untilMs !== other.untilMs) return one.untilMs > other.untilMs
  return one.id < other.id
}
