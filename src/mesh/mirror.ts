/**
 * The mirror's side: keeps copies of other members' logs (design 5), for the
 * day on which one of them comes back with less than it had.
 *
 *     log ── piece: head, proof, records ──▶ verified, durable ── holds: size, root ──▶
 *     log ── copy: from 40 on ──▶ records
 *
 * INVARIANT: a record is kept once it is proven to stand in a tree whose head
 * its log's key signed, and it is given back to that log's node alone.
 *
 * It is a favour, never in the way of decisions: whoever brings much, or what
 * is wrong, waits, and a disk that is low takes nothing.
 */
import type { Governance } from '../core/governance.ts'
import type { Did } from '../core/keys.ts'
import {
  MIRROR_BYTES_MAX,
  MIRROR_LOG_BYTES_MAX,
  MIRROR_PAUSE_MS,
  MIRRORING_MAX,
} from '../core/limits.ts'
import { append, EMPTY, leafHash, rootHash, type Tree } from '../core/merkle.ts'
import { MeshError } from '../core/problems.ts'
import { verifyConsistency } from '../core/proof.ts'
import { Burden } from './burden.ts'
import type { Checkpoints, KnownCheckpoint } from './checkpoints.ts'
import { Copies, type Copy } from './copies.ts'
import type { LogAnswer, LogRefusal, LogRequest } from './log-frames.ts'
import type { MirrorRequest } from './mirror-frames.ts'
import type { Clock, Store } from './ports.ts'
import { inGoodStanding } from './standing.ts'
import { fitting } from './sync-server.ts'

export interface MirrorPorts {
  readonly clock: Clock
  readonly store: Pick<Store, 'low'>
  readonly copies: Copies
  readonly checkpoints: Pick<Checkpoints, 'offer' | 'read'>
  governance(): Governance
  /** Whether this node keeps copies at all. */
  mirrors(): boolean
}

type CopyRequest = Extract<LogRequest, { ask: 'copy' }>

/** What is held after a piece; or why it is not taken. */
type Grown = { readonly tree: Tree } | { readonly why: LogRefusal }

export class Mirror {
  readonly #ports: MirrorPorts
  readonly #burden: Burden
  /** Nodes of which a piece is on its way to the disk. */
  readonly #busy = new Set<Did>()
  /** When a piece of each node was taken last, monotonic. */
  readonly #tookMs = new Map<Did, number>()

  constructor(ports: MirrorPorts) {
    this.#ports = ports
    this.#burden = new Burden(ports.clock)
  }

  /** Logs that there is a copy of, and their bytes. */
  get held(): { readonly logs: number; readonly bytes: number } {
    const { copies } = this.#ports
    return { logs: copies.names().length, bytes: copies.bytes }
  }

