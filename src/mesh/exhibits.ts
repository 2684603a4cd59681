/**
 * What decisions were asked with, on its way into the log's batches. Many rest
 * on the same links, so a link is written again only after so many others: its
 * reader goes through the log in its order, and finds it not far before.
 */
import { exhibitOf } from '../core/exhibit.ts'
import type { Cid } from '../core/id.ts'
import type { JudgeInput, Judgement } from '../core/judgement.ts'
import { EXHIBITS_SHARING_MAX } from '../core/limits.ts'

export class Exhibits {
  /** Links of the last exhibits. */
  #links = new Set<Cid>()
  #made = 0
  #epoch = 0

  /**
   * @param epoch of the log that it will stand in: nothing that is kept beside another log is beside this one
   * @returns null where there is nothing to keep
   */
  make(
    input: Pick<JudgeInput, 'presented' | 'parent'>,
    judgement: Pick<Judgement, 'coverage'>,
    epoch: number,
  ): Uint8Array | null {
    if (this.#made >= EXHIBITS_SHARING_MAX || epoch !== this.#epoch) this.lost()
    this.#epoch = epoch
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
