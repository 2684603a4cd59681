/**
 * As much of a disk as the set of statements needs: what is durable in a map,
 * and puts that wait until a test lets them through, or are refused.
 */
import { MeshError } from '../../src/core/problems.ts'
import type { Put, Puts, Space } from '../../src/mesh/ports.ts'

/** As the disk takes them that is free at once. */
function putsOf(puts: Puts): readonly Put[] {
  return typeof puts === 'function' ? puts() : puts
}

export class Memory {
  readonly spaces = new Map<Space, Map<string, Uint8Array>>()
  batches = 0
  #held: { readonly puts: readonly Put[]; readonly resolve: () => void }[] | null = null
  #failing: 'gone' | 'kept' | null = null

  persist(brought: Puts): Promise<void> {
    const puts = putsOf(brought)
    if (this.#failing !== null) {
      if (this.#failing === 'kept') this.#apply(puts)
      return Promise.reject(new MeshError('LOG_DAMAGED', 'the disk says no'))
    }
    if (this.#held === null) {
      this.#apply(puts)
      return Promise.resolve()
    }
    return new Promise((resolve) => this.#held?.push({ puts, resolve }))
  }

  /** From now on nothing becomes durable until release. */
  hold(): void {
    this.#held ??= []
  }

  release(): void {
    const held = this.#held ?? []
    this.#held = null
    for (const { puts, resolve } of held) {
      this.#apply(puts)
      resolve()
    }
  }

  /** Writes reject, and are gone or kept nevertheless; null ends it. */
  fail(how: 'gone' | 'kept' | null): void {
    this.#failing = how
  }

  async entries(space: Space): Promise<ReadonlyMap<string, Uint8Array>> {
    return new Map([...this.space(space)].sort(([a], [b]) => (a < b ? -1 : 1)))
  }

  async get(space: Space, key: string): Promise<Uint8Array | null> {
    return this.space(space).get(key) ?? null
  }

  space(space: Space): Map<string, Uint8Array> {
    const known = this.spaces.get(space) ?? new Map<string, Uint8Array>()
    this.spaces.set(space, known)
    return known
  }

  #apply(puts: readonly Put[]): void {
    this.batches += 1
    for (const { space, key, value } of puts) {
      if (value === null) this.space(space).delete(key)
      else this.space(space).set(key, value)
    }
  }
}