  /** Takes a piece of the peer's own log. Resolves when it is durable. */
  async take(peer: Did, request: MirrorRequest): Promise<LogAnswer> {
    const { mirrors, governance, clock } = this.#ports
    if (!mirrors()) return refused('absent')
    if (!inGoodStanding(governance(), peer, clock.wallMs())) return refused('origin')
    if (this.#often(peer)) return refused('often')
    const seen = this.#burden.weigh(peer, () => this.#read(peer, request), isSeen)
    if (!isSeen(seen)) return refused(seen)
    this.#busy.add(peer)
    try {
      return await this.#take(request, seen)
    } catch (error) {
      // What the disk did not take is not held, and is brought again.
      if (error instanceof MeshError) return refused('unready')
      throw error
    } finally {
      this.#busy.delete(peer)
    }
  }

  /** Gives a node its own log back, as far as there is a copy. */
  async give(peer: Did, { epoch, first, count }: CopyRequest): Promise<LogAnswer> {
    try {
      const records = await this.#ports.copies.read(Copies.nameOf(peer, epoch), first, count)
      return records.length === 0
        ? refused('absent')
        : { say: 'records', records: fitting(records) }
    } catch (error) {
      // What the disk does not give is not served.
      if (error instanceof MeshError) return refused('unready')
      throw error
    }
  }

  #often(peer: Did): boolean {
    if (this.#burden.tooMuch(peer) || this.#busy.has(peer)) return true
    if (this.#busy.size >= MIRRORING_MAX) return true
    const sinceMs = this.#ports.clock.monotonicMs() - (this.#tookMs.get(peer) ?? -MIRROR_PAUSE_MS)
    // Half: the asker's clock has another pace, and the way another length.
    return sinceMs < MIRROR_PAUSE_MS / 2
  }

  /** The head, if it is one of the log that the peer writes now. */
  #read(peer: Did, { note, epoch }: MirrorRequest): KnownCheckpoint | LogRefusal {
    const { checkpoints, governance } = this.#ports
    const seen = checkpoints.read(peer, note)
    if (seen === null) return 'signature'
    const current = Math.max(1, governance().epochs.get(peer)?.epoch ?? 0)
    return seen.epoch === epoch && epoch === current ? seen : 'origin'
  }

  async #take(request: MirrorRequest, seen: KnownCheckpoint): Promise<LogAnswer> {
    const { copies, checkpoints, clock } = this.#ports
    const { node, epoch, note } = seen
    const name = Copies.nameOf(node, epoch)
    // Durable before anything rests on it: it is also what the node is shown when it comes back with less.
    await checkpoints.offer(node, note)
    const copy = copies.get(name)
    const before = beginning(copy, request)
    if (before === null) return this.#elsewhere(name, request)
    const grown = this.#burden.weigh(node, () => grow(before, request, seen), isGrown)
    if (!isGrown(grown)) return refused(grown.why)
    if (request.records.length > 0) {
      if (!(await this.#hasRoom(node, name, request.records))) return refused('unready')
      await copies.add(name, request.records, grown.tree)
      this.#tookMs.set(node, clock.monotonicMs())
    }
    if (request.least > (copies.get(name)?.least ?? 0)) await copies.forget(name, request.least)
    return holds(grown.tree)
  }

  /** It brings records from somewhere else than where the copy ends; also after a gap, which no copy has. */
  async #elsewhere(name: string, { first, peaks }: MirrorRequest): Promise<LogAnswer> {
    const { copies } = this.#ports
    if (peaks.length > 0 && first > (copies.get(name)?.tree.size ?? 0))
      await copies.forget(name, first)
    return holds(copies.get(name)?.tree ?? EMPTY)
  }

  /** Gives up logs that are retired, or whose nodes are no members any more, before it refuses. */
  async #hasRoom(node: Did, name: string, records: readonly Uint8Array[]): Promise<boolean> {
    const { copies, store } = this.#ports
    if (store.low !== null) return false
    for (const each of copies.names()) {
      const [owner] = each.split('/') as [Did]
      const member = this.#ports.governance().members.has(owner)
      if (member && (owner !== node || each === name)) continue
      await copies.forget(each, Number.POSITIVE_INFINITY)
    }
    const more = records.reduce((sum, { length }) => sum + length, 0)
    const own = copies.get(name)?.bytes ?? 0
    return own + more <= MIRROR_LOG_BYTES_MAX && copies.bytes + more <= MIRROR_BYTES_MAX
  }
}

/** The tree that a piece goes on from; null when it is another one than is held. */
function beginning(copy: Copy | null, { first, peaks }: MirrorRequest): Tree | null {
  if (copy !== null) return copy.tree.size === first ? copy.tree : null
  if (first === 0) return EMPTY
  return peaks.length > 0 ? { size: first, peaks } : null
}

/** RFC 6962, 2.1.2: what is held, with these records, is the beginning of what was signed. */
function grow(
  before: Tree,
  { records, proof }: MirrorRequest,
  { checkpoint }: KnownCheckpoint,
): Grown {
  const { size, rootHash: signed } = checkpoint
  if (before.size + records.length > size) return { why: 'malformed' }
  const tree = records.reduce((each, record) => append(each, leafHash(record)), before)
  const good = verifyConsistency(tree.size, rootHash(tree), size, signed, proof)
  return good ? { tree } : { why: 'proof' }
}

function isGrown(grown: Grown): grown is { readonly tree: Tree } {
  return 'tree' in grown
}

function isSeen(seen: KnownCheckpoint | LogRefusal): seen is KnownCheckpoint {
  return typeof seen !== 'string'
}

function holds(tree: Tree): LogAnswer {
  return { say: 'holds', size: tree.size, rootHash: rootHash(tree) }
}

function refused(why: LogRefusal): LogAnswer {
  return { say: 'refused', why }
}
