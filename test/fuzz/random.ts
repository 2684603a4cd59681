/** Chance from a number: the same seed and place give the same input, in every process. */

export class Random {
  #state: number

  /** @param at the how-manieth input of a run */
  constructor(seed: number, at: number) {
    // Two places in a row begin far from each other in the sequence.
    this.#state = Math.imul(seed, 0x27d4_eb2f) ^ Math.imul(at, 0x1656_67b1)
    this.#state = this.next() | 0
  }

  /** 32 bits: a Weyl sequence, each number of it mixed by the finalizer of MurmurHash3. */
  next(): number {
    this.#state = (this.#state + 0x9e37_79b9) | 0
    let x = this.#state
    x = Math.imul(x ^ (x >>> 16), 0x85eb_ca6b)
    x = Math.imul(x ^ (x >>> 13), 0xc2b2_ae35)
    return (x ^ (x >>> 16)) >>> 0
  }

  /** From 0 up to and without n; 0 for nothing. */
  below(n: number): number {
    return n <= 0 ? 0 : this.next() % n
  }

  pick<T>(from: readonly T[]): T {
    return from[this.below(from.length)] as T
  }
}
