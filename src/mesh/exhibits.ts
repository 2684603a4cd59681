/**
 * What decisions were asked with, on its way into the log's batches. Many rest
 * on the same links, so a link is written again only after so many others: its
 * reader goes through the log in its order, and finds it not far before, in
 * the same chunk: what is pruned is whole chunks, and nothing behind rests on it.
 */
import { exhibitOf } from '../core/exhibit.ts'
import type { Cid } from '../core/id.ts'
import type { JudgeInput, Judgement } from '../core/judgement.ts'
import { EXHIBITS_SHARING_MAX, INDEX_RECORDS } from '../core/limits.ts'

/** In the log of a node. */
export interface Place {
  readonly epoch: number
  readonly index: number
}

export class Exhibits {
  /** Links of the last exhibits. */
  #links = new Set<Cid>()
  #made = 0
  /** Of the log and its part in which the last one stands. */
  #chunk = ''

  /**
   * @param place where its record will stand: nothing that is kept beside another log, or before this chunk, counts as kept
   * @returns null where there is nothing to keep
   */
  make(
    input: Pick<JudgeInput, 'presented' | 'parent'>,
    judgement: Pick<Judgement, 'coverage'>,
    { epoch, index }: Place,
  ): Uint8Array | null {
    const chunk = `${epoch} ${Math.floor(index / INDEX_RECORDS)}`
    if (this.#made >= EXHIBITS_SHARING_MAX || chunk !== this.#chunk) this.lost()
    this.#chunk = chunk
    const exhibit = exhibitOf(input, judgement, this.#links)
    if (exhibit === null) return null
    this.#made += 1
    for (const cid of judgement.coverage.links) this.#links.add(cid)
    return exhibit
  }

  /** One of them may not be on the disk: the next ones say everything again. */
  lost(): void {
    this.#links = new Set()
    this.#made = 0
  }
}
