/**
 * Statements that are kept and not effective: below their threshold, disarmed
 * on arrival, or signed under a root version that is not known here yet.
 *
 * Each is kept for its owners: the keys in role that signed it, or, while its
 * root is unknown, the peer that sent it. An owner keeps its smallest ids, at
 * most PENDING_PER_SIGNER_MAX of them and PENDING_BYTES_PER_SIGNER_MAX bytes:
 * nodes keep the same ones whatever the order, and one signer's flood evicts
 * nobody else's (S21).
 */
import type { Envelope } from '../core/dsse.ts'
import type { StatementId } from '../core/id.ts'
import type { Did } from '../core/keys.ts'
import {
  PENDING_BYTES_PER_SIGNER_MAX,
  PENDING_PER_SIGNER_MAX,
  PENDING_SIGNERS_MAX,
} from '../core/limits.ts'

/** Whose quota a statement counts against; `here` is what local callers submit under an unknown root. */
export type Owner = `key:${Did}` | `peer:${Did}` | 'here'

export interface Waiting {
  readonly id: StatementId
  readonly envelope: Envelope
  readonly sizeBytes: number
  readonly owners: readonly Owner[]
}

export class Pending {
  readonly #waiting = new Map<StatementId, Waiting>()
  /** Ascending ids of each owner. */
  readonly #idsByOwner = new Map<Owner, readonly StatementId[]>()

  get size(): number {
    return this.#waiting.size
  }

  get(id: StatementId): Waiting | null {
    return this.#waiting.get(id) ?? null
  }

  all(): Iterable<Waiting> {
    return this.#waiting.values()
  }

  /** Would it be kept: has an owner room for it, or a larger id to give up. */
  admits(one: Waiting): boolean {
    return one.owners.some((owner) => this.#kept(owner, one)?.includes(one.id) === true)
  }

  /** Keeps it in place of what was kept under its id, and says which ids left; its own when no owner has room. */
  put(one: Waiting): readonly StatementId[] {
    this.remove(one.id)
    this.#waiting.set(one.id, one)
    const touched = new Set([one.id])
    for (const owner of one.owners) {
      const before = this.#idsByOwner.get(owner) ?? []
      const kept = this.#kept(owner, one)
      if (kept === null) continue
      this.#idsByOwner.set(owner, kept)
      for (const id of before) if (!kept.includes(id)) touched.add(id)
    }
    return [...touched].filter((id) => this.#drop(id))
  }

  remove(id: StatementId): void {
    for (const owner of this.#waiting.get(id)?.owners ?? []) {
      const ids = (this.#idsByOwner.get(owner) ?? []).filter((other) => other !== id)
      if (ids.length === 0) this.#idsByOwner.delete(owner)
      else this.#idsByOwner.set(owner, ids)
    }
    this.#waiting.delete(id)
  }

  /** What the owner would keep if this one were its too; null when there are too many owners of its kind. */
  #kept(owner: Owner, one: Waiting): readonly StatementId[] | null {
    const ids = this.#idsByOwner.get(owner)
    if (ids === undefined && this.#owners(owner) >= PENDING_SIGNERS_MAX) return null
    const kept: StatementId[] = []
    let bytes = 0
    for (const id of [...new Set([...(ids ?? []), one.id])].sort()) {
      if (kept.length >= PENDING_PER_SIGNER_MAX) break
      const sizeBytes = id === one.id ? one.sizeBytes : (this.#waiting.get(id)?.sizeBytes ?? 0)
      if (bytes + sizeBytes > PENDING_BYTES_PER_SIGNER_MAX) continue
      bytes += sizeBytes
      kept.push(id)
    }
    return kept
  }

  /** Owners of the same kind: peers that send what nobody can judge take no place from keys in role. */
  #owners(like: Owner): number {
    let count = 0
    for (const owner of this.#idsByOwner.keys())
      if (owner.startsWith('key:') === like.startsWith('key:')) count += 1
    return count
  }

  /** Forgets a statement that none of its owners keeps. */
  #drop(id: StatementId): boolean {
    const owners = this.#waiting.get(id)?.owners ?? []
    if (owners.some((owner) => this.#idsByOwner.get(owner)?.includes(id) === true)) return false
    this.#waiting.delete(id)
    return true
  }
}
