/**
 * Names for what Cedar keeps parsed. The library never forgets a name, and 300
 * of them with 100 policies each took 110 MB (FACTS 5.2); so there is a fixed
 * number of names, and the one claimed longest ago is claimed again.
 */

/** One thing to keep parsed. */
export interface Held {
  /** Gives it the name; it must not fail, because the text was checked before. */
  prepare(name: string): void
}

interface Slot {
  readonly name: string
  holder: Held | null
}

export class Ring {
  readonly #slots: readonly Slot[]
  readonly #slotOf = new WeakMap<Held, Slot>()
  #next = 0

  constructor(prefix: string, size: number) {
    this.#slots = Array.from({ length: size }, (_, i) => ({ name: `${prefix}${i}`, holder: null }))
  }

  /** The name under which it is parsed now; good until the next call. */
  nameOf(held: Held): string {
    const slot = this.#slotOf.get(held)
    if (slot !== undefined && slot.holder === held) return slot.name
    const claimed = this.#slots[this.#next % this.#slots.length] as Slot
    this.#next += 1
    // Empty while it is being filled: a failure must not leave it to its former holder.
    claimed.holder = null
    held.prepare(claimed.name)
    claimed.holder = held
    this.#slotOf.set(held, claimed)
    return claimed.name
  }
}
