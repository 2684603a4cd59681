/**
 * Memory of pure answers, bounded: what was used lately stays. Forgetting
 * costs time and never changes an answer.
 */
import { type Cid, cidOf } from './id.ts'
import { TOKEN_REMEMBERED_BYTES_MAX, TOKENS_REMEMBERED_MAX } from './limits.ts'

/** Two generations: what is asked for moves to the young one, and when that is full the old one goes. Nothing is ever taken out of a Map, which is slow. */
export class Memo<K, V> {
  #young = new Map<K, V>()
  #old = new Map<K, V>()
  readonly #half: number

  /** @param max entries; at least half as many of those used last are kept */
  constructor(max: number) {
    this.#half = Math.max(1, Math.floor(max / 2))
  }

  get(key: K): V | undefined {
    const value = this.#young.get(key)
    if (value !== undefined) return value
    const old = this.#old.get(key)
    if (old !== undefined) this.set(key, old)
    return old
  }

  set(key: K, value: V): void {
    if (this.#young.size >= this.#half && !this.#young.has(key)) {
      this.#old = this.#young
      this.#young = new Map()
    }
    this.#young.set(key, value)
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
