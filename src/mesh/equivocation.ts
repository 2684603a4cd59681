/**
 * Two heads of one log that cannot both be true become evidence: a statement
 * that proves itself, made durable here and spread like any other (design 5).
 *
 *     of one size    at once, when the second is heard
 *     of two sizes   its node is asked for a proof between them: one that leads
 *                    to the larger head and elsewhere than to the smaller one
 *
 * A proof that fails is an alarm and no more: it may be damaged. So is a node
 * that gives none: it is asked again, and for each new head that it shows.
 *
 * A node bears no witness against itself: what others show of its own log
 * seals it (own-log.ts).
 */
import { logOrigin } from '../core/checkpoint.ts'
import { formatEnvelope, unsignedEnvelope } from '../core/dsse.ts'
import type { Did } from '../core/keys.ts'
import {
  HEADS_DOUBTED_MAX,
  PEERS_MAX,
  PROOF_LOOK_MS,
  PROOF_RETRY_MS,
  PROOF_TRIES_MAX,
} from '../core/limits.ts'
import type { Hash } from '../core/merkle.ts'
import { MeshError } from '../core/problems.ts'
import { isPowerOfTwo, verifyConsistency, wholeProof } from '../core/proof.ts'
import { draftEvidence } from '../core/statement/evidence.ts'
import { formatStatement } from '../core/statement/statement.ts'
import type { Checkpoints, KnownCheckpoint } from './checkpoints.ts'
import type { LogAnswer, LogRequest } from './log-frames.ts'
import type { Clock } from './ports.ts'
import type { Statements } from './statements.ts'

export interface EquivocationPorts {
  readonly self: Did
  readonly clock: Clock
  readonly statements: Pick<Statements, 'governance' | 'offer'>
  readonly checkpoints: Pick<Checkpoints, 'onContradiction' | 'onHead' | 'newest'>
  /** What a node answers about its own log. @throws MeshError when it does not */
  ask(node: Did, request: LogRequest, signal: AbortSignal): Promise<LogAnswer>
  /** Tells the operator. */
  problem(what: string, error: unknown): void
}

/** What is known of one log. */
interface Doubt {
  /** The largest that all others were proven to belong to. */
  proven: KnownCheckpoint
  /** Heads that nobody here has compared yet, oldest first. */
  heads: readonly KnownCheckpoint[]
  /** Asked in vain so often since the last proof. */
  tries: number
  dueMs: number
}

export class Equivocation {
  readonly #ports: EquivocationPorts
  /** By the name of the log. */
  readonly #doubts = new Map<string, Doubt>()

