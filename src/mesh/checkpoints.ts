/**
 * The newest checkpoint that this node knows of each node's log, kept for the
 * day on which that node comes back with less (design 5, rollback).
 *
 *     checkpoint/<did>/<epoch>   the signed note
 *     witness/<did>/<epoch>      the same, of one that this node cosigned (witness.ts)
 *
 * INVARIANT: one is durable here before it is compared with another, or told
 * to anybody: two restarts would lose it otherwise.
 */
import { equalBytes, textOf, utf8 } from '../core/bytes.ts'
import {
  type Checkpoint,
  epochOf,
  logOrigin,
  openCheckpoint,
  readCheckpoint,
} from '../core/checkpoint.ts'
import type { Governance } from '../core/governance.ts'
import { type Did, isDid } from '../core/keys.ts'
import { CHECKPOINT_BYTES_MAX, CHECKPOINTS_REMEMBERED_MAX } from '../core/limits.ts'
import { Memo } from '../core/memo.ts'
import type { Put, Store } from './ports.ts'

export interface KnownCheckpoint {
  readonly node: Did
  readonly epoch: number
  readonly checkpoint: Checkpoint
  /** As it was signed. */
  readonly note: string
}

export interface CheckpointPorts {
  readonly store: Store
  persist(puts: readonly Put[]): Promise<void>
  governance(): Governance
}

/** Told of two that cannot both be true, the one known first. */
type OnContradiction = (known: KnownCheckpoint, other: KnownCheckpoint) => void

interface Writing {
  newest: KnownCheckpoint
  done: Promise<void>
}

interface Verified {
  readonly log: Did
  readonly known: KnownCheckpoint
}

function sizedKey({ node, epoch, checkpoint }: KnownCheckpoint): string {
  return `${node} ${epoch} ${checkpoint.size}`
}

export class Checkpoints {
  readonly #ports: CheckpointPorts
  readonly #known: Map<string, KnownCheckpoint>
  /** On its way to the disk, by key. */
  readonly #writing = new Map<string, Writing>()
  /** Notes that were verified lately, and the key that signed them: each node says the same again and again. */
  readonly #verified = new Memo<string, Verified>(CHECKPOINTS_REMEMBERED_MAX)
  /** Those that were the newest lately, by log and size: a clone that is behind shows another one. */
  readonly #sized = new Memo<string, KnownCheckpoint>(CHECKPOINTS_REMEMBERED_MAX)
  readonly #listeners: OnContradiction[] = []
  readonly #heads: ((head: KnownCheckpoint) => void)[] = []

  private constructor(ports: CheckpointPorts, known: Map<string, KnownCheckpoint>) {
    this.#ports = ports
    this.#known = known
  }

  static async open(ports: CheckpointPorts): Promise<Checkpoints> {
    const known = new Map<string, KnownCheckpoint>()
    for (const space of ['checkpoint', 'witness'] as const)
      for (const [key, value] of await ports.store.entries(space)) {
        const [note, checkpoint] = [textOf(value), readCheckpoint(value)]
        const [node, epoch] = key.split('/')
        if (node === undefined || !isDid(node)) continue
        if ((known.get(key)?.checkpoint.size ?? -1) >= checkpoint.size) continue
        known.set(key, { node, epoch: Number(epoch), checkpoint, note })
      }
    return new Checkpoints(ports, known)
  }

  /** Told of each head that its log's key signed, as it is heard. */
  onHead(listener: (head: KnownCheckpoint) => void): void {
    this.#heads.push(listener)
  }

  onContradiction(listener: OnContradiction): void {
    this.#listeners.push(listener)
  }

