/**
 * The answering side of `/meshd/sync/1`. It answers from the trees that the
 * peer compared with, so that a walk is about one set while the set grows:
 * trees are values, and keeping one costs nothing.
 *
 * It never waits longer than ASK_TIMEOUT_MS for the disk.
 */
import type { ConclusionKey } from '../core/conclusion.ts'
import { formatEnvelope } from '../core/dsse.ts'
import { type StatementId, sha256Hex } from '../core/id.ts'
import type { Did } from '../core/keys.ts'
import { ASK_TIMEOUT_MS, PEERS_MAX, PUSH_BYTES_MAX, SYNC_IDS_MAX } from '../core/limits.ts'
import { Malformed } from '../core/malformed.ts'
import type { PrefixTree } from '../core/prefix-tree.ts'
import { Burden, isUseful } from './burden.ts'
import type { Clock } from './ports.ts'
import { partOf } from './reconcile.ts'
import type { Offered, Statements } from './statements.ts'
import {
  formatSyncAnswer,
  parseSyncRequest,
  type Summary,
  type SyncAnswer,
  type SyncRequest,
} from './sync-frames.ts'
import type { Part, TreeName } from './sync-parts.ts'
import { Turn } from './turn.ts'

/** Signed address records, as sync exchanges them (mesh/addresses.ts). */
export interface Addresses {
  /** 64 hex digits over all of them: equal hashes are equal records. */
  readonly hash: string
  /** The records, as they travel. */
  all(): Iterable<Uint8Array>
  /** Whether it was news. What does not hold is dropped. */
  offer(bytes: Uint8Array): boolean
}

export interface SyncServerPorts {
  readonly statements: Statements
  readonly addresses: Addresses
  readonly clock: Clock
  /** This start of the node (state-frames.ts). */
  readonly incarnation: string
}

type Trees = Readonly<Record<TreeName, PrefixTree>>
const TREES: readonly TreeName[] = ['envelopes', 'waiting']
/** Parts of one answer; with the header it stays under SYNC_FRAME_BYTES_MAX. */
const PARTS_BYTES_MAX = PUSH_BYTES_MAX
const LEAF_BYTES = 64
const PLACE_BYTES = 128

export class SyncServer {
  readonly #ports: SyncServerPorts
  /** What each peer compared with last. */
  readonly #compared = new Map<Did, Trees>()
  readonly #burden: Burden
  /** Of address records. */
  readonly #records: Burden

  constructor(ports: SyncServerPorts) {
    this.#ports = ports
    this.#burden = new Burden(ports.clock)
    this.#records = new Burden(ports.clock)
  }

  /** The answer to one frame; null for what is not understood, which closes the stream. */
  async answer(peer: Did, bytes: Uint8Array): Promise<Uint8Array | null> {
    const request = read(bytes)
    const answer = request === null ? null : await this.#answer(peer, request)
    return answer === null ? null : formatSyncAnswer(answer)
  }

  /** The peer went away: it will compare anew. */
  forget(peer: Did): void {
    this.#compared.delete(peer)
  }

  async #answer(peer: Did, request: SyncRequest): Promise<SyncAnswer | null> {
    switch (request.ask) {
      case 'compare':
        return this.#compare(peer, request.summary)
      case 'walk': {
        const tree = (this.#compared.get(peer) ?? this.#ports.statements.trees)[request.tree]
        return { say: 'walk', parts: walk(tree, request.nodes, request.lists) }
      }
      case 'roots':
        return this.#roots(request.from)
      case 'fetch':
        return this.#fetch(request.ids)
      case 'proof':
        return this.#proof(request.of, request.from)
      case 'push':
        return { say: 'held', held: await this.#take(peer, request.blobs) }
      case 'addresses':
        return this.#exchange(peer, request.have, request.blobs)
    }
  }

  #compare(peer: Did, theirs: Summary): SyncAnswer | null {
    const { statements, addresses, incarnation } = this.#ports
    const summary = summaryOf(statements, addresses)
    if (summary === null || summary.mesh !== theirs.mesh) return null
    const { trees } = statements
    this.#compared.delete(peer)
    this.#compared.set(peer, trees)
    for (const oldest of this.#compared.keys()) {
      if (this.#compared.size <= PEERS_MAX) break
      this.#compared.delete(oldest)
    }
    const differing = TREES.filter((tree) => theirs[tree] !== summary[tree])
    const tops = differing.map((tree) => ({ tree, part: partOf(trees[tree], '', 'node') }))
    return { say: 'summary', incarnation, summary, tops }
  }

  /** Of all that are effective, disputed ones too; oldest first. */
  #roots(from: number): SyncAnswer {
    const { statements } = this.#ports
    const roots = statements.governance.roots.filter(({ version }) => version >= from)
    const blobs = fitting(
      roots.flatMap(({ id }) => statements.get(id)?.envelope ?? []).map(formatEnvelope),
    )
    return { say: 'roots', more: blobs.length < roots.length, blobs }
  }

