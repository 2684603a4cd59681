/**
 * One open handle of LevelDB, and the rule that makes it safe: after its first
 * error nothing more is asked of it. LevelDB goes on acknowledging synced
 * writes that will be gone (FACTS 4); whoever had the error opens anew.
 */
import { Level } from 'level'
import { concat } from '../core/bytes.ts'
import { BLOCK_BYTES, WRITE_BUFFER_BYTES } from '../core/limits.ts'
import type { MeshError } from '../core/problems.ts'
import { failed } from './failures.ts'

export type Operation =
  | { readonly type: 'put'; readonly key: Uint8Array; readonly value: Uint8Array }
  | { readonly type: 'del'; readonly key: Uint8Array }

export interface Range {
  readonly gte: Uint8Array
  readonly lt: Uint8Array
}

type Handle = Level<Uint8Array, Uint8Array>

export class Database {
  readonly #handle: Handle
  #failure: MeshError | null = null

  private constructor(handle: Handle) {
    this.#handle = handle
  }

  /** @param createIfMissing true in the creation of a store alone: else a lost CURRENT gives a new, empty database @throws MeshError */
  static async open(path: string, createIfMissing = false): Promise<Database> {
    const handle: Handle = new Level(path, {
      createIfMissing,
      keyEncoding: 'view',
      valueEncoding: 'view',
      writeBufferSize: WRITE_BUFFER_BYTES,
      blockSize: BLOCK_BYTES,
    })
    try {
      await handle.open()
    } catch (error) {
      throw failed('the database does not open', error)
    }
    return new Database(handle)
  }

  get failure(): MeshError | null {
    return this.#failure
  }

  get(key: Uint8Array): Promise<Uint8Array | undefined> {
    return this.#guard('reading failed', async () => plain(await this.#handle.get(key)))
  }

  /** In the order of the keys. */
  getMany(keys: Uint8Array[]): Promise<(Uint8Array | undefined)[]> {
    return this.#guard('reading failed', async () => (await this.#handle.getMany(keys)).map(plain))
  }

  /** Values in key order. */
  values(range: Range): Promise<Uint8Array[]> {
    return this.#guard('reading failed', async () =>
      (await this.#handle.values(range).all()).map((value) => plain(value)),
    )
  }

  /** Calls for each entry, in key order. */
  each(range: Range, call: (key: Uint8Array, value: Uint8Array) => void): Promise<void> {
    return this.#guard('reading failed', async () => {
      for await (const [key, value] of this.#handle.iterator(range)) call(plain(key), plain(value))
    })
  }

  /** The last entries before the end of a range, the last first. */
  last(range: Range, limit: number): Promise<(readonly [Uint8Array, Uint8Array])[]> {
    return this.#guard('reading failed', async () => {
      const entries = await this.#handle.iterator({ ...range, reverse: true, limit }).all()
      return entries.map(([key, value]) => [plain(key), plain(value)] as const)
    })
  }

  /** All or none. @param sync false for what can be rebuilt */
  write(operations: Operation[], sync: boolean): Promise<void> {
    return this.#guard('writing failed', () => this.#handle.batch(operations, { sync }))
  }

  /** Takes a whole range away and gives its room back. Not atomic: who asks for it asks again after a crash. */
  clear(range: Range): Promise<void> {
    return this.#guard('writing failed', async () => {
      await this.#handle.clear(range)
      await this.#compact(range)
    })
  }

  /** Gives back the room of what was deleted in a range. */
  compact(range: Range): Promise<void> {
    return this.#guard('writing failed', () => this.#compact(range))
  }

  /**
   * What was replaced or deleted under these keys leaves the files, too. Twice: a value and its end
   * that wait in memory together become one file, which LevelDB leaves as it is until something
   * newer lies over it. So the neighbours of the keys are deleted, which nobody wrote.
   */
  forget(keys: readonly Uint8Array[]): Promise<void> {
    const sorted = keys.toSorted(Buffer.compare)
    const [first, last] = [sorted[0], sorted.at(-1)]
    if (first === undefined || last === undefined) return Promise.resolve()
    const around = [first.subarray(0, -1), concat(last, Uint8Array.of(0))] as const
    const range = { gte: around[0], lt: concat(last, Uint8Array.of(1)) }
    return this.#guard('writing failed', async () => {
      await this.#compact(range)
      await this.#handle.batch(around.map((key) => ({ type: 'del', key })))
      await this.#compact(range)
    })
  }

  async #compact({ gte, lt }: Range): Promise<void> {
    const handle: object = this.#handle
    // LevelDB has it, and the types of `level`, which is also for browsers, do not.
    if ('compactRange' in handle && typeof handle.compactRange === 'function')
      await handle.compactRange(gte, lt)
  }

  /** Nothing is asked of it after this. */
  poison(error: unknown): MeshError {
    this.#failure ??= failed('storage failed', error)
    return this.#failure
  }

  async close(): Promise<void> {
    try {
      await this.#handle.close()
    } catch (error) {
      throw failed('the database does not close', error)
    }
  }

  async #guard<T>(doing: string, call: () => Promise<T>): Promise<T> {
    if (this.#failure !== null) throw this.#failure
    try {
      return await call()
    } catch (error) {
      throw this.poison(failed(doing, error))
    }
  }
}

/** LevelDB gives Buffers, which slice differently and may share memory. */
function plain<T extends Uint8Array | undefined>(bytes: T): T | Uint8Array {
  return bytes === undefined ? bytes : new Uint8Array(bytes)
}
