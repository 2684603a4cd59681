/**
 * Memory of pure answers, bounded: what was used lately stays. Forgetting
 * costs time and never changes an answer.
 */
import { type Cid, cidOf } from './id.ts'
import { TOKEN_REMEMBERED_BYTES_MAX, TOKENS_REMEMBERED_MAX } from './limits.ts'

export class Memo<K, V> {
  readonly #entries = new Map<K, V>()
  readonly #max: number

  constructor(max: number) {
    this.#max = max
  }

  get(key: K): V | undefined {
    const value = this.#entries.get(key)
    if (value === undefined) return undefined
    // A Map keeps the order of insertion: its first key is the one used longest ago.
    this.#entries.delete(key)
    this.#entries.set(key, value)
    return value
  }

  set(key: K, value: V): void {
    this.#entries.delete(key)
    this.#entries.set(key, value)
    for (const oldest of this.#entries.keys()) {
      if (this.#entries.size <= this.#max) break
      this.#entries.delete(oldest)
    }
  }
}

/** Decoded tokens by CID, which covers every byte. Large ones are not kept: anybody may send them. */
export class TokenMemo<T> {
  readonly #memo = new Memo<Cid, T>(TOKENS_REMEMBERED_MAX)

  /** @param read is given bytes of its own, and throws for what is not to be remembered */
  read(bytes: Uint8Array, read: (own: Uint8Array) => T): T {
    if (bytes.length > TOKEN_REMEMBERED_BYTES_MAX) return read(bytes.slice())
    const cid = cidOf(bytes)
    const known = this.#memo.get(cid)
    if (known !== undefined) return known
    const token = read(bytes.slice())
    this.#memo.set(cid, token)
    return token
  }
}
