/**
 * What is kept beside the log, in memory as one number each: 48 bits of the
 * check that stands before the value on disk.
 *
 * Their count and their sum modulo 2^48 stand in every batch and in the head
 * file. So a value that LevelDB lost, changed, or gave back in an older version
 * is noticed at the next open or at the next read, whichever comes first. That
 * is for disks, not for thieves: whoever can write the directory can write all
 * of it.
 */
import type { Space } from '../mesh/ports.ts'

const MODULUS = 2 ** 48

export class Tally {
  readonly #spaces = new Map<Space, Map<string, number>>()
  #count = 0
  #sum = 0

  get count(): number {
    return this.#count
  }

  get sum(): number {
    return this.#sum
  }

  countOf(space: Space): number {
    return this.#spaces.get(space)?.size ?? 0
  }

  get(space: Space, key: string): number | null {
    return this.#spaces.get(space)?.get(key) ?? null
  }

  /** @param sealed as it is on disk, its check first */
  set(space: Space, key: string, sealed: Uint8Array): void {
    this.delete(space, key)
    const entries = this.#spaces.get(space) ?? new Map<string, number>()
    this.#spaces.set(space, entries)
    const mark = markOf(sealed)
    entries.set(key, mark)
    this.#count += 1
    this.#sum = (this.#sum + mark) % MODULUS
  }

  delete(space: Space, key: string): void {
    const entries = this.#spaces.get(space)
    const mark = entries?.get(key)
    if (entries === undefined || mark === undefined) return
    entries.delete(key)
    this.#count -= 1
    this.#sum = (this.#sum - mark + MODULUS) % MODULUS
  }
}

/** The first six bytes of the check. */
export function markOf(sealed: Uint8Array): number {
  return Buffer.from(sealed.buffer, sealed.byteOffset, sealed.length).readUIntBE(0, 6)
}
