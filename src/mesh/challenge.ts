/**
 * Asks one peer for its governance state, by a nonce. What comes back is that
 * peer's word, given after the question left: nothing that was heard in any
 * other way says how old it is (FAULTS 1.2, note 3).
 */
import { toBase64 } from '../core/bytes.ts'
import type { Governance } from '../core/governance.ts'
import type { StatementId } from '../core/id.ts'
import type { Did } from '../core/keys.ts'
import { DIGESTS_REMEMBERED_MAX, NONCE_BYTES } from '../core/limits.ts'
import { Malformed } from '../core/malformed.ts'
import { Memo } from '../core/memo.ts'
import { MeshError } from '../core/problems.ts'
import type { Heard } from './heard.ts'
import type { Clock, Network, Random } from './ports.ts'
import {
  formatStateQuestion,
  parseStateAnswer,
  type SignedStateAnswer,
  type StateAnswer,
  type StateQuestion,
  verifyStateAnswer,
} from './state-frames.ts'

/** A statement that was learned, and others whose state changed with it. */
export interface Changed {
  readonly id: StatementId
  readonly changed: readonly StatementId[]
}

/** What the lease and its kin need of the statements. */
export interface StateSource {
  readonly governance: Governance
  /** After a statement is durable and applied. */
  onChange(listener: (learned: Changed) => void): void
}

export interface ChallengePorts {
  readonly network: Network
  readonly clock: Clock
  readonly random: Random
  readonly statements: StateSource
  readonly heard: Heard
  /** Resolves once everything that the peer held when this was called is held here, with its incarnation (sync.ts). */
  pull(peer: Did, signal: AbortSignal): Promise<string>
}

export interface Answered {
  readonly answer: StateAnswer
  /** Monotonic time at which the question left. */
  readonly sentMs: number
  /** This node's wall clock less the other's, as it was half-way. */
  readonly clockOffsetMs: number
}

export class Challenges {
  readonly #ports: ChallengePorts
  /** Digests that were this node's own. Its state only grows: it holds all of each. */
  readonly #passed = new Memo<string, true>(DIGESTS_REMEMBERED_MAX)
  readonly #pulling = new Map<string, Promise<string>>()
  readonly #listeners: ((answer: StateAnswer, sentMs: number) => void)[] = []

  constructor(ports: ChallengePorts) {
    this.#ports = ports
    const { statements } = ports
    this.#passed.set(statements.governance.digest, true)
    statements.onChange(() => this.#passed.set(statements.governance.digest, true))
  }

  /** Told of each answer that was verified, and of the monotonic time at which its question left. */
  onAnswer(listener: (answer: StateAnswer, sentMs: number) => void): void {
    this.#listeners.push(listener)
  }

  /** Waits for the answer. @throws MeshError UNREACHABLE, TIMEOUT, INVALID_ANSWER */
  async ask(
    peer: Did,
    { ids, own }: Omit<StateQuestion, 'nonce'>,
    signal?: AbortSignal,
  ): Promise<Answered> {
    const { network, clock, random, heard } = this.#ports
    const question = { nonce: toBase64(random.bytes(NONCE_BYTES)), ids, own }
    const sentMs = clock.monotonicMs()
    const bytes = await network.ask(peer, 'state', formatStateQuestion(question), signal)
    const signed = read(bytes)
    const wrong = checkAnswer(signed, peer, question, this.#ports.statements.governance)
    if (wrong !== null) throw new MeshError('INVALID_ANSWER', wrong)
    const halfMs = (clock.monotonicMs() - sentMs) / 2
    const clockOffsetMs = Math.round(clock.wallMs() - halfMs - signed.answer.timeMs)
    heard.answered(signed.answer, clockOffsetMs)
    for (const listener of this.#listeners) listener(signed.answer, sentMs)
    return { answer: signed.answer, sentMs, clockOffsetMs }
  }

  /**
   * Resolves once the state that was answered is held whole here. That a digest
   * was once our own says so at once, while statements keep coming (row 119).
   *
   * INVARIANT: a pull proves it only within the incarnation that answered. Of
   * the next one the disk may be an older one: all that it serves may be held
   * here, and what was answered not.
   * @throws MeshError when the peer does not serve what it claims to hold, or started again since
   */
  async reach({ node, incarnation, digest }: StateAnswer, signal: AbortSignal): Promise<void> {
    if (this.holds(digest)) return
    const key = `${node} ${incarnation} ${digest}`
    // A pull that began after an answer with this digest covers every other with the same.
    let pulling = this.#pulling.get(key)
    if (pulling === undefined) {
      pulling = this.#ports.pull(node, signal).finally(() => this.#pulling.delete(key))
      this.#pulling.set(key, pulling)
    }
    if ((await pulling) !== incarnation)
      throw new MeshError('UNREACHABLE', 'the peer started again since it answered')
  }

  /** Whether a state with that digest is known to be held whole. */
  holds(digest: string): boolean {
    return digest === this.#ports.statements.governance.digest || this.#passed.get(digest) === true
  }
}

function checkAnswer(
  signed: SignedStateAnswer,
  peer: Did,
  { nonce, ids }: StateQuestion,
  governance: Governance,
): string | null {
  const { answer } = signed
  // [row 116] An answer to another question may be of any age.
  if (answer.nonce !== nonce) return 'the answer is to another question'
  if (answer.node !== peer) return 'the answer is the word of another node'
  if (answer.mesh !== governance.mesh) return 'the answer is of another mesh'
  if (answer.held.length !== ids.length) return 'the answer is about other statements'
  if (!verifyStateAnswer(signed, governance)) return 'the answer is not signed by its node'
  return null
}

function read(bytes: Uint8Array): SignedStateAnswer {
  try {
    return parseStateAnswer(bytes)
  } catch (error) {
    // Untrusted bytes come in here; to the asker they are a peer that does not answer.
    if (error instanceof Malformed) throw new MeshError('INVALID_ANSWER', error.message)
    throw error
  }
}
