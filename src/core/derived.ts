/**
 * What follows from things that are never edited: made once, and given again
 * when every one of them is the very same. Bounded like every memory; to forget
 * costs time and never changes an answer.
 */
import type { Did } from './keys.ts'
import { Memo } from './memo.ts'

/** Known by its identity. INVARIANT: it is replaced where it changes, never edited. */
type Thing = object | Did | null

/** Given once and never again. */
const numbers = new WeakMap<object, number>()
let numbered = 0

export class Derived<T> {
  readonly #met = new WeakSet<object>()
  readonly #made: Memo<string, { readonly value: T }>

  /** @param max values kept; at least half as many of those asked for last are */
  constructor(max: number) {
    this.#made = new Memo(max)
  }

  /**
   * @param first what is met for the first time is not remembered yet: most that comes from outside never comes again
   * @param others whatever else `make` looks at, always in the same order
   */
  of(first: object, others: readonly Thing[], make: () => T): T {
    if (!this.#met.has(first)) {
      this.#met.add(first)
      return make()
    }
    let key = `${nameOf(first)}`
    for (const thing of others) key += ` ${nameOf(thing)}`
    const known = this.#made.get(key)
    if (known !== undefined) return known.value
    const value = make()
    this.#made.set(key, { value })
    return value
  }
}

function nameOf(thing: Thing): number | Did | null {
  if (thing === null || typeof thing === 'string') return thing
  const known = numbers.get(thing)
  if (known !== undefined) return known
  numbered += 1
  numbers.set(thing, numbered)
  return numbered
}
