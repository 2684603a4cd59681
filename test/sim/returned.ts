/** Records that a mirror brought back, as a history tells of them. */
import type { Event } from './history.ts'

/** They are durable in the log that the disk has before the boot check is over, when nothing is appended. */
export class Returned {
  records = 0
  restores = 0
  /** Of each node that is not checked yet: the epoch of its log. */
  readonly #unchecked = new Map<number, number>()
  readonly #of = new Map<number, number>()

  see(event: Event): void {
    const { node } = event
    if (node === null) return
    if (event.ev === 'restore') this.restores += 1
    if (event.ev === 'boot') this.#unchecked.set(node, event.log.epoch)
    if (event.ev === 'ready') this.#unchecked.delete(node)
    if (event.ev === 'durable' && event.log.epoch === this.#unchecked.get(node))
      this.#add(node, event.log.ids.length)
  }

  /** How many came back to the node. */
  of(node: number): number {
    return this.#of.get(node) ?? 0
  }

  #add(node: number, count: number): void {
    this.records += count
    this.#of.set(node, this.of(node) + count)
  }
}
