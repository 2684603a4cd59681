/**
 * The statement that counts for each key: the best by a total order, so the
 * order of arrival does not matter. Its view is a value, sorted by key: what a
 * check meets first is the same on every node.
 */
export class Best<K extends string, T> {
  readonly #best = new Map<K, T>()
  readonly #beats: (one: T, other: T) => boolean
  #view: ReadonlyMap<K, T> | null = null

  /** @param beats never both ways for two that differ */
  constructor(beats: (one: T, other: T) => boolean) {
    this.#beats = beats
  }

  add(key: K, one: T): void {
    const known = this.#best.get(key)
    if (known !== undefined && !this.#beats(one, known)) return
    this.#best.set(key, one)
    this.#view = null
  }

  get view(): ReadonlyMap<K, T> {
    this.#view ??= new Map([...this.#best].sort(([a], [b]) => (a < b ? -1 : 1)))
    return this.#view
  }
}
