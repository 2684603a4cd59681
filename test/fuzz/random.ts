/** Chance from a number: the same seed and place give the same input, in every process. */

export class Random {
  #state: number

  /** @param at the how-manieth input of a run */
  constructor(seed: number, at: number) {
    this.#state = (Math.imul(seed ^ 0x9e37_79b9, 0x85eb_ca6b) ^ Math.imul(at + 1, 0xc2b2_ae35)) | 1
    for (let i = 0; i < 3; i += 1) this.next()
  }

  /** 32 bits (xorshift, Marsaglia 2003). */
  next(): number {
    let x = this.#state
    x ^= x << 13
    x ^= x >>> 17
    x ^= x << 5
    this.#state = x
    return x >>> 0
  }

  /** From 0 up to and without n; 0 for nothing. */
  below(n: number): number {
    return n <= 0 ? 0 : this.next() % n
  }

  pick<T>(from: readonly T[]): T {
    return from[this.below(from.length)] as T
  }
}
