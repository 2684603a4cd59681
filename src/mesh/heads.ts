/**
 * Heads of logs that somebody carries by hand, out of here and into here. They
 * go the way of those that peers show: verified against the log key of a member,
 * durable before they are compared, and a head of this node's own log that it
 * does not continue ends it.
 */
import type { Did } from '../core/keys.ts'
import type { Checkpoints, KnownCheckpoint } from './checkpoints.ts'

export interface HeadsPorts {
  readonly self: Did
  readonly checkpoints: Pick<Checkpoints, 'all' | 'get' | 'read' | 'offer'>
  /** Looks at a head of this node's own log. */
  shown(note: string): Promise<void>
}

export class Heads {
  readonly #ports: HeadsPorts

  constructor(ports: HeadsPorts) {
    this.#ports = ports
  }

  all(): readonly KnownCheckpoint[] {
    return [...this.#ports.checkpoints.all()]
  }

  /** Whether it was a head, and news. Resolves once it is durable and was compared. */
  async take(node: Did, note: string): Promise<'new' | 'known' | 'refused'> {
    const { self, checkpoints, shown } = this.#ports
    const read = checkpoints.read(node, note)
    if (read === null) return 'refused'
    const before = checkpoints.get(node, read.epoch)?.checkpoint.size ?? -1
    await checkpoints.offer(node, note)
    if (node === self) await shown(note)
    return read.checkpoint.size > before ? 'new' : 'known'
  }
}
