/**
 * Everything a node needs from the world, on one page. Nothing else in mesh/
 * reaches outside: the daemon passes the real world, the tests and the
 * simulator one made from a seed. Store and Network have one conformance
 * suite each in test/ports, run on the real adapter and on its twin.
 */
import type { RecordId, StatementId } from '../core/id.ts'
import type { Did } from '../core/keys.ts'
import type { Hash, Tree } from '../core/merkle.ts'
import type { Findable } from '../core/terms.ts'
import type { Verdict } from '../core/verdict.ts'

export interface Clock {
  /** Unix time in ms. May step; it only ever shortens what monotonic time allows. */
  wallMs(): number
  /** Never steps back. Its zero means nothing. */
  monotonicMs(): number
  /** Runs like monotonicMs, and while the machine sleeps, too; where nothing tells of that, it does not. */
  bootMs(): number
  /** Resolves after ms of monotonic time, or at once when the signal aborts; it never rejects. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>
}

export interface Random {
  bytes(length: number): Uint8Array
  /** A whole number in [0, below). */
  integer(below: number): number
}

/** What is kept beside the log; each name is a key prefix on disk and never changes its meaning. */
export type Space =
  | 'statement' // id → envelope, effective or pending
  | 'governance' // cursors and versions: opened and closed roots, pins, log epoch
  | 'nonce' // invocation CID or spent single-use link → expiry
  | 'checkpoint' // node did + epoch → newest checkpoint heard of that node
  | 'peer' // did → signed address record
  | 'invite' // invite id → its state
  | 'wallet' // held artifacts and callers' keys
  | 'execution' // open executions
  | 'witness' // node did + epoch → checkpoint that this node, as a witness, cosigned last
  | 'cosigned' // node did + epoch → its newest checkpoint, with a quorum of cosignatures
  | 'mirror' // node did + epoch → how much of its log this node holds a copy of
  | 'copy' // node did + epoch + index → a record of that copy: many, so they are read by `copies` alone
  | 'mirrored' // node did + epoch → how much of this node's log that node holds a copy of
  | 'pruned' // log epoch → its first record that is kept; the store deletes those below

export interface Put {
  readonly space: Space
  readonly key: string
  /** null deletes. */
  readonly value: Uint8Array | null
}

/** Made at the last moment, when their batch is: what came until then goes with it. */
export type Puts = readonly Put[] | (() => readonly Put[])

/** A record on its way into the log: its bytes, their id, their hash as a leaf, and what it can be found by. */
export interface Leaf extends Findable {
  readonly bytes: Uint8Array
  readonly id: RecordId
  readonly hash: Hash
  /** What it names by hashes, kept beside it and not in the tree; see core/exhibit.ts. */
  readonly exhibit?: Uint8Array
}

/** What is kept beside a record from now on; null for nothing. */
export interface Exhibit {
  /** Of its log. */
  readonly epoch: number
  readonly index: number
  readonly bytes: Uint8Array | null
}

/** One atomic change: records first, first + 1, …, the tree after the last of them, and puts in order. */
export interface Batch {
  /** The log's epoch. A greater one than the store's retires the current log and begins the next, from record 0. */
  readonly epoch: number
  readonly first: number
  readonly records: readonly Leaf[]
  readonly tree: Tree
  readonly puts: readonly Put[]
  /** Of records of this log before the batch: what stood there is taken from the disk, too. */
  readonly exhibits?: readonly Exhibit[]
}

/** Records that have every one of the terms, and a time between. */
export interface Query {
  /** As core/terms.ts prints them; the rarest first is the fastest. */
  readonly terms: readonly string[]
  readonly sinceMs: number | null
  readonly untilMs: number | null
}

export interface Matches {
  /** Records that probably match, newest first: hints, for the caller to read and compare. */
  readonly indexes: readonly number[]
  /** No other record from here up to where the search began matches. */
  readonly reached: number
}

/**
 * One node's durable memory: its log and what is kept beside it. One writer.
 * Everything that a read returns has been checked against hashes first; what
 * does not match, or is gone, rejects with LOG_DAMAGED and is never returned.
 */
