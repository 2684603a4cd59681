/**
 * What was used and may not be used again: invocations by their CID, and the
 * links of single-use artifacts.
 *
 *     nonce/<cid>   "2026-11-24T14:03:22.000Z"   when it may be forgotten
 *
 * A use is reserved the moment a judgement allows, before anything is awaited,
 * and it becomes durable in the same batch as the decision's record. A
 * reservation is never given back: after a failed write nobody knows whether
 * it reached the disk (S13).
 */

import { textOf, utf8 } from '../core/bytes.ts'
import type { Cid } from '../core/id.ts'
import type { Use } from '../core/judge.ts'
import { NONCES_MAX } from '../core/limits.ts'
import { formatTime, time } from '../core/shape.ts'
import type { Put, Store } from './ports.ts'

export class Nonces {
  readonly #used: Map<Cid, number>
  /** Where the last look for expired ones stopped; a Map's iterator stays good while it changes. */
  #next: Iterator<readonly [Cid, number]>
  #last = { expiresMs: 0, value: utf8(formatTime(0)) }

  private constructor(used: Map<Cid, number>) {
    this.#used = used
    this.#next = used.entries()
  }

  static async open(store: Pick<Store, 'entries'>): Promise<Nonces> {
    const used = new Map<Cid, number>()
    for (const [cid, value] of await store.entries('nonce')) used.set(cid, time(textOf(value), cid))
    return new Nonces(used)
  }

  get full(): boolean {
    return this.#used.size >= NONCES_MAX
  }

  seen(cid: Cid): boolean {
    return this.#used.has(cid)
  }

  /** Marks the uses at once and gives the puts that make them durable. */
  reserve(uses: readonly Use[]): Put[] {
    return uses.map(({ cid, expiresMs }) => {
      this.#used.set(cid, expiresMs)
      return { space: 'nonce', key: cid, value: this.#printed(expiresMs) }
    })
  }

  /** Of all that expire in one second it is the same. */
  #printed(expiresMs: number): Uint8Array {
    if (this.#last.expiresMs !== expiresMs)
      this.#last = { expiresMs, value: utf8(formatTime(expiresMs)) }
    return this.#last.value
  }

  /** Looks at the next count of them, round and round, and gives the puts that forget what expired before nowMs. */
  expire(nowMs: number, count: number): Put[] {
    const puts: Put[] = []
    for (let looked = 0; looked < count; looked += 1) {
      const { done, value } = this.#next.next()
      if (done === true) {
        this.#next = this.#used.entries()
        break
      }
      const [cid, expiresMs] = value
      if (expiresMs >= nowMs) continue
      this.#used.delete(cid)
      puts.push({ space: 'nonce', key: cid, value: null })
    }
    return puts
  }
}
