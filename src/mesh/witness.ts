/**
 * The witness's side of cosigning (design 5; C2SP tlog-witness). For each log
 * of the mesh it keeps the checkpoint that it cosigned last; it cosigns another
 * one only when that continues this one.
 *
 *     witness/<did>/<epoch>   the signed note that was cosigned last
 *
 * INVARIANT: it persists, then it signs; check and persist are one step for each
 * log. One that was not checked since its start signs nothing: it may have
 * forgotten what it signed.
 */
import { type AddCheckpoint, parseAddCheckpoint } from '../core/add-checkpoint.ts'
import { equalBytes, textOf, utf8 } from '../core/bytes.ts'
import { logOrigin, readCheckpoint } from '../core/checkpoint.ts'
import { cosign } from '../core/cosignature.ts'
import type { Governance } from '../core/governance.ts'
import type { Did, Signer } from '../core/keys.ts'
import { COSIGN_INTERVAL_MS } from '../core/limits.ts'
import { Malformed } from '../core/malformed.ts'
import { EMPTY, type Hash, rootHash } from '../core/merkle.ts'
import { verifyConsistency } from '../core/proof.ts'
import { Burden } from './burden.ts'
import type { Checkpoints, KnownCheckpoint } from './checkpoints.ts'
import type { LogAnswer, LogRefusal } from './log-frames.ts'
import type { Clock, Put, Store } from './ports.ts'
import { inGoodStanding } from './standing.ts'

export interface WitnessPorts {
  readonly self: Did
  readonly clock: Clock
  readonly store: Pick<Store, 'entries'>
  readonly boot: { readonly done: boolean }
  readonly checkpoints: Pick<Checkpoints, 'cosigned' | 'get' | 'offer' | 'read'>
  /** The node's witness key. */
  readonly witness: Signer
  governance(): Governance
  persist(puts: readonly Put[]): Promise<void>
  /** Told of two checkpoints of one log of which the proof does not lead from the one to the other, the one cosigned first. */
  contradicted(known: KnownCheckpoint, other: KnownCheckpoint, proof: readonly Hash[]): void
  /** Told of each answer, for metrics. */
  readonly answered?: (answer: LogAnswer) => void
}

/** A signed note, and what it says. */
type Cosigned = Pick<KnownCheckpoint, 'note' | 'checkpoint'>

/** Of a log that was never cosigned here. */
const NOTHING = { size: 0, rootHash: rootHash(EMPTY) }
const ASKS_MAX = 2

export class Witness {
  readonly #ports: WitnessPorts
  readonly #burden: Burden
  /** By key: what was cosigned last, durable. */
  readonly #cosigned: Map<string, Cosigned>
  /** Of each node: since when, monotonic, it asked how often. */
  readonly #asked = new Map<Did, { readonly sinceMs: number; times: number }>()
  /** Logs that were cosigned since the start. */
  readonly #continued = new Set<string>()
  /** Nodes of which a checkpoint is on its way to the disk. */
  readonly #busy = new Set<Did>()

  private constructor(ports: WitnessPorts, cosigned: Map<string, Cosigned>) {
    this.#ports = ports
    this.#burden = new Burden(ports.clock)
    this.#cosigned = cosigned
  }

  static async open(ports: WitnessPorts): Promise<Witness> {
    const cosigned = new Map<string, Cosigned>()
    for (const [key, value] of await ports.store.entries('witness'))
      cosigned.set(key, { note: textOf(value), checkpoint: readCheckpoint(value) })
    return new Witness(ports, cosigned)
  }

  /** Whether this node cosigns now. */
  get speaks(): boolean {
    const { self, boot, witness } = this.#ports
    const { root, members } = this.#ports.governance()
    return (
      boot.done &&
      root?.witnesses.includes(self) === true &&
      members.get(self)?.witness === witness.did
    )
  }

  /** Between two cosignatures of one log. */
  static intervalMs({ members }: Governance): number {
    return Math.max(COSIGN_INTERVAL_MS, members.size * 10)
  }

  /** Answers one request, of the log's own node. @param body as it came: whatever a peer may send */
  async add(peer: Did, body: string): Promise<LogAnswer> {
    const answer = await this.#add(peer, body)
    this.#ports.answered?.(answer)
    return answer
  }