export interface Store {
  /** The tree of the current log as it is on disk. The caller trusts no copy in memory over it. */
  readonly tree: Tree
  /** The current log's number, from 1; one more each time a log was retired. */
  readonly epoch: number
  /** Records of the current log below this were pruned: they are read no more, and their tiles stay. */
  readonly least: number
  /** Why only governance is to be written now, for want of room; null while there is enough. */
  readonly low: string | null
  /** The newest checkpoint given to keepHead; null before the first. */
  readonly head: Uint8Array | null
  /**
   * Resolves once the batch would survive a power cut, all of it or none. One at a time.
   * After one rejection the outcome is unknown and every later call rejects, until reopen.
   */
  persist(batch: Batch): Promise<void>
  /** All of a space but `copy`, in key order. */
  entries(space: Space): Promise<ReadonlyMap<string, Uint8Array>>
  get(space: Space, key: string): Promise<Uint8Array | null>
  /** Values of the space `copy`, in the order of the keys; null for what is not there, or not what was written. */
  copies(keys: readonly string[]): Promise<readonly (Uint8Array | null)[]>
  /** Records [first, first + count) of the current log; each is re-hashed against its tile or peak. Rejects NOT_FOUND for pruned ones. */
  records(first: number, count: number): Promise<readonly Uint8Array[]>
  /** The records at these indexes, in this order, likewise. */
  pick(indexes: readonly number[]): Promise<readonly Uint8Array[]>
  /** Puts back a record of the current log that is not what was written. Rejects LOG_DAMAGED unless the bytes have its hash. Not while a batch is under way. */
  mend(index: number, record: Uint8Array): Promise<void>
  /** What was kept beside records [first, first + count); null where nothing was, or it is there no more. Not checked: its reader holds the hashes. */
  exhibits(first: number, count: number): Promise<readonly (Uint8Array | null)[]>
  /** A full tile of 256 hashes (8,192 bytes) of the current log; null when it is not complete yet. */
  tile(level: number, index: number): Promise<Uint8Array | null>
  /** The hash of the perfect subtree of 2^level records that begins at record index × 2^level, which the log holds whole. */
  node(level: number, index: number): Promise<Hash>
  /** Where the record probably is: a hint from an index that is rebuilt, for the caller to check; null when it is not there. */
  locate(id: RecordId): Promise<number | null>
  /**
   * Looks below `before`, newest first, for at most count records. It stops at a bound of its own, too:
   * ask again from `reached`; where that is still `before`, the index knows no more and the records themselves are left.
   */
  search(query: Query, before: number, count: number): Promise<Matches>
  /** Keeps the newest published checkpoint outside the database too, fsynced. */
  keepHead(checkpoint: Uint8Array): Promise<void>
  /** After a rejection: close, open without create, verify against the head file. Rejects LOG_DAMAGED when acknowledged data is gone. */
  reopen(): Promise<void>
  close(): Promise<void>
}

/** One request frame, one answer frame, each bounded; dialogue is repetition. */
export type Protocol = 'state' | 'sync' | 'log' | 'lineage'
export type Topic = 'statements' | 'state'

/** The mesh's word on who may talk, asked by the network on each connection and again on each stream. */
export interface Greeter {
  /** The dialler's hello to this peer. */
  hello(peer: Did): Promise<Uint8Array>
  /** The listener's answer; greeted opens gossip and the protocols to the peer. */
  answer(peer: Did, hello: Uint8Array): Promise<{ answer: Uint8Array; greeted: boolean }>
  /** The dialler reads the answer. */
  welcome(peer: Did, answer: Uint8Array): Promise<boolean>
  /** Known bad: suspended, revoked. Refused before it can say hello; open connections are closed. */
  banned(peer: Did): boolean
  /** Is it a member at this moment. Asked again for every stream and message. */
  member(peer: Did): boolean
}

export interface PeerLink {
  readonly peer: Did
  readonly address: string
  readonly direction: 'in' | 'out'
  readonly rttMs: number | null
}

export interface Network {
  readonly self: Did
  /** Addresses this node can be dialled at, with /p2p/. */
  addresses(): readonly string[]
  /** Opens nothing before this; then listens and answers. */
  start(greeter: Greeter): Promise<void>
  /** Peers that passed the hello and are connected now. */
  peers(): readonly PeerLink[]
  /** Called after a peer was greeted or went away. */
  onPeer(listener: (peer: Did, greeted: boolean) => void): void
  /** Sends one frame and awaits its answer. Rejects UNREACHABLE, TIMEOUT, INVALID_ANSWER. */
  ask(peer: Did, protocol: Protocol, request: Uint8Array, signal?: AbortSignal): Promise<Uint8Array>
  /** The answerer of a protocol; called only for greeted members. null closes without an answer. */
  handle(
    protocol: Protocol,
    handler: (peer: Did, request: Uint8Array) => Promise<Uint8Array | null>,
  ): void
  /** A hint: it may lose, delay, repeat and reorder. Too large or nobody there is silence. */
  publish(topic: Topic, message: Uint8Array): void
  /** The validator of a topic; own messages do not pass it. */
  subscribe(topic: Topic, validator: (from: Did, message: Uint8Array) => Verdict): void
  /** Opens gossip, whose topics carry the mesh's id; before or after start, and again to change it. Nothing is published or heard without. */
  useMesh(mesh: StatementId): void
  /** Dials now and keeps redialling for ever, with jitter, until forget. Resolves true when the peer was greeted, false when it answered otherwise; rejects UNREACHABLE, TIMEOUT when nobody answered in time, or TOO_MANY when the table is full. */
  connect(peer: Did, addresses: readonly string[]): Promise<boolean>
  /** Keeps redialling in the background; addresses replace those known. Silence when the table is full. */
  remember(peer: Did, addresses: readonly string[]): void
  forget(peer: Did): void
  /** Why the peer was not reached, not greeted or cut, last; null while it is greeted and when nothing is known. */
  lastError(peer: Did): string | null
  /**
   * Closes every connection to the peer: nothing of it is heard from this turn on. The parting
   * request on `sync` is still sent to it; its answer is awaited by nobody.
   */
  disconnect(peer: Did, why: string, parting: Uint8Array): void
  /** Closes and refuses all connections; only tightens, undone by false. */
  isolate(isolated: boolean): void
  stop(): Promise<void>
}