  #fetch(ids: readonly StatementId[]): SyncAnswer {
    const { statements } = this.#ports
    const missing: StatementId[] = []
    const blobs: Uint8Array[] = []
    let sizeBytes = 0
    for (const id of ids) {
      const known = statements.get(id)
      if (known === null) {
        missing.push(id)
        continue
      }
      const bytes = formatEnvelope(known.envelope)
      if (blobs.length > 0 && sizeBytes + bytes.length > PUSH_BYTES_MAX) break
      blobs.push(bytes)
      sizeBytes += bytes.length
    }
    return { say: 'statements', missing, blobs }
  }

  #proof(of: ConclusionKey, from: number): SyncAnswer {
    const proof = this.#ports.statements.proofOf(of).slice(from)
    const blobs = fitting(proof.map(({ envelope }) => formatEnvelope(envelope)))
    return { say: 'proof', more: blobs.length < proof.length, blobs }
  }

  async #take(peer: Did, blobs: readonly Uint8Array[]): Promise<number> {
    let held = 0
    const late = new AbortController()
    const taken = (async () => {
      for (const { verdict, done } of await this.#offer(peer, blobs)) {
        await done
        if (verdict.verdict !== 'accept' && verdict.why !== 'seen') return
        held += 1
      }
    })()
    // A disk that does not take it is the store's to tell; the peer hears how many are held.
    const ends = this.#ports.clock.sleep(ASK_TIMEOUT_MS / 2, late.signal)
    await Promise.race([taken.catch(() => {}), ends])
    late.abort()
    return held
  }

  /** As many of them as the peer is listened to for: what is left comes by a comparison. */
  async #offer(peer: Did, blobs: readonly Uint8Array[]): Promise<readonly Offered[]> {
    const { statements, clock } = this.#ports
    const offered: Offered[] = []
    const turn = new Turn(clock)
    for (const bytes of blobs) {
      if (this.#burden.tooMuch(peer)) break
      const offer = () => statements.offer(bytes, peer, 'push')
      const one = this.#burden.weigh(peer, offer, ({ verdict }) => isUseful(verdict))
      // Told by whoever awaits it, one by one; until then it is not unhandled.
      one.done.catch(() => {})
      offered.push(one)
      // Nobody honest holds it: what is behind it is not worth a look.
      if (one.verdict.verdict === 'reject') break
      if (turn.over) await turn.next()
    }
    return offered
  }

  async #exchange(
    peer: Did,
    have: readonly string[],
    blobs: readonly Uint8Array[],
  ): Promise<SyncAnswer> {
    const { addresses, clock } = this.#ports
    const turn = new Turn(clock)
    for (const bytes of blobs) {
      // All of it counts: a node can sign as many newer records of itself as it likes.
      if (this.#records.tooMuch(peer)) break
      this.#records.weigh(
        peer,
        () => addresses.offer(bytes),
        () => false,
      )
      if (turn.over) await turn.next()
    }
    const ours = hashesOf(addresses)
    const theirs = new Set(have)
    return {
      say: 'addresses',
      want: have.filter((hash) => !ours.has(hash)),
      blobs: fitting([...ours].filter(([hash]) => !theirs.has(hash)).map(([, bytes]) => bytes)),
    }
  }
}

/** What is held here, in a few hashes; null while no mesh is pinned. */
export function summaryOf(
  { governance, mesh, trees }: Statements,
  { hash }: Addresses,
): Summary | null {
  if (mesh === null) return null
  return {
    mesh,
    root: governance.root?.version ?? 0,
    digest: governance.digest,
    envelopes: trees.envelopes.rootHash,
    waiting: trees.waiting.rootHash,
    addresses: hash,
  }
}

/** Address records by their hash, at most PEERS_MAX of them. */
export function hashesOf(addresses: Addresses): ReadonlyMap<string, Uint8Array> {
  const records = [...addresses.all()].slice(0, PEERS_MAX)
  return new Map(records.map((bytes) => [sha256Hex(bytes), bytes]))
}

function walk(tree: PrefixTree, nodes: readonly string[], lists: readonly string[]): Part[] {
  const parts: Part[] = []
  let sizeBytes = 0
  const places = [
    ...nodes.map((prefix) => ({ prefix, as: 'node' as const })),
    ...lists.map((prefix) => ({ prefix, as: 'list' as const })),
  ]
  for (const { prefix, as } of places) {
    const part = partOf(tree, prefix, as)
    const items = part.as === 'list' ? part.leaves.length : part.branches.length
    sizeBytes += PLACE_BYTES + items * LEAF_BYTES
    if (parts.length > 0 && sizeBytes > PARTS_BYTES_MAX) break
    parts.push(part)
  }
  return parts
}

/** The first ones, as many as fit into a frame: at least one. */
export function fitting(all: readonly Uint8Array[]): readonly Uint8Array[] {
  let sizeBytes = 0
  const end = all.slice(0, SYNC_IDS_MAX).findIndex((bytes, at) => {
    sizeBytes += bytes.length
    return at > 0 && sizeBytes > PUSH_BYTES_MAX
  })
  return all.slice(0, end < 0 ? SYNC_IDS_MAX : end)
}

function read(bytes: Uint8Array): SyncRequest | null {
  try {
    return parseSyncRequest(bytes)
  } catch (error) {
    // Untrusted bytes come in here: the stream closes without an answer.
    if (error instanceof Malformed) return null
    throw error
  }
}
