/**
 * The newest checkpoint of each log that a quorum of witnesses cosigned, as far
 * as this node knows. Its own is durable; those of others are what they showed.
 *
 *     cosigned/<did>/<epoch>   this node's own, with the lines of its witnesses
 *
 * Whether it is a quorum is asked under the newest root, each time: a root with
 * other witnesses makes a checkpoint wait for theirs.
 */
import { textOf, utf8 } from '../core/bytes.ts'
import {
  type Cosignature,
  cosignaturesOf,
  type WitnessKeys,
  witnessed,
  witnessKeysOf,
} from '../core/cosignature.ts'
import type { Governance } from '../core/governance.ts'
import { type Did, isDid } from '../core/keys.ts'
import { CHECKPOINTS_REMEMBERED_MAX, COSIGNED_BYTES_MAX, PEERS_MAX } from '../core/limits.ts'
import { Malformed } from '../core/malformed.ts'
import { Memo } from '../core/memo.ts'
import { formatNoteLine, splitNote } from '../core/note.ts'
import type { Checkpoints, KnownCheckpoint } from './checkpoints.ts'
import type { Put, Store } from './ports.ts'

export interface CosignedCheckpoint extends KnownCheckpoint {
  /** Of the newest root's witnesses, each once. */
  readonly cosignatures: readonly Cosignature[]
}

export interface CosignedPorts {
  readonly self: Did
  readonly store: Pick<Store, 'entries'>
  readonly checkpoints: Pick<Checkpoints, 'read'>
  persist(puts: readonly Put[]): Promise<void>
  governance(): Governance
}

export class Cosigned {
  readonly #ports: CosignedPorts
  /** Of each node: the last note that was a quorum's, and the last that was shown, which nobody has looked at yet. */
  readonly #notes = new Map<Did, { readonly good: string | null; readonly shown: string | null }>()
  /** What a note says, by the keys that it was read with. */
  readonly #read = new Memo<string, CosignedCheckpoint>(CHECKPOINTS_REMEMBERED_MAX)

  private constructor(ports: CosignedPorts) {
    this.#ports = ports
  }

  static async open(ports: CosignedPorts): Promise<Cosigned> {
    const cosigned = new Cosigned(ports)
    let newest = 0
    for (const [key, value] of await ports.store.entries('cosigned')) {
      const [node, digits] = key.split('/')
      if (node === undefined || !isDid(node) || Number(digits) < newest) continue
      newest = Number(digits)
      cosigned.#notes.set(node, { good: textOf(value), shown: null })
    }
    return cosigned
  }

  /** null when no quorum of the newest root's witnesses is known to have cosigned one. */
  newest(node: Did): CosignedCheckpoint | null {
    const notes = this.#notes.get(node)
    if (notes === undefined) return null
    const shown = notes.shown === null ? null : this.#quorumOf(node, notes.shown)
    const good = notes.good === null ? null : this.#quorumOf(node, notes.good)
    if (shown === null || (good !== null && !newer(shown, good))) return good
    this.#notes.set(node, { good: notes.shown, shown: null })
    return shown
  }

  /** The last note that was kept, or found to be a quorum's; null for none. */
  note(node: Did): string | null {
    return this.#notes.get(node)?.good ?? null
  }

  /** Takes what a node showed of its own log. It is verified when somebody wants it. */
  show(node: Did, note: string): void {
    if (note.length > COSIGNED_BYTES_MAX || node === this.#ports.self) return
    const good = this.#notes.get(node)?.good ?? null
    this.#notes.delete(node)
    this.#notes.set(node, { good, shown: note })
    for (const oldest of this.#notes.keys()) {
      if (this.#notes.size <= PEERS_MAX) break
      if (oldest !== this.#ports.self) this.#notes.delete(oldest)
    }
  }

  /** Keeps this node's own, with the cosignatures that it collected. Resolves when it is durable. */
  async keep({ node, epoch, note }: KnownCheckpoint): Promise<void> {
    const key = `${node}/${epoch}`
    await this.#ports.persist([{ space: 'cosigned', key, value: utf8(note) }])
    this.#notes.set(node, { good: note, shown: null })
  }

  /** null unless its log signed it, and no line of a witness is wrong. It may have fewer cosignatures than a quorum. */
  read(node: Did, note: string): CosignedCheckpoint | null {
    const { checkpoints, governance } = this.#ports
    const keys = witnessKeysOf(governance())
    const log = governance().members.get(node)?.log
    if (log === undefined) return null
    const key = `${[log, ...keys].join(' ')} ${note}`
    const before = this.#read.get(key)
    if (before !== undefined) return before
    const bare = bareNote(note)
    const seen = bare === null ? null : checkpoints.read(node, bare)
    const known = seen === null ? null : verified({ ...seen, note }, keys, log)
    if (known !== null) this.#read.set(key, known)
    return known
  }

  #quorumOf(node: Did, note: string): CosignedCheckpoint | null {
    const known = this.read(node, note)
    return known !== null && witnessed(known.cosignatures, this.#ports.governance()) ? known : null
  }
}

/** As the log signed it, without what others added: the line of the name that is the origin. */
function bareNote(note: string): string | null {
  try {
    const { body, lines } = splitNote(note)
    const line = lines.find(({ name }) => body.startsWith(`${name}\n`))
    return line === undefined ? null : `${body}\n${formatNoteLine(line)}`
  } catch (error) {
    // Untrusted bytes come in here: what is no note shows nothing.
    if (error instanceof Malformed) return null
    throw error
  }
}

function verified(
  seen: KnownCheckpoint,
  keys: WitnessKeys,
  logKey: Did,
): CosignedCheckpoint | null {
  try {
    return { ...seen, cosignatures: cosignaturesOf(seen.note, keys, logKey) }
  } catch (error) {
    // Untrusted lines: one that does not hold rejects the note (signed-note).
    if (error instanceof Malformed) return null
    throw error
  }
}

function newer(a: KnownCheckpoint, b: KnownCheckpoint): boolean {
  return a.epoch > b.epoch || (a.epoch === b.epoch && a.checkpoint.size >= b.checkpoint.size)
}
