/** Whether what somebody shows proves the conclusion that he names, by itself: whatever is known here, and under whichever root. */
import { type ConclusionKey, forkedKey } from './conclusion.ts'
import { RevocationQuotas } from './revocation-quotas.ts'
import type { Statement } from './statement/statement.ts'

export class ConclusionProof {
  readonly #quotas = new RevocationQuotas()
  readonly #proven = new Set<ConclusionKey>()

  /** @param statement whose signatures were verified */
  add(statement: Statement): void {
    if (statement.type === 'evidence')
      for (const lifted of [false, true]) this.#proven.add(forkedKey(statement, lifted))
    if (statement.type !== 'revocation' || this.#quotas.covers(statement)) return
    const over = this.#quotas.put(statement)
    if (over !== null) this.#proven.add(over.key)
  }

  proves(key: ConclusionKey): boolean {
    return this.#proven.has(key)
  }
}
