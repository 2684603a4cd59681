/**
 * What is held in memory, all of it durable: the fold of what has its
 * signatures, and beside it what waits for more or came too late. Both as
 * trees, the way sync compares them.
 */
import type { Trust } from '../core/admission.ts'
import type { ConclusionKey } from '../core/conclusion.ts'
import { formatEnvelope } from '../core/dsse.ts'
import { Fold, type KnownStatement } from '../core/fold.ts'
import type { Governance } from '../core/governance.ts'
import { type StatementId, sha256Hex } from '../core/id.ts'
import { PrefixTree } from '../core/prefix-tree.ts'
import type { Evidence } from '../core/statement/evidence.ts'
import type { Known } from './learned.ts'
import { keyOfId } from './reconcile.ts'

export interface Trees {
  /**
   * Effective statements, with all their signatures: hash of the envelope at the digits of the id.
   * Of those that prove a conclusion it alone: its key at itself.
   */
  readonly envelopes: PrefixTree
  /** Pending and disarmed ones. */
  readonly waiting: PrefixTree
}

export class Held {
  readonly #fold: Fold
  readonly #waiting = new Map<StatementId, Known>()
  #trees: Trees = { envelopes: PrefixTree.EMPTY, waiting: PrefixTree.EMPTY }
  /** Those that are in the tree. */
  #conclusions: Fold['conclusions'] = new Map()

  /** @param pins roots that an operator chose where two of one version contradict each other */
  constructor(mesh: StatementId | null, pins: readonly StatementId[]) {
    this.#fold = new Fold(mesh, pins)
  }

  get governance(): Governance {
    return this.#fold.governance
  }

  get trust(): Trust {
    return this.#fold.trust
  }

  get trees(): Trees {
    return this.#trees
  }

  get size(): number {
    return this.#fold.size + this.#waiting.size
  }

  get(id: StatementId): Known | null {
    const waiting = this.#waiting.get(id)
    if (waiting !== undefined) return waiting
    const known = this.#fold.get(id)
    const state = this.#fold.standing(id)
    return known === null || state === null ? null : { id, ...known, state }
  }

  *all(): Iterable<Known> {
    for (const { statement } of this.#fold.all()) {
      const known = this.get(statement.id)
      if (known !== null) yield known
    }
    yield* this.#waiting.values()
  }

  /** What proves a conclusion; null for one that does not stand here. */
  proofOf(key: ConclusionKey): readonly StatementId[] | null {
    return this.#conclusions.get(key) ?? null
  }

  /** What is known of the log that evidence is about. */
  caseOf(evidence: Evidence): 'strange' | 'closed' | 'open' {
    if (!this.#fold.accuses(evidence)) return 'strange'
    return this.#fold.coversEvidence(evidence) ? 'closed' : 'open'
  }

  /** Whether it is held, outside the fold. */
  outside(id: StatementId): boolean {
    return this.#waiting.has(id)
  }

  /** Those outside the fold. */
  waiting(): Iterable<Known> {
    return this.#waiting.values()
  }

  /** Of one that has its signatures. Says whose state changed, others' too. */
  fold(known: KnownStatement): readonly StatementId[] {
    const { id } = known.statement
    this.#waiting.delete(id)
    const changed = this.#fold.put(known)
    for (const each of new Set([id, ...changed])) this.#place(each)
    this.#conclude()
    return changed
  }

  /** Of one that has no effect, and may leave again. */
  wait(known: Known): void {
    this.#waiting.set(known.id, known)
    this.#place(known.id)
  }

  /** Of one outside the fold. */
  drop(id: StatementId): void {
    if (this.#waiting.delete(id)) this.#place(id)
  }

  /** Puts a statement where it belongs now, in one tree or in none. */
  #place(id: StatementId): void {
    const key = keyOfId(id)
    const known = this.get(id)
    const hash = known === null ? null : sha256Hex(formatEnvelope(known.envelope))
    const effective = known?.state === 'effective' || known?.state === 'conflict'
    const alone = effective && !this.#fold.concluded(id)
    const put = (tree: PrefixTree, here: boolean) =>
      hash !== null && here ? tree.set(key, hash) : tree.delete(key)
    const { envelopes, waiting } = this.#trees
    this.#trees = { envelopes: put(envelopes, alone), waiting: put(waiting, !effective) }
  }

  /** Puts conclusions where those were that prove them. */
  #conclude(): void {
    const [before, now] = [this.#conclusions, this.#fold.conclusions]
    if (now === before) return
    this.#conclusions = now
    const ended = [...before].filter(([key]) => !now.has(key))
    const drawn = [...now].filter(([key]) => !before.has(key))
    for (const [, proof] of [...ended, ...drawn]) for (const id of proof) this.#place(id)
    let { envelopes } = this.#trees
    for (const [key] of ended) envelopes = envelopes.delete(key)
    for (const [key] of drawn) envelopes = envelopes.set(key, key)
    this.#trees = { ...this.#trees, envelopes }
  }
}
