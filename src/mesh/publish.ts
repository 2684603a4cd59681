/**
 * Signs the log's head for others to see: at most once a second, only over
 * records that are durable, only when it grew, and never a smaller one. What
 * is signed is first kept outside the database; then it is said (design 5).
 * Not before the boot check: a restored image would sign what others can prove
 * to contradict what it signed before.
 */
import { readCheckpoint, signCheckpoint } from '../core/checkpoint.ts'
import type { Signer } from '../core/keys.ts'
import { PUBLISH_INTERVAL_MS } from '../core/limits.ts'
import { rootHash } from '../core/merkle.ts'
import type { Log } from './log.ts'
import type { Clock, Store } from './ports.ts'

export interface PublisherPorts {
  readonly log: Pick<Log, 'tree' | 'open' | 'sealed' | 'probe'>
  readonly store: Store
  readonly clock: Clock
  /** The log key. */
  readonly signer: Signer
  /** The log's name in its mesh; null before there is a mesh. */
  origin(): string | null
}

export class Publisher {
  readonly #ports: PublisherPorts
  readonly #listeners: ((checkpoint: Uint8Array) => void)[] = []
  #checkpoint: Uint8Array | null = null
  #origin: string | null = null
  #size = 0

  private constructor(ports: PublisherPorts) {
    this.#ports = ports
  }

  /** Begins with what was published last, before this start. */
  static async open(ports: PublisherPorts): Promise<Publisher> {
    const publisher = new Publisher(ports)
    const { head } = ports.store
    if (head === null) return publisher
    const { origin, size } = readCheckpoint(head)
    publisher.#checkpoint = head
    publisher.#origin = origin
    publisher.#size = size
    return publisher
  }

  /** The newest, of the current log; null before there is one. */
  get checkpoint(): Uint8Array | null {
    return this.#origin === this.#ports.origin() ? this.#checkpoint : null
  }

  /** Records of the current log that a published checkpoint covers. */
  get size(): number {
    return this.#origin === this.#ports.origin() ? this.#size : 0
  }

  onPublished(listener: (checkpoint: Uint8Array) => void): void {
    this.#listeners.push(listener)
  }

  /** Until the signal. */
  async run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      await this.publish()
      await this.#ports.clock.sleep(PUBLISH_INTERVAL_MS, signal)
    }
  }

  /** Publishes if there is something new; false when there is not, or the disk does not take it. */
  async publish(): Promise<boolean> {
    const { log, store, signer } = this.#ports
    const origin = this.#ports.origin()
    if (origin === null || !log.open || log.sealed !== null) return false
    if (!this.#isNew(origin)) return false
    const { tree } = log
    const checkpoint = signCheckpoint({ origin, size: tree.size, rootHash: rootHash(tree) }, signer)
    try {
      await store.keepHead(checkpoint)
    } catch {
      // Not said, so not owed: the log opens the store anew, and the next round tries again.
      await log.probe()
      return false
    }
    this.#checkpoint = checkpoint
    this.#origin = origin
    this.#size = tree.size
    for (const listener of this.#listeners) listener(checkpoint)
    return true
  }

  #isNew(origin: string): boolean {
    return origin !== this.#origin || this.#ports.log.tree.size > this.#size
  }
}
