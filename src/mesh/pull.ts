/**
 * One comparison with one peer, after which everything that it held when the
 * comparison began is held here; what it lacks is pushed afterwards.
 *
 *     compare → roots → walk, fetch, walk, fetch …   then: what waits → push → addresses
 *
 * The peer answers from the trees it had at `compare`, so a walk is about one
 * set. It may lie: every claim is checked against the claim above it, every id
 * it lists must be served, and SYNC_ROUNDS_MAX rounds, or SYNC_STALL_MS, that
 * bring nothing end it: then the pull fails. Nothing is remembered against an id that a liar named, so the
 * next peer can still bring it (rows 133-134).
 */
import type { ConclusionKey } from '../core/conclusion.ts'
import { ConclusionProof } from '../core/conclusion-proof.ts'
import { formatEnvelope, parseEnvelope, statementIdOf } from '../core/dsse.ts'
import type { StatementId } from '../core/id.ts'
import type { Did } from '../core/keys.ts'
import {
  PUSH_BYTES_MAX,
  SYNC_IDS_MAX,
  SYNC_REFUSED_MS,
  SYNC_ROUNDS_MAX,
  SYNC_STALL_MS,
} from '../core/limits.ts'
import { Malformed } from '../core/malformed.ts'
import type { Memo } from '../core/memo.ts'
import type { Leaf } from '../core/prefix-tree.ts'
import { MeshError } from '../core/problems.ts'
import { parseStatement, type Statement } from '../core/statement/statement.ts'
import type { Clock, Network } from './ports.ts'
import { idOfKey, keyOfId, Walk } from './reconcile.ts'
import type { Statements } from './statements.ts'
import {
  formatSyncRequest,
  parseSyncAnswer,
  type Summary,
  type SyncAnswer,
  type SyncRequest,
} from './sync-frames.ts'
import type { TreeName } from './sync-parts.ts'
import { type Addresses, fitting, hashesOf, summaryOf } from './sync-server.ts'
import { Turn } from './turn.ts'

export interface PullPorts {
  readonly network: Pick<Network, 'ask'>
  readonly statements: Statements
  readonly addresses: Addresses
  readonly clock: Pick<Clock, 'monotonicMs' | 'sleep'>
  /** Statements that wait elsewhere and found no room here: until when, in monotonic time, they are not fetched again. */
  readonly refused: Memo<string, number>
}

/** What one pull cost and brought. */
export interface Cost {
  rounds: number
  sentBytes: number
  receivedBytes: number
  learned: number
}

type Said<S extends SyncAnswer['say']> = Extract<SyncAnswer, { say: S }>

export class Pull {
  readonly cost: Cost = { rounds: 0, sentBytes: 0, receivedBytes: 0, learned: 0 }
  readonly #peer: Did
  readonly #ports: PullPorts
  readonly #signal: AbortSignal
  /** When something was learned last, or it began; and after how many rounds. */
  #progress: { readonly atMs: number; readonly rounds: number }
  /** Keys of what the peer lacks. */
  #surplus: string[] = []
  /** What was held here when the peer was asked. */
  #asked: Summary | null = null

  constructor(peer: Did, ports: PullPorts, signal: AbortSignal) {
    this.#peer = peer
    this.#ports = ports
    this.#signal = signal
    this.#progress = { atMs: ports.clock.monotonicMs(), rounds: 0 }
  }

  /**
   * Resolves with what the peer said, once everything effective there is held here, durable.
   * @throws MeshError INVALID_ANSWER when it lies, WRONG_MESH, UNREACHABLE, TIMEOUT; STATEMENT_INVALID for what it believes and this node does not
   */
  async effective(): Promise<Said<'summary'>> {
    for (;;) {
      const before = this.cost.learned
      this.#surplus = []
      const said = await this.#compare()
      await this.#roots(said.summary.root)
      const refused = await this.#reconcile('envelopes', said)
      if (refused === null) return said
      // A statement waits for its root, and a root may wait for a member: again as long as that brings something.
      if (this.cost.learned === before) throw disagreement(refused)
    }
  }

  /** What else there is to exchange: what waits for signatures, what the peer lacks, addresses. Hints: quotas may refuse them. */
  async rest(said: Said<'summary'>): Promise<void> {
    await this.#reconcile('waiting', said)
    await this.#push(this.#surplus)
    if (said.summary.addresses !== this.#ports.addresses.hash) await this.#exchangeAddresses()
  }

  async #compare(): Promise<Said<'summary'>> {
    const { statements, addresses } = this.#ports
    const summary = summaryOf(statements, addresses)
    if (summary === null)
      throw new MeshError('NOT_READY', 'no mesh is pinned here, so there is nothing to compare')
    const said = await this.#ask({ ask: 'compare', summary }, 'summary')
    if (said.summary.mesh !== summary.mesh)
      throw new MeshError('WRONG_MESH', `the peer is of the mesh \`${said.summary.mesh}\``)
    return said
  }

