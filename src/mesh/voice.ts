/**
 * Answers questions about this node's governance, signed. Every node answers;
 * only a witness of the newest root that finished its boot check and opened
 * that root's era is counted (design 4).
 *
 * INVARIANT: what is signed here is durable here, and never goes back: the
 * statements are durable before governance contains them, checkpoints before
 * they are known, opened and closed before they are told.
 */
import { textOf } from '../core/bytes.ts'
import { currentEra } from '../core/eras.ts'
import type { StatementId } from '../core/id.ts'
import type { Did, Signer } from '../core/keys.ts'
import { Malformed } from '../core/malformed.ts'
import type { StateSource } from './challenge.ts'
import type { Checkpoints } from './checkpoints.ts'
import type { Clock, Network } from './ports.ts'
import { parseStateQuestion, type StateQuestion, signStateAnswer } from './state-frames.ts'

export interface VoicePorts {
  readonly network: Network
  readonly clock: Clock
  readonly statements: StateSource & { get(id: StatementId): { readonly state: string } | null }
  readonly checkpoints: Pick<Checkpoints, 'newest'>
  readonly boot: { readonly done: boolean }
  readonly handover: { readonly opened: number; readonly closed: number }
  /** The node's witness key. */
  readonly witness: Signer
  /** Of this start, drawn by chance. */
  readonly incarnation: string
  /** The newest published checkpoint of this node's log. */
  checkpoint(): Uint8Array | null
}

export class Voice {
  readonly #ports: VoicePorts

  constructor(ports: VoicePorts) {
    this.#ports = ports
  }

  /** Becomes the answerer of the protocol. */
  listen(): void {
    this.#ports.network.handle('state', async (peer, request) => this.answer(peer, request))
  }

  /**
   * Whether this node's own word counts as a witness's now, to itself. To others
   * it may while this is false: they hold what lifts the evidence against it, and
   * it does not yet.
   */
  get speaks(): boolean {
    const { statements, network, boot, handover, witness } = this.#ports
    const { root, roots, members, distrusted } = statements.governance
    if (!boot.done || root === null || !root.witnesses.includes(network.self)) return false
    if (distrusted.has(network.self)) return false
    if (members.get(network.self)?.witness !== witness.did) return false
    return handover.opened === currentEra(roots).from
  }

  /** Whether the statement is effective here, and so inside every state that is signed from now on. */
  holds(id: StatementId): boolean {
    const state = this.#ports.statements.get(id)?.state
    return state === 'effective' || state === 'conflict'
  }

  /** null, and no answer, for what is no question, and while this node is no member. */
  answer(peer: Did, request: Uint8Array): Uint8Array | null {
    const question = read(request)
    const { statements, network, witness } = this.#ports
    const { mesh, root, members } = statements.governance
    if (question === null || mesh === null || root === null) return null
    if (members.get(network.self)?.witness !== witness.did) return null
    return this.#sign(peer, question, mesh, root.version)
  }

  #sign(
    peer: Did,
    { nonce, ids, own }: StateQuestion,
    mesh: StatementId,
    root: number,
  ): Uint8Array {
    const { statements, network, clock, checkpoints, boot, handover, witness } = this.#ports
    const { incarnation } = this.#ports
    const { digest, size } = statements.governance
    const published = this.#ports.checkpoint()
    const answer = {
      // In the order in which they are printed, which costs a third.
      checked: boot.done,
      checkpoint: published === null ? null : textOf(published),
      closed: handover.closed,
      digest,
      held: ids.map((id) => this.holds(id)),
      incarnation,
      mesh,
      node: network.self,
      nonce,
      opened: handover.opened,
      root,
      size,
      timeMs: clock.wallMs(),
      yours: own ? (checkpoints.newest(peer)?.note ?? null) : null,
    }
    return signStateAnswer(answer, witness)
  }
}

function read(request: Uint8Array): StateQuestion | null {
  try {
    return parseStateQuestion(request)
  } catch (error) {
    // Untrusted bytes come in here, and what is no question gets no answer.
    if (error instanceof Malformed) return null
    throw error
  }
}
