/**
 * The statements on disk, and one hash over all of them that changes in the
 * same batches: so that one lost, added or changed behind our back is noticed
 * at the next start (LOG_DAMAGED), and none is trusted before that.
 *
 *     statement   sha256:0a77…   {"payload":"…    the envelope
 *     governance  digest         5c1e…            root hash of the prefix tree id → hash of envelope
 *
 * After a batch that the disk refused its outcome is unknown. The next batch
 * says again what is right for the same ids, whatever became of it.
 */
import { equalBytes, utf8 } from '../core/bytes.ts'
import { isSha256Id, type StatementId, sha256Hex } from '../core/id.ts'
import { PrefixTree } from '../core/prefix-tree.ts'
import { damaged } from './damaged.ts'
import type { Put, Store } from './ports.ts'
import { keyOfId } from './reconcile.ts'

export interface Change {
  readonly id: StatementId
  /** The envelope; null takes it out. */
  readonly bytes: Uint8Array | null
}

export interface KeptPorts {
  readonly store: Pick<Store, 'entries' | 'get'>
  persist(puts: readonly Put[]): Promise<void>
  /** The envelope of a statement that is durable and applied; null when there is none. */
  applied(id: StatementId): Uint8Array | null
}

const DIGEST = 'digest'

export class Kept {
  readonly #ports: KeptPorts
  /** Of what is on disk once all batches on their way are durable. */
  #tree = PrefixTree.EMPTY
  /** Whose batch was refused: what is on disk of them is unknown. */
  readonly #uncertain = new Set<StatementId>()

  constructor(ports: KeptPorts) {
    this.#ports = ports
  }

  /** All envelopes on disk. @throws MeshError LOG_DAMAGED unless they are what was made durable */
  async load(): Promise<ReadonlyMap<StatementId, Uint8Array>> {
    const { store } = this.#ports
    const envelopes = new Map<StatementId, Uint8Array>()
    for (const [id, bytes] of await store.entries('statement')) {
      if (!isSha256Id(id)) throw damaged(`\`${id}\` is no id of a statement`)
      envelopes.set(id, bytes)
      this.#mark({ id, bytes })
    }
    const digest = await store.get('governance', DIGEST)
    // Before the first statement there is no digest; after it there always is one.
    const fresh = digest === null && envelopes.size === 0
    if (!fresh && (digest === null || !equalBytes(digest, utf8(this.#tree.rootHash))))
      throw damaged('the stored statements are not those that were acknowledged')
    return envelopes
  }

  /**
   * Resolves once all of it is durable; `apply` runs in the same turn. Batches become durable in the order of calls.
   * Rejects with what the disk said; then nothing of it is applied.
   */
  async keep(changes: readonly Change[], others: readonly Put[], apply: () => void): Promise<void> {
    const all = this.#withUncertain(changes)
    for (const change of all) this.#mark(change)
    const puts = all.map(({ id, bytes }): Put => ({ space: 'statement', key: id, value: bytes }))
    const digest = { space: 'governance', key: DIGEST, value: utf8(this.#tree.rootHash) } as const
    try {
      await this.#ports.persist([...puts, ...others, digest])
    } catch (error) {
      // The outcome is unknown: nothing of it is believed, and the next batch says what is right.
      for (const { id } of all) {
        this.#uncertain.add(id)
        this.#mark({ id, bytes: this.#ports.applied(id) })
      }
      throw error
    }
    apply()
  }

  #withUncertain(changes: readonly Change[]): readonly Change[] {
    const changed = new Set(changes.map(({ id }) => id))
    const again = [...this.#uncertain].filter((id) => !changed.has(id))
    this.#uncertain.clear()
    return [...again.map((id) => ({ id, bytes: this.#ports.applied(id) })), ...changes]
  }

  #mark({ id, bytes }: Change): void {
    const key = keyOfId(id)
    this.#tree = bytes === null ? this.#tree.delete(key) : this.#tree.set(key, sha256Hex(bytes))
  }
}
