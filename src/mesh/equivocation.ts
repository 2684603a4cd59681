/**
 * Two heads of one log that cannot both be true become evidence: a statement
 * that proves itself, made durable here and spread like any other (design 5).
 *
 * A node bears no witness against itself: what others show of its own log
 * seals it (own-log.ts).
 */
import { logOrigin } from '../core/checkpoint.ts'
import { formatEnvelope, unsignedEnvelope } from '../core/dsse.ts'
import type { Did } from '../core/keys.ts'
import type { Hash } from '../core/merkle.ts'
import { draftEvidence } from '../core/statement/evidence.ts'
import { formatStatement } from '../core/statement/statement.ts'
import type { Checkpoints, KnownCheckpoint } from './checkpoints.ts'
import type { Statements } from './statements.ts'

export interface EquivocationPorts {
  readonly self: Did
  readonly statements: Pick<Statements, 'governance' | 'offer'>
  readonly checkpoints: Pick<Checkpoints, 'onContradiction'>
  /** Tells the operator. */
  problem(what: string, error: unknown): void
}

export class Equivocation {
  readonly #ports: EquivocationPorts

  constructor(ports: EquivocationPorts) {
    this.#ports = ports
    ports.checkpoints.onContradiction((known, other) => this.accuse(known, other, []))
  }

  /** Makes evidence of two heads that the node's log key signed; nothing when they prove nothing. */
  accuse(known: KnownCheckpoint, other: KnownCheckpoint, proof: readonly Hash[]): void {
    const { self, statements, problem } = this.#ports
    const { node, epoch } = known
    const { mesh, members, evidence } = statements.governance
    const log = members.get(node)?.log
    if (node === self || mesh === null || log === undefined) return
    // One is enough; each further pair would make another.
    if (evidence.has(logOrigin(mesh, node, epoch))) return
    const draft = draftEvidence({ mesh, node, log, epoch }, [known.note, other.note], proof)
    if (draft === null) return
    const envelope = unsignedEnvelope('evidence', formatStatement(draft))
    const { verdict, done } = statements.offer(formatEnvelope(envelope), null, 'local')
    if (verdict.verdict !== 'accept') return
    done.then(
      () => problem('a log has two histories: its node is distrusted', { known, other }),
      // Whoever hears of either head again makes it again.
      (error: unknown) => problem('evidence could not be kept', error),
    )
  }
}
