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
import { BATCH_BYTES_MAX, BATCH_RECORDS_MAX, LOG_WAITERS_MAX } from '../core/limits.ts'
import { PrefixTree } from '../core/prefix-tree.ts'
import { MeshError } from '../core/problems.ts'
import { damaged } from './damaged.ts'
import type { Put, Puts, Store } from './ports.ts'
import { keyOfId } from './reconcile.ts'

export interface Change {
  readonly id: StatementId
  /** The envelope; null takes it out. */
  readonly bytes: Uint8Array | null
}

export interface KeptPorts {
  readonly store: Pick<Store, 'entries' | 'get'>
  persist(puts: Puts): Promise<void>
  /** The envelope of a statement that is durable and applied; null when there is none. */
  applied(id: StatementId): Uint8Array | null
}

/** Somebody who waits for the disk. */
interface Waiter {
  readonly changes: readonly Change[]
  readonly others: readonly Put[]
  readonly apply: () => void
  readonly resolve: () => void
  readonly reject: (error: unknown) => void
}

const DIGEST = 'digest'

export class Kept {
  readonly #ports: KeptPorts
  /** Of what is on disk once the batch on its way is durable. */
  #tree = PrefixTree.EMPTY
  readonly #waiting: Waiter[] = []
  #work: Promise<void> | null = null
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
   * Resolves once all of it is durable; `apply` runs in the same turn, in the order of calls.
   * @throws MeshError what the disk said; nothing of it is applied then. TOO_MANY when too many wait
   */
  async keep(changes: readonly Change[], others: readonly Put[], apply: () => void): Promise<void> {
    if (this.#waiting.length >= LOG_WAITERS_MAX)
      throw new MeshError('TOO_MANY', `${LOG_WAITERS_MAX} statements wait for the disk`)
    const { promise, resolve, reject } = Promise.withResolvers<void>()
    this.#waiting.push({ changes, others, apply, resolve, reject })
    this.#work ??= this.#run()
    return promise
  }

  /** One batch after the other: which digest is right depends on what became of the one before. */
  async #run(): Promise<void> {
    // What comes in the same turn is in the same batch.
    await Promise.resolve()
    while (this.#waiting.length > 0) await this.#write()
    this.#work = null
  }

  async #write(): Promise<void> {
    let waiters: readonly Waiter[] = []
    let changes: readonly Change[] = []
    try {
      // Whatever came by the time that the disk is free goes with this batch.
      await this.#ports.persist(() => {
        waiters = this.#take()
        changes = this.#withUncertain(waiters.flatMap((each) => each.changes))
        for (const change of changes) this.#mark(change)
        return this.#putsOf(changes, waiters)
      })
    } catch (error) {
      // The outcome is unknown: nothing of it is believed, and the next batch says what is right.
      for (const { id } of changes) {
        this.#uncertain.add(id)
        this.#mark({ id, bytes: this.#ports.applied(id) })
      }
      // Refused before it was their turn: nobody has anything to wait for.
      if (waiters.length === 0) waiters = this.#waiting.splice(0)
      for (const { reject } of waiters) reject(error)
      return
    }
    for (const { apply, resolve } of waiters) {
      apply()
      resolve()
    }
  }

  #putsOf(changes: readonly Change[], waiters: readonly Waiter[]): readonly Put[] {
    return [
      ...changes.map(({ id, bytes }): Put => ({ space: 'statement', key: id, value: bytes })),
      ...waiters.flatMap(({ others }) => others),
      { space: 'governance', key: DIGEST, value: utf8(this.#tree.rootHash) },
    ]
  }

  /** The oldest, as many as one batch holds. */
  #take(): readonly Waiter[] {
    let sizeBytes = 0
    const end = this.#waiting.findIndex(({ changes }, at) => {
      if (at >= BATCH_RECORDS_MAX || sizeBytes >= BATCH_BYTES_MAX) return true
      sizeBytes += changes.reduce((sum, { bytes }) => sum + (bytes?.length ?? 0), 0)
      return false
    })
    return this.#waiting.splice(0, end < 0 ? this.#waiting.length : end)
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
