/**
 * From a question to its answer: measures, presents, and passes it through the
 * one door (mesh/authorizer.ts); then says what came of it, as much as this
 * caller may see. Nothing here decides.
 */

import { type Artifact, parseArtifact } from '../core/artifact.ts'
import { utf8 } from '../core/bytes.ts'
import type { NameOf } from '../core/checks/wording.ts'
import { decisionDraft } from '../core/decision-record.ts'
import type { ProcessFacts } from '../core/facts.ts'
import type { RecordId } from '../core/id.ts'
import type { Judgement } from '../core/judgement.ts'
import type { Did } from '../core/keys.ts'
import type { LeaseStatus } from '../core/lease.ts'
import { PARENT_MS_MAX, PARENTS_PER_CALLER_MAX } from '../core/limits.ts'
import type { Parent } from '../core/lineage.ts'
import { Malformed } from '../core/malformed.ts'
import type { PolicyEngine } from '../core/policy.ts'
import type { Caller, Governed, Presented } from '../core/presented.ts'
import { type Denial, REASONS } from '../core/reasons.ts'
import { type Fresh, leaseUntilMs, recheck } from '../core/recheck.ts'
import type { Request } from '../core/request.ts'
import type { Appended, Authorizer, Call } from '../mesh/authorizer.ts'
import type { Executions } from '../mesh/executions.ts'
import type { Clock, Random } from '../mesh/ports.ts'
import { ownerOf } from './caller.ts'
import { needsExecutable } from './executable-need.ts'
import type { FactReader } from './facts.ts'
import { present } from './present.ts'
import type { Wallet } from './wallet.ts'

/** The node, as the decision path needs it; the composition provides it. */
export interface NodePort {
  readonly self: Did
  readonly name: string
  governance(): Governed
  /** Under this node's own bound. */
  lease(): LeaseStatus
  leaseWithin(stalenessMs: number): LeaseStatus
  readonly authorizer: Authorizer
  readonly executions: Executions
  readonly policy: PolicyEngine
  seen(cid: string): boolean
  /** Proof of a cause, or why there is none. @param untilMs monotonic */
  parent(cause: RecordId, untilMs: number): Promise<Parent>
  /** The same function as long as it says the same. */
  readonly nameOf: NameOf
  /** Of the log: `prod/atlas/1`; null without a mesh. */
  origin(): string | null
}

export interface DeciderPorts {
  readonly node: NodePort
  readonly clock: Clock
  readonly random: Random
  readonly facts: FactReader
  readonly wallet: Wallet
}

export interface Question {
  readonly request: Request | Malformed
  readonly caller: Caller
  /** The header `Meshd-Artifact`. */
  readonly artifact: string | null
  /** Monotonic ms of arrival. */
  readonly receivedMs: number
  /** Whether an allow opens an execution. */
  readonly opens: boolean
  /** Which adapter asks; null for the API itself. */
  readonly gateway: string | null
}

/** What came of it, and what is needed to show it. */
export interface Decided {
  /** null when nothing was judged: OVERLOADED, INTERNAL. */
  readonly judgement: Judgement | null
  /** null exactly for an allow, or for what would be one. */
  readonly denial: Denial | null
  readonly record: Appended | null
  /** Monotonic; null but for an allow that may be acted on. */
  readonly leaseUntilMs: number | null
  /** Never usable: explain alone. */
  readonly hypothetical: boolean
  readonly caller: Caller
  /** Of the answer. */
  readonly wallMs: number
  readonly monotonicMs: number
  readonly durationMs: number
}

export class Decider {
  readonly #ports: DeciderPorts

  /** By owner: how many of its requests wait for the receipt of a parent. */
  readonly #seeking = new Map<string, number>()

  constructor(ports: DeciderPorts) {
    this.#ports = ports
  }

  /** One real decision. Waits for the disk. Rejects only for a bug; the edge answers that INTERNAL. */
  async decide(question: Question): Promise<Decided> {
    const { authorizer } = this.#ports.node
    const brought = broughtBy(question)
    const cause = causeOf(question, brought)
    const parent = cause === null ? null : await this.#parent(question, cause)
    const measuring = this.#measure(question, brought)
    const waits = measuring instanceof Promise
    const process = waits ? await measuring : measuring
    // The waits for a parent and for an executable have bounds of their own; the deadline of the decision begins after them.
    const receivedMs =
      parent === null && !waits ? question.receivedMs : this.#ports.clock.monotonicMs()
    const call = () => this.#call({ ...question, receivedMs }, process, parent)
    const decision = await authorizer.decide(receivedMs, call)
    const { judgement, record } = decision
    const allowed = decision.effect === 'allow'
    return {
      judgement,
      denial: allowed ? null : decision.denial,
      record,
      leaseUntilMs: allowed ? decision.leaseUntilMs : null,
      hypothetical: false,
      ...this.#moment(question),
    }
  }

