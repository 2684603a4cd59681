/**
 * How many looks of one costly kind run at once. Who comes when all places are
 * taken is told so at once: a reader may make other readers wait, never
 * whoever is to be decided for.
 */
import { MeshError } from '../core/problems.ts'

export class Gate {
  readonly #places: number
  #taken = 0

  constructor(places: number) {
    this.#places = places
  }

  /** @throws MeshError TOO_MANY, and what the look throws */
  async through<T>(look: () => Promise<T>): Promise<T> {
    if (this.#taken >= this.#places)
      throw new MeshError('TOO_MANY', `${this.#places} such requests are being answered already`, {
        hint: 'ask again in a moment',
      })
    this.#taken += 1
    try {
      return await look()
    } finally {
      this.#taken -= 1
    }
  }
}