  async #add(peer: Did, body: string): Promise<LogAnswer> {
    if (!this.speaks) return refused('unready')
    if (!inGoodStanding(this.#ports.governance(), peer, this.#ports.clock.wallMs()))
      return refused('origin')
    if (this.#busy.has(peer) || this.#often(peer)) return refused('often')
    const asked = this.#burden.weigh(peer, () => this.#read(peer, body), isRead)
    if (!isRead(asked)) return refused(asked)
    this.#busy.add(peer)
    try {
      return await this.#step(`${peer}/${asked.seen.epoch}`, asked)
    } finally {
      this.#busy.delete(peer)
    }
  }

  /** More than two requests in half of the interval: one that learns the size, and one that uses it. */
  #often(peer: Did): boolean {
    if (this.#burden.tooMuch(peer)) return true
    const { clock, governance } = this.#ports
    const nowMs = clock.monotonicMs()
    const asked = this.#asked.get(peer)
    // Half: the asker's clock has another pace, and the way another length.
    if (asked === undefined || nowMs - asked.sinceMs >= Witness.intervalMs(governance()) / 2) {
      this.#asked.set(peer, { sinceMs: nowMs, times: 1 })
      return false
    }
    asked.times += 1
    return asked.times > ASKS_MAX
  }

  /** What is asked, verified but for the proof; the conditions of tlog-witness in their order. */
  #read(peer: Did, body: string): Asked | LogRefusal {
    const add = malformedIsNull(() => parseAddCheckpoint(body))
    if (add === null) return 'malformed'
    const { mesh, epochs } = this.#ports.governance()
    // A log is cosigned in its current epoch, for its own node alone: 404 for any other origin.
    const epoch = Math.max(1, epochs.get(peer)?.epoch ?? 0)
    const origin = mesh === null ? null : logOrigin(mesh, peer, epoch)
    const own = origin !== null && add.note.startsWith(`${origin}\n`)
    const seen = own ? this.#ports.checkpoints.read(peer, add.note) : null
    if (seen !== null) return add.old > seen.checkpoint.size ? 'malformed' : { add, seen }
    // Read once where all is well: what is refused is looked at again for the reason.
    if (malformedIsNull(() => readCheckpoint(add.note)) === null) return 'malformed'
    return own ? 'signature' : 'origin'
  }

  async #step(key: string, { add, seen }: Asked): Promise<LogAnswer> {
    const { checkpoints, clock, self, witness } = this.#ports
    const { checkpoint } = seen
    const last = this.#lastOf(key, seen)
    const { size, rootHash } = last?.checkpoint ?? NOTHING
    if (add.old !== size) return { say: 'size', size }
    if (!verifyConsistency(size, rootHash, checkpoint.size, checkpoint.rootHash, add.proof)) {
      // Two of one size contradict by themselves; of two sizes a proof may show it, and a failed one alone says nothing.
      if (last !== undefined) this.#ports.contradicted({ ...seen, ...last }, seen, add.proof)
      return refused('proof')
    }
    // Heard of its node, not cosigned here: one of the two is not true either.
    const heard = checkpoints.get(seen.node, seen.epoch)
    if (heard !== null && contradict(heard, seen)) return this.#contradicted(seen)
    if (this.#cosigned.get(key)?.checkpoint.size !== checkpoint.size)
      if (!(await this.#keep(key, seen))) return refused('unready')
    const asked = this.#asked.get(seen.node)
    if (asked !== undefined) asked.times = ASKS_MAX
    return { say: 'cosigned', line: cosign(seen.note, clock.wallMs(), self, witness) }
  }

  /**
   * Where a proof has to begin. After a start that is also what others told of this log: a disk that
   * was set back may have forgotten what was cosigned here, and a log that is cosigned is also shown.
   */
  #lastOf(key: string, { node, epoch }: KnownCheckpoint): Cosigned | undefined {
    const cosigned = this.#cosigned.get(key)
    if (this.#continued.has(key)) return cosigned
    const heard = this.#ports.checkpoints.get(node, epoch)
    if (heard === null) return cosigned
    return heard.checkpoint.size > (cosigned?.checkpoint.size ?? -1) ? heard : cosigned
  }

  /** What is durable there tells of it. */
  async #contradicted(seen: KnownCheckpoint): Promise<LogAnswer> {
    await this.#ports.checkpoints.offer(seen.node, seen.note)
    return refused('proof')
  }

  /** What was cosigned is also what the node is shown when it comes back with less. False when the disk does not take it. */
  async #keep(key: string, seen: KnownCheckpoint): Promise<boolean> {
    const { persist, checkpoints, self } = this.#ports
    const { node, note, checkpoint } = seen
    try {
      await persist([{ space: 'witness', key, value: utf8(note) }])
    } catch {
      // What is on the disk now was never signed: the next request begins from what was.
      return false
    }
    this.#cosigned.set(key, { note, checkpoint })
    this.#continued.add(key)
    // Its own comes back to nobody from here.
    if (node !== self) checkpoints.cosigned(seen)
    return true
  }
}

interface Asked {
  readonly add: AddCheckpoint
  readonly seen: KnownCheckpoint
}

function isRead(asked: Asked | LogRefusal): asked is Asked {
  return typeof asked !== 'string'
}

function refused(why: LogRefusal): LogAnswer {
  return { say: 'refused', why }
}

function contradict(known: KnownCheckpoint, seen: KnownCheckpoint): boolean {
  const [a, b] = [known.checkpoint, seen.checkpoint]
  return a.size === b.size && !equalBytes(a.rootHash, b.rootHash)
}

function malformedIsNull<T>(read: () => T): T | null {
  try {
    return read()
  } catch (error) {
    // Untrusted bytes come in here: 400.
    if (error instanceof Malformed) return null
    throw error
  }
}