  /** What it would be: not recorded, no nonce used, never usable. */
  async explain(question: Question): Promise<Decided> {
    const brought = broughtBy(question)
    const cause = causeOf(question, brought)
    const parent = cause === null ? null : await this.#parent(question, cause)
    const process = await this.#measure(question, brought)
    const call = await this.#call(question, process, parent)
    const found = this.#ports.node.authorizer.hypothetical(call)
    const nothing = { record: null, leaseUntilMs: null, hypothetical: true }
    return { ...found, ...nothing, ...this.#moment(question) }
  }

  /** The answer to a question that this program failed to decide. */
  internal(question: Pick<Question, 'caller' | 'receivedMs'>): Decided {
    const denial: Denial = { code: 'INTERNAL', detail: REASONS.INTERNAL.says }
    const nothing = { judgement: null, record: null, leaseUntilMs: null, hypothetical: false }
    return { denial, ...nothing, ...this.#moment(question) }
  }

  #moment({ caller, receivedMs }: Pick<Question, 'caller' | 'receivedMs'>) {
    const { clock } = this.#ports
    const monotonicMs = clock.monotonicMs()
    const durationMs = Math.max(0, monotonicMs - receivedMs)
    return { caller, wallMs: clock.wallMs(), monotonicMs, durationMs }
  }

  #measure({ caller }: Question, brought: Artifact | null) {
    const { facts, wallet, node } = this.#ports
    const { policy } = node
    return facts.measure(caller, needsExecutable(caller, brought, { policy, wallet }))
  }

  /** What the caller brought; else what the node finds. */
  async #parent({ request, caller }: Question, cause: RecordId): Promise<Parent> {
    const { node, clock } = this.#ports
    if (!(request instanceof Malformed) && request.receipt !== null)
      return { kind: 'receipt', receipt: utf8(request.receipt) }
    const owner = ownerOf(caller)
    const seeking = this.#seeking.get(owner) ?? 0
    if (seeking >= PARENTS_PER_CALLER_MAX)
      return { kind: 'none', detail: 'too many of this caller are being fetched' }
    this.#seeking.set(owner, seeking + 1)
    try {
      return await node.parent(cause, clock.monotonicMs() + PARENT_MS_MAX)
    } finally {
      const left = (this.#seeking.get(owner) ?? 1) - 1
      if (left > 0) this.#seeking.set(owner, left)
      else this.#seeking.delete(owner)
    }
  }

  /** Everything is measured once the artifact is there: nothing is kept from before its signature. */
  #call(question: Question, process: ProcessFacts, parent: Parent | null): Call | Promise<Call> {
    const presented = this.#present(question)
    const made = (closed: Presented) => this.#callWith(question, process, closed, parent)
    return presented instanceof Promise ? presented.then(made) : made(presented)
  }

  #present({ request, caller, artifact }: Question): Presented | Promise<Presented> {
    const { node, clock, wallet, random } = this.#ports
    const { self, nameOf } = node
    return present(
      { request, caller, artifact, governance: node.governance(), nowMs: clock.wallMs() },
      { self, wallet, random, nameOf, seen: (cid) => node.seen(cid) },
    )
  }

  #callWith(
    question: Question,
    process: ProcessFacts,
    presented: Presented,
    parent: Parent | null,
  ): Call {
    const { clock } = this.#ports
    const input = this.#input(question, process, presented, parent)
    return {
      input,
      receivedMs: question.receivedMs,
      opens: question.opens,
      owner: ownerOf(question.caller),
      recheck: (judgement, execution) => recheck(judgement, this.#fresh(execution)),
      leaseUntilMs: (judgement) => leaseUntilMs(judgement, this.#fresh(null)),
      draft: (judgement, denial, supersedes, unrecorded) =>
        decisionDraft({
          input,
          judgement,
          denial,
          supersedes,
          unrecorded,
          gateway: question.gateway,
          durationUs: microseconds(clock.monotonicMs() - question.receivedMs),
        }),
    }
  }

  #input(
    { request, caller }: Question,
    process: ProcessFacts,
    presented: Presented,
    parent: Parent | null,
  ): Call['input'] {
    const { node, clock, facts } = this.#ports
    const governance = node.governance()
    return {
      request,
      presented,
      parent,
      caller,
      governance,
      facts: facts.read(caller, process, governance),
      lease: node.lease(),
      leaseWithin: (stalenessMs) => node.leaseWithin(stalenessMs),
      nowMs: clock.wallMs(),
      monotonicMs: clock.monotonicMs(),
      policy: node.policy,
      nameOf: node.nameOf,
    }
  }

  /** The state of this very moment; nothing is kept from when it was judged. */
  #fresh(execution: RecordId | null): Fresh {
    const { node, clock } = this.#ports
    return {
      governance: node.governance(),
      lease: node.lease(),
      leaseWithin: (stalenessMs) => node.leaseWithin(stalenessMs),
      nowMs: clock.wallMs(),
      monotonicMs: clock.monotonicMs(),
      execution,
    }
  }
}

/** The artifact that came with it; null for none, and for what cannot be read: check 1 says what that lacks. */
function broughtBy({ artifact }: Question): Artifact | null {
  if (artifact === null) return null
  try {
    return parseArtifact(artifact)
  } catch (error) {
    // Untrusted bytes.
    if (error instanceof Malformed) return null
    throw error
  }
}

/** Named in the request, or signed in an invocation that came with it. */
function causeOf({ request }: Question, brought: Artifact | null): RecordId | null {
  if (!(request instanceof Malformed) && request.cause !== null) return request.cause
  return brought?.invocation?.cause ?? null
}

function microseconds(ms: number): number {
  return Math.max(0, Math.round(ms * 1000))
}