  /** The newest that is durable here, of the newest epoch; null when none was ever heard. */
  newest(node: Did): KnownCheckpoint | null {
    let newest: KnownCheckpoint | null = null
    for (const known of this.#known.values())
      if (known.node === node && known.epoch >= (newest?.epoch ?? 0)) newest = known
    return newest
  }

  /** The newest of that epoch that is durable here. */
  get(node: Did, epoch: number): KnownCheckpoint | null {
    return this.#known.get(`${node}/${epoch}`) ?? null
  }

  /** Of every epoch of every log that one is durable of. */
  all(): Iterable<KnownCheckpoint> {
    return this.#known.values()
  }

  /** Takes what a node showed of its own log, or another of it. Resolves when durable, or when there is nothing to keep. */
  async offer(node: Did, note: string): Promise<void> {
    const seen = this.read(node, note)
    if (seen === null) return
    for (const listener of this.#heads) listener(seen)
    const key = `${node}/${seen.epoch}`
    const known = this.#known.get(key)
    if (known !== undefined && known.checkpoint.size >= seen.checkpoint.size) {
      this.#compare(known, seen)
      const sized = this.#sized.get(sizedKey(seen))
      if (sized !== undefined && known.checkpoint.size > seen.checkpoint.size)
        this.#compare(sized, seen)
      return
    }
    this.#size(seen)
    const writing = this.#writing.get(key)
    if (writing === undefined) return this.#begin(key, seen)
    if (writing.newest.checkpoint.size < seen.checkpoint.size) writing.newest = seen
    await writing.done
    const kept = this.#known.get(key)
    if (kept !== undefined) this.#compare(kept, seen)
  }

  /** Takes one that is durable as what this node cosigned: it need not be written twice. */
  cosigned(seen: KnownCheckpoint): void {
    const key = `${seen.node}/${seen.epoch}`
    const known = this.#known.get(key)
    if (known !== undefined && known.checkpoint.size >= seen.checkpoint.size) {
      this.#compare(known, seen)
      return
    }
    this.#size(seen)
    this.#known.set(key, seen)
  }

  /** null unless the node's own log key signed it, for an epoch that governance knows. @param key a former one, where that is wanted */
  read(node: Did, note: string, key?: Did): KnownCheckpoint | null {
    const { mesh, members, epochs } = this.#ports.governance()
    const log = key ?? members.get(node)?.log
    if (mesh === null || log === undefined || Buffer.byteLength(note) > CHECKPOINT_BYTES_MAX)
      return null
    const epoch = epochOf(note)
    // Epochs that nobody declared would fill the disk with the word of one node.
    if (epoch === null || epoch > Math.max(1, epochs.get(node)?.epoch ?? 0)) return null
    const origin = logOrigin(mesh, node, epoch)
    const before = this.#verified.get(note)
    if (before?.log === log && before.known.checkpoint.origin === origin) return before.known
    const checkpoint = openCheckpoint(note, origin, log)
    if (checkpoint === null) return null
    const known = { node, epoch, checkpoint, note }
    this.#verified.set(note, { log, known })
    return known
  }

  #size(seen: KnownCheckpoint): void {
    const key = sizedKey(seen)
    if (this.#sized.get(key) === undefined) this.#sized.set(key, seen)
  }

  #begin(key: string, seen: KnownCheckpoint): Promise<void> {
    const writing: Writing = { newest: seen, done: Promise.resolve() }
    this.#writing.set(key, writing)
    writing.done = this.#keep(key, writing)
    return writing.done
  }

  /** One write at a time for each log: of those that come meanwhile the newest alone follows. */
  async #keep(key: string, writing: Writing): Promise<void> {
    const { persist } = this.#ports
    try {
      for (let kept: KnownCheckpoint | null = null; kept !== writing.newest; ) {
        kept = writing.newest
        await persist([{ space: 'checkpoint', key, value: utf8(kept.note) }])
        this.#known.set(key, kept)
      }
    } finally {
      // In the turn of the last look: what comes after it begins anew.
      this.#writing.delete(key)
    }
  }

  #compare(known: KnownCheckpoint, seen: KnownCheckpoint): void {
    const [a, b] = [known.checkpoint, seen.checkpoint]
    if (a.size !== b.size || equalBytes(a.rootHash, b.rootHash)) return
    for (const listener of this.#listeners) listener(known, seen)
  }
}
