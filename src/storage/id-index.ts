/**
 * Which record has an id: a hint that costs the hot path nothing. The newest
 * are in memory, the others in the database, written unsynced and by the
 * thousand. What a power cut took of it is made again at the next open; who
 * uses it reads the record and compares.
 */
import type { RecordId } from '../core/id.ts'
import { idOf } from '../core/id.ts'
import { INDEX_RECORDS } from '../core/limits.ts'
import type { Database, Operation } from './database.ts'
import { formatCount, indexedKey, indexKey, parseCount } from './keyspace.ts'
import type { Tiles } from './tiles.ts'

export class IdIndex {
  readonly #database: Database
  readonly #epoch: number
  readonly #newest = new Map<RecordId, number>()
  #writing: Promise<void> | null = null

  private constructor(database: Database, epoch: number) {
    this.#database = database
    this.#epoch = epoch
  }

  static begin(database: Database, epoch: number): IdIndex {
    return new IdIndex(database, epoch)
  }

  /** Indexes what the index does not know yet: a thousand records, or all of a log whose index was lost. */
  static async open(database: Database, epoch: number, tiles: Tiles): Promise<IdIndex> {
    const index = new IdIndex(database, epoch)
    const { size } = tiles.frontier
    const known = parseCount(await database.get(indexedKey(epoch))) ?? 0
    for (let at = known <= size ? known : 0; at < size; at += INDEX_RECORDS) {
      const records = await tiles.records(at, Math.min(INDEX_RECORDS, size - at))
      for (const [i, record] of records.entries()) index.#newest.set(idOf(record), at + i)
      if (index.#newest.size >= INDEX_RECORDS) await index.#write()
    }
    return index
  }

  /** @param index below every one that was not added yet */
  add(id: RecordId, index: number): void {
    this.#newest.set(id, index)
    if (this.#newest.size < INDEX_RECORDS || this.#writing !== null) return
    this.#writing = this.#write()
      // The handle is poisoned then, and the next open makes the index again.
      .catch(() => {})
      .finally(() => {
        this.#writing = null
      })
  }

  async locate(id: RecordId): Promise<number | null> {
    const index = this.#newest.get(id)
    return index ?? parseCount(await this.#database.get(indexKey(this.#epoch, id)))
  }

  async close(): Promise<void> {
    await this.#writing
  }

  async #write(): Promise<void> {
    const entries = [...this.#newest]
    const [, last] = entries.at(-1) ?? ['', -1]
    const operations = entries.map(
      ([id, index]): Operation => ({
        type: 'put',
        key: indexKey(this.#epoch, id),
        value: formatCount(index),
      }),
    )
    operations.push({ type: 'put', key: indexedKey(this.#epoch), value: formatCount(last + 1) })
    await this.#database.write(operations, false)
    for (const [id] of entries) this.#newest.delete(id)
  }
}