  constructor(ports: EquivocationPorts) {
    this.#ports = ports
    ports.checkpoints.onContradiction((known, other) => this.accuse(known, other, []))
    ports.checkpoints.onHead((head) => this.#heard(head))
  }

  /**
   * Makes evidence of two heads that the node's log key signed; nothing when they prove nothing.
   * @param proof a whole one, from the smaller to the larger; [] for one size
   */
  accuse(known: KnownCheckpoint, other: KnownCheckpoint, proof: readonly Hash[]): boolean {
    const { self, statements, problem } = this.#ports
    const { node, epoch } = known
    const { mesh, members, evidence } = statements.governance
    const log = members.get(node)?.log
    if (node === self || mesh === null || log === undefined) return false
    // One is enough; each further pair would make another.
    if (evidence.has(logOrigin(mesh, node, epoch))) return true
    const draft = draftEvidence({ mesh, node, log, epoch }, [known.note, other.note], proof)
    if (draft === null) return false
    const envelope = unsignedEnvelope('evidence', formatStatement(draft))
    const { verdict, done } = statements.offer(formatEnvelope(envelope), null, 'local')
    if (verdict.verdict !== 'accept') return true
    done.then(
      () => problem('a log has two histories: its node is distrusted', shown(known, other)),
      // Whoever hears of either head again makes it again.
      (error: unknown) => problem('evidence could not be kept', error),
    )
    return true
  }

  /** Two that a failed proof makes doubtful: where it is not enough for evidence, the node is asked for another. */
  suspect(known: KnownCheckpoint, other: KnownCheckpoint, proof: readonly Hash[]): void {
    if (this.accuse(known, other, proof)) return
    this.#heard(known)
    this.#heard(other)
  }

  /** Compares heads, one pair of a log after the other, until the signal aborts. */
  async run(signal: AbortSignal): Promise<void> {
    const { clock, statements } = this.#ports
    while (!signal.aborted) {
      const due = this.#due()
      await Promise.all(due.map((doubt) => this.#compare(doubt, signal)))
      // More nodes wait longer, so that none serves more proofs than in a small mesh.
      const { size } = statements.governance.members
      await clock.sleep(Math.max(PROOF_LOOK_MS, size * 20), signal)
    }
  }

  #due(): readonly Doubt[] {
    const nowMs = this.#ports.clock.monotonicMs()
    const { evidence } = this.#ports.statements.governance
    for (const origin of this.#doubts.keys()) if (evidence.has(origin)) this.#doubts.delete(origin)
    return [...this.#doubts.values()].filter(
      ({ heads, dueMs }) => heads.length > 0 && dueMs <= nowMs,
    )
  }

  #heard(head: KnownCheckpoint): void {
    const { self, statements } = this.#ports
    const { origin } = head.checkpoint
    if (head.node === self || statements.governance.evidence.has(origin)) return
    const doubt = this.#doubts.get(origin)
    if (doubt === undefined) this.#begin(origin, head)
    else if (![doubt.proven, ...doubt.heads].some((each) => each.note === head.note))
      // Those in between prove no less than the ones around them.
      doubt.heads = [...doubt.heads, head].toSpliced(1, doubt.heads.length + 1 - HEADS_DOUBTED_MAX)
  }

  #begin(origin: string, head: KnownCheckpoint): void {
    const known = this.#ports.checkpoints.newest(head.node)
    const same = known !== null && known.epoch === head.epoch && known.note !== head.note
    const [proven, heads] = same ? [known, [head]] : [head, []]
    this.#doubts.set(origin, { proven, heads, tries: 0, dueMs: 0 })
    for (const oldest of this.#doubts.keys()) {
      if (this.#doubts.size <= PEERS_MAX) break
      this.#doubts.delete(oldest)
    }
  }

  async #compare(doubt: Doubt, signal: AbortSignal): Promise<void> {
    const [head] = doubt.heads
    if (head === undefined) return
    const { proven } = doubt
    const [one, other] =
      proven.checkpoint.size < head.checkpoint.size ? [proven, head] : [head, proven]
    const verdict = await this.#proves(one, other, signal)
    doubt.tries = verdict === 'unknown' ? doubt.tries + 1 : 0
    doubt.dueMs = this.#ports.clock.monotonicMs() + doubt.tries * PROOF_RETRY_MS
    if (verdict === 'unknown' && doubt.tries < PROOF_TRIES_MAX) return
    doubt.heads = doubt.heads.filter((each) => each !== head)
    if (verdict === 'consistent') doubt.proven = other
  }

  /** @param one not larger than the other */
  async #proves(
    one: KnownCheckpoint,
    other: KnownCheckpoint,
    signal: AbortSignal,
  ): Promise<'consistent' | 'refuted' | 'unknown'> {
    const [a, b] = [one.checkpoint, other.checkpoint]
    try {
      const consistency = a.size === b.size ? [] : await this.#proof(one, other, signal)
      if (verifyConsistency(a.size, a.rootHash, b.size, b.rootHash, consistency))
        return 'consistent'
      const inclusion = isPowerOfTwo(a.size) ? await this.#path(one, other, signal) : []
      if (this.accuse(one, other, wholeProof(a.size, consistency, inclusion))) return 'refuted'
      this.#ports.problem('a proof between two heads of a log fails', shown(one, other))
      return 'refuted'
    } catch (error) {
      // It is away, or does not give it: no proof, and no evidence either.
      if (error instanceof MeshError) return 'unknown'
      throw error
    }
  }

  #proof(
    { node, epoch, checkpoint }: KnownCheckpoint,
    other: KnownCheckpoint,
    signal: AbortSignal,
  ) {
    const [from, to] = [checkpoint.size, other.checkpoint.size]
    return this.#hashes(node, { ask: 'consistency', epoch, from, to }, signal)
  }

  #path({ node, epoch, checkpoint }: KnownCheckpoint, other: KnownCheckpoint, signal: AbortSignal) {
    const [index, size] = [checkpoint.size, other.checkpoint.size]
    return this.#hashes(node, { ask: 'inclusion', epoch, index, size }, signal)
  }

  async #hashes(node: Did, request: LogRequest, signal: AbortSignal): Promise<readonly Hash[]> {
    const answer = await this.#ports.ask(node, request, signal)
    if (answer.say === 'proof') return answer.hashes
    throw new MeshError('INVALID_ANSWER', 'the node gives no proof of its log')
  }
}

function shown({ checkpoint: a }: KnownCheckpoint, { checkpoint: b }: KnownCheckpoint) {
  return { origin: a.origin, sizes: [a.size, b.size] }
}
