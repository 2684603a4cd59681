/** Records that a mirror brought back, as a history tells of them. */
import type { Event } from './history.ts'

/** They are durable in the log that the disk has before the boot check is over, when nothing is appended. */
export class Returned {
  records = 0
  restores = 0
  /** Of each node that is not checked yet: the epoch of its log. */
  readonly #unchecked = new Map<number, number>()
  /** Of each node: the epoch of the log that it keeps now, and how many came back to that one. */
  readonly #kept = new Map<number, { readonly epoch: number; readonly count: number }>()

  see(event: Event): void {
    const { node } = event
    if (node === null) return
    if (event.ev === 'restore') this.restores += 1
    if (event.ev === 'boot') this.#unchecked.set(node, event.log.epoch)
    if (event.ev === 'ready') this.#unchecked.delete(node)
    if (event.ev !== 'durable') return
    const { epoch, ids } = event.log
    this.#add(node, epoch, epoch === this.#unchecked.get(node) ? ids.length : 0)
  }

  /** How many came back to the log that the node keeps. */
  of(node: number): number {
    return this.#kept.get(node)?.count ?? 0
  }

  #add(node: number, epoch: number, count: number): void {
    this.records += count
    const kept = this.#kept.get(node)
    // Another log has none of them.
    const before = kept?.epoch === epoch ? kept.count : 0
    this.#kept.set(node, { epoch, count: before + count })
  }
}