  /** First of all, for what they say decides which signatures count. In order, each signed by the last. */
  async #roots(version: number): Promise<void> {
    const { statements } = this.#ports
    for (;;) {
      const from = (statements.governance.root?.version ?? 0) + 1
      if (version < from) return
      const { blobs, more } = await this.#ask({ ask: 'roots', from }, 'roots')
      for (const bytes of blobs) await this.#take(bytes)
      const reached = statements.governance.root?.version ?? 0
      // A dispute about a version, or an unserved one: the walk brings or misses it like any other statement.
      if (!more || reached < from) return
    }
  }

  /** Gives one that the peer holds and that was refused here; null when there is none. */
  async #reconcile(tree: TreeName, said: Said<'summary'>): Promise<StatementId | null> {
    const { statements } = this.#ports
    const hash = said.summary[tree]
    const local = statements.trees[tree]
    const top = said.tops.find((one) => one.tree === tree)
    if (top === undefined) {
      // Then it must be the tree that it was asked about; ours may have grown since.
      if (this.#asked?.[tree] !== hash) throw lie(`its ${tree} differ, and it says not where`)
      return null
    }
    const walk = read(() => new Walk(local, hash, top.part))
    let refused: StatementId | null = null
    for (;;) {
      // What is known to differ is fetched before the next step: invented ids end the walk here.
      refused ??= await this.#fetch(tree, walk)
      const places = walk.next()
      if (places === null) break
      const { parts } = await this.#ask({ ask: 'walk', tree, ...places }, 'walk')
      read(() => walk.take(parts))
    }
    // What waits is fetched by who wants it: quotas differ, and would refuse it again each time.
    if (tree === 'envelopes') this.#surplus.push(...walk.surplus)
    return refused
  }

  #wanted(tree: TreeName, { key }: Leaf): boolean {
    if (tree === 'envelopes') return true
    const { statements, clock, refused } = this.#ports
    // Whoever finds it effective here needs no copy that waits.
    if (isEffective(statements.get(idOfKey(key))?.state)) return false
    return (refused.get(key) ?? 0) <= clock.monotonicMs()
  }

  /** Gives one that was refused here; null when there is none. */
  async #fetch(tree: TreeName, walk: Walk): Promise<StatementId | null> {
    let refused: StatementId | null = null
    const found = walk.found().filter((leaf) => this.#wanted(tree, leaf))
    // A conclusion stands in a tree at its own key (held.ts): a statement cannot.
    const concluded = found.filter(({ key, hash }) => key === hash)
    const needed = found.filter(({ key, hash }) => key !== hash).map(({ key }) => idOfKey(key))
    for (let rest = needed; rest.length > 0; ) {
      const asked = rest.slice(0, SYNC_IDS_MAX)
      const { missing, blobs } = await this.#ask({ ask: 'fetch', ids: asked }, 'statements')
      rest = rest.slice(this.#checkServed(tree, asked, missing, blobs))
      for (const { id, held } of await this.#takeAll(blobs)) {
        if (held) continue
        refused ??= id
        if (tree === 'waiting') this.#ports.refused.set(keyOfId(id), this.#refusedUntilMs())
      }
    }
    for (const { key } of concluded) {
      const held = await this.#prove(key)
      if (!held) refused ??= idOfKey(key)
    }
    return refused
  }

  /** Takes what proves a conclusion. Says whether all of that is held here now: under a newer root it may have another name. */
  async #prove(key: ConclusionKey): Promise<boolean> {
    const proof = new ConclusionProof()
    let from = 0
    for (let more = true; more; ) {
      const said = await this.#ask({ ask: 'proof', of: key, from }, 'proof')
      const taken = await this.#takeAll(said.blobs)
      // It may have come to another conclusion since it was compared with.
      if (taken.length === 0 || taken.some(({ held }) => !held)) return false
      for (const bytes of said.blobs) proof.add(statementIn(bytes))
      from += taken.length
      more = said.more
    }
    if (!proof.proves(key)) throw lie(`it does not prove its conclusion \`${key}\``)
    return true
  }

  async #takeAll(blobs: readonly Uint8Array[]): Promise<readonly Taken[]> {
    const turn = new Turn(this.#ports.clock)
    const taking: Promise<Taken>[] = []
    for (const bytes of blobs) {
      const one = this.#take(bytes)
      // All of them are awaited below, and until then none of them is unhandled.
      one.catch(() => {})
      taking.push(one)
      if (turn.over) await turn.next()
    }
    return Promise.all(taking)
  }

  #refusedUntilMs(): number {
    return this.#ports.clock.monotonicMs() + SYNC_REFUSED_MS
  }

  /** How many of the asked ones this answer is about: the first ones, in order, each served or missing. */
  #checkServed(
    tree: TreeName,
    asked: readonly StatementId[],
    missing: readonly StatementId[],
    blobs: readonly Uint8Array[],
  ): number {
    // What waits may have left since it was listed; what is effective stays for ever.
    if (tree === 'envelopes' && missing.length > 0) throw lie(`it lists \`${missing[0]}\` in vain`)
    const served = blobs.map((bytes) => read(() => statementIdOf(parseEnvelope(bytes))))
    const about = asked.slice(0, missing.length + served.length)
    const lacking = new Set(missing)
    const expected = about.filter((id) => !lacking.has(id))
    if (about.length === 0 || expected.join() !== served.join())
      throw lie('it serves other statements than it was asked for')
    return about.length
  }

  async #take(bytes: Uint8Array): Promise<Taken> {
    const { statements } = this.#ports
    const id = read(() => statementIdOf(parseEnvelope(bytes)))
    const { verdict, done } = statements.offer(bytes, this.#peer, 'sync')
    if (verdict.verdict === 'reject') {
      done.catch(() => {}) // There is nothing to wait for: this is about the verdict.
      throw lie(`it serves \`${id}\`, which is ${verdict.why}`)
    }
    await done
    if (verdict.verdict === 'accept') {
      this.cost.learned += 1
      this.#progress = { atMs: this.#ports.clock.monotonicMs(), rounds: this.cost.rounds }
    }
    // What others cover is not kept, and nothing of it is missing.
    const covered = verdict.verdict === 'ignore' && verdict.why === 'seen'
    return { id, held: covered || statements.get(id) !== null }
  }

  /** Of what the peer lacks, as much as it would fetch at once; for more it pulls itself. */
  async #push(keys: readonly string[]): Promise<void> {
    const { statements } = this.#ports
    let blobs: Uint8Array[] = []
    let sizeBytes = 0
    const send = async () => {
      if (blobs.length > 0) await this.#ask({ ask: 'push', blobs }, 'held')
      blobs = []
      sizeBytes = 0
    }
    // Of conclusions nothing: who lacks one asks for its proof.
    for (const key of keys.slice(0, SYNC_IDS_MAX)) {
      const known = statements.get(idOfKey(key))
      if (known === null) continue
      const bytes = formatEnvelope(known.envelope)
      if (sizeBytes + bytes.length > PUSH_BYTES_MAX) await send()
      blobs.push(bytes)
      sizeBytes += bytes.length
    }
    await send()
  }

  async #exchangeAddresses(): Promise<void> {
    const { addresses } = this.#ports
    let blobs: readonly Uint8Array[] = []
    // Twice: what the peer wants after the first exchange goes with the second.
    for (let round = 0; round < 2; round++) {
      const ours = hashesOf(addresses)
      const said = await this.#ask({ ask: 'addresses', have: [...ours.keys()], blobs }, 'addresses')
      for (const bytes of said.blobs) addresses.offer(bytes)
      // What does not fit goes with the next comparison.
      blobs = fitting(said.want.flatMap((hash) => ours.get(hash) ?? []))
      if (blobs.length === 0) return
    }
  }

  /** What brings something may take as long as there is something: it was signed by others, and ends. */
  #checkProgress(): void {
    const rounds = this.cost.rounds - this.#progress.rounds
    if (rounds >= SYNC_ROUNDS_MAX) throw lie(`${SYNC_ROUNDS_MAX} rounds brought nothing`)
    if (this.#ports.clock.monotonicMs() - this.#progress.atMs >= SYNC_STALL_MS)
      throw lie(`${SYNC_STALL_MS / 1000} s brought nothing`)
  }

  async #ask<S extends SyncAnswer['say']>(request: SyncRequest, say: S): Promise<Said<S>> {
    this.#signal.throwIfAborted()
    this.#checkProgress()
    if (request.ask === 'compare') this.#asked = request.summary
    const bytes = formatSyncRequest(request)
    this.cost.rounds += 1
    this.cost.sentBytes += bytes.length
    const answered = await this.#ports.network.ask(this.#peer, 'sync', bytes, this.#signal)
    this.cost.receivedBytes += answered.length
    const answer = read(() => parseSyncAnswer(answered))
    if (answer.say !== say) throw lie(`it says \`${answer.say}\` when asked to ${request.ask}`)
    return answer as Said<S>
  }
}

/** Of bytes that were read before. */
function statementIn(bytes: Uint8Array): Statement {
  const { type, payload } = parseEnvelope(bytes)
  return parseStatement(type, payload)
}

interface Taken {
  readonly id: StatementId
  readonly held: boolean
}

function disagreement(id: StatementId): MeshError {
  return new MeshError(
    'STATEMENT_INVALID',
    `the peer holds \`${id}\` for effective, which is refused here`,
    { hint: 'compare the versions of meshd on both nodes' },
  )
}

function isEffective(state: string | undefined): boolean {
  return state === 'effective' || state === 'conflict'
}

function lie(what: string): MeshError {
  return new MeshError('INVALID_ANSWER', `the peer's word on its statements does not hold: ${what}`)
}

/** Reads what the peer said: what is malformed is a lie. */
function read<T>(reader: () => T): T {
  try {
    return reader()
  } catch (error) {
    // Untrusted bytes come in here.
    if (error instanceof Malformed) throw lie(error.message)
    throw error
  }
}
