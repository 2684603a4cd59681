/** A few at once for each peer; the others wait in order, until their signal. */
import type { Did } from '../core/keys.ts'
import { MeshError } from '../core/problems.ts'

interface Row {
  taken: number
  readonly waiting: (() => void)[]
}

export class Slots {
  readonly #rows = new Map<Did, Row>()
  readonly #max: number

  constructor(max: number) {
    this.#max = max
  }

  /** Resolves with what gives the slot back. Rejects TIMEOUT when the signal aborts first. */
  async take(peer: Did, signal: AbortSignal): Promise<() => void> {
    const row = this.#rows.get(peer) ?? { taken: 0, waiting: [] }
    this.#rows.set(peer, row)
    if (row.taken < this.#max) row.taken += 1
    else await this.#wait(row, peer, signal)
    return () => this.#release(row, peer)
  }

  #wait(row: Row, peer: Did, signal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      const late = () => {
        row.waiting.splice(row.waiting.indexOf(turn), 1)
        reject(new MeshError('TIMEOUT', `peer \`${peer}\`: too many questions wait for it`))
      }
      // The slot is handed over, never free in between.
      const turn = () => {
        signal.removeEventListener('abort', late)
        resolve()
      }
      row.waiting.push(turn)
      signal.addEventListener('abort', late, { once: true })
      if (signal.aborted) late()
    })
  }

  #release(row: Row, peer: Did): void {
    const next = row.waiting.shift()
    if (next === undefined) row.taken -= 1
    else next()
    if (row.taken === 0) this.#rows.delete(peer)
  }
}
