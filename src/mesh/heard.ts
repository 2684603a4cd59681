/** What each node last said of itself, signed: for status pages, and to see who lacks what. Nothing is decided by it. */
import type { Did } from '../core/keys.ts'
import { PEERS_MAX } from '../core/limits.ts'
import type { Announcement } from './announce.ts'
import type { Checkpoints } from './checkpoints.ts'
import type { Clock } from './ports.ts'
import type { StateAnswer } from './state-frames.ts'

export interface Word {
  readonly node: Did
  readonly digest: string
  /** Effective statements. */
  readonly size: number
  readonly rootVersion: number
  readonly logSize: number | null
  readonly epoch: number | null
  /** This node's wall clock less the other's; of an announcement with its time on the way. */
  readonly clockOffsetMs: number
  readonly atMs: number
}

export class Heard {
  readonly #clock: Clock
  readonly #checkpoints: Checkpoints
  readonly #words = new Map<Did, Word>()

  constructor(clock: Clock, checkpoints: Checkpoints) {
    this.#clock = clock
    this.#checkpoints = checkpoints
  }

  last(node: Did): Word | null {
    return this.#words.get(node) ?? null
  }

  /** Takes a verified answer to a question of this node. */
  answered(answer: StateAnswer, clockOffsetMs: number): void {
    this.#hear({ ...answer, rootVersion: answer.root, clockOffsetMs })
  }

  /** Takes an announcement that the inbox accepted. */
  announced(announcement: Announcement): void {
    const clockOffsetMs = this.#clock.wallMs() - announcement.timeMs
    this.#hear({ ...announcement, rootVersion: announcement.root, clockOffsetMs })
  }

  #hear(
    said: Omit<Word, 'atMs' | 'logSize' | 'epoch'> & { readonly checkpoint: string | null },
  ): void {
    const { node, digest, size, rootVersion, clockOffsetMs, checkpoint } = said
    const log = checkpoint === null ? null : this.#checkpoints.read(node, checkpoint)
    this.#words.delete(node)
    this.#words.set(node, {
      node,
      digest,
      size,
      rootVersion,
      logSize: log?.checkpoint.size ?? null,
      epoch: log?.epoch ?? null,
      clockOffsetMs,
      atMs: this.#clock.wallMs(),
    })
    for (const oldest of this.#words.keys()) {
      if (this.#words.size <= PEERS_MAX) break
      this.#words.delete(oldest)
    }
    if (checkpoint === null) return
    // Not kept now, it is shown again: nothing rests on this one being durable until it is reported.
    this.#checkpoints.offer(node, checkpoint).catch(() => {})
  }
}
