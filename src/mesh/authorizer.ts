/**
 * The one door. Every request passes through here:
 *
 *     prepare → judge → reserve → append → durable → [witnessed] → re-check → answer
 *
 * Nothing leaves as an allow until its record would survive a power cut (and,
 * where a policy demands it, until a quorum of witnesses vouches for it), and
 * until what may have arrived while the disk was busy has been looked at
 * again. No await stands between that second look and the answer. A deny is
 * returned even if it cannot be recorded, and is counted in the next durable
 * record; an allow never is (design 4).
 */
import { formatEntity } from '../core/command.ts'
import type { RecordId } from '../core/id.ts'
import type { JsonObject } from '../core/json.ts'
import type { JudgeInput, Judgement } from '../core/judge.ts'
import {
  DECISION_DEADLINE_MS,
  DECISIONS_MAX,
  DENIALS_WAITING_MAX,
  WITNESSED_DEADLINE_MS,
} from '../core/limits.ts'
import { Malformed } from '../core/malformed.ts'
import type { Denial } from '../core/reasons.ts'
import { Deadlines } from './deadlines.ts'
import type { About, Standing } from './executions.ts'
import { Exhibits, type Place } from './exhibits.ts'
import type { Nonces } from './nonces.ts'
import type { Clock, Put } from './ports.ts'

export interface Appended {
  readonly id: RecordId
  readonly index: number
}

/** One request with all that was measured about it; facts do not change between judge and answer. */
export interface Call {
  readonly input: Omit<JudgeInput, 'seen'>
  /** Monotonic time at which the request arrived. */
  readonly receivedMs: number
  /** Whether an allow opens an execution that is watched until its outcome. */
  readonly opens: boolean
  /** Who may watch and close the execution that it opens. */
  readonly owner: string
  /** Checks 8 and 11 on the state of the moment at which it is called. @param execution the allow's own record */
  recheck(judgement: Judgement, execution: RecordId): Denial | null
  leaseUntilMs(judgement: Judgement): number | null
  /** The leaf without index and time. */
  draft(
    judgement: Judgement,
    denial: Denial | null,
    supersedes: RecordId | null,
    unrecorded: number,
  ): JsonObject
}

export interface AuthorizerPorts {
  readonly clock: Clock
  readonly nonces: Nonces
  judge(input: JudgeInput): Judgement
  /** Resolves when durable. Puts may name the record they travel with. */
  append(
    draft: JsonObject,
    puts: (id: RecordId) => readonly Put[],
    exhibit: Uint8Array | null,
  ): Promise<Appended>
  /** Where stands what is appended now. */
  next(): Place
  /** Why no allow could be recorded now: sealed, disk low, boot check; null when it can. */
  unwritable(): string | null
  /** Resolves true as soon as the record is witnessed; false after ms. */
  witnessed(record: Appended, ms: number): Promise<boolean>
  opening(id: RecordId): readonly Put[]
  /** Takes back what opening put, with the record of the deny that replaces the allow. */
  closing(id: RecordId): readonly Put[]
  opened(id: RecordId, standing: Standing): void
  executionsFull(): boolean
  /** The moment of the answer: called in the same turn as the second look, with nothing awaited between. */
  answered(decision: Decision): void
  /** A record was lost: said once to the operator, counted for the next record that is not. */
  missed(error: unknown): void
}

/** What is returned. A denial that could not be recorded has no record; an allow always has one. */
export type Decision =
  | {
      readonly effect: 'allow'
      readonly judgement: Judgement
      readonly record: Appended
      readonly leaseUntilMs: number
    }
  | {
      readonly effect: 'deny'
      readonly judgement: Judgement | null
      readonly denial: Denial
      readonly record: Appended | null
    }

const UNRECORDED = (detail: string): Denial => ({ code: 'AUDIT_UNAVAILABLE', detail })
const LATE: Denial = {
  code: 'DEADLINE',
  detail: `no answer was ready within ${DECISION_DEADLINE_MS} ms`,
}
const UNWITNESSED: Denial = {
  code: 'DEADLINE',
  detail: `a policy demands a witnessed record, and too few witnesses cosigned it within ${WITNESSED_DEADLINE_MS} ms`,
}
const BUSY: Denial = { code: 'OVERLOADED', detail: `${DECISIONS_MAX} decisions are being made` }

export class Authorizer {
  readonly #ports: AuthorizerPorts
  readonly #deadlines: Deadlines
  readonly #exhibits = new Exhibits()
  #deciding = 0
  #denialsWaiting = 0
  /** Denials returned since the last durable record that no record names. */
  #unrecorded = 0

  constructor(ports: AuthorizerPorts) {
    this.#ports = ports
    this.#deadlines = new Deadlines(ports.clock)
  }

  get unrecorded(): number {
    return this.#unrecorded
  }

  /**
   * Waits for the disk, and for the deadline at most. Rejects only for a bug; the edge answers that INTERNAL.
   * @param prepare gives the call, perhaps once a signature is made; not asked when there is no room
   */
  async decide(receivedMs: number, prepare: () => Call | Promise<Call>): Promise<Decision> {
    if (this.#deciding >= DECISIONS_MAX) return this.#unrecordedDenial(null, BUSY)
    this.#deciding += 1
    try {
      const prepared = prepare()
      const call = prepared instanceof Promise ? await this.#within(receivedMs, prepared) : prepared
      return call === 'late' ? this.#unrecordedDenial(null, LATE) : await this.#decide(call)
    } catch (error) {
      // The edge denies INTERNAL, and that denial has no record either.
      this.#unrecorded += 1
      throw error
    } finally {
      this.#deciding -= 1
    }
  }

  /** The same judgement without a record, a nonce or an execution: explain only. */
  hypothetical(call: Call): { readonly judgement: Judgement; readonly denial: Denial | null } {
    const judgement = this.#judge(call)
    return { judgement, denial: judgement.denial ?? this.#cannotAllow(call) }
  }

  async #decide(call: Call): Promise<Decision> {
    const judgement = this.#judge(call)
    const denial = judgement.denial ?? this.#cannotAllow(call)
    if (denial !== null) return this.#deny(call, judgement, denial, null)

    // INVARIANT: nothing is awaited between judge, which looked at what was used, and this.
    const uses = this.#ports.nonces.reserve(judgement.uses)
    const written = this.#append(call, judgement, null, null, (id) => [
      ...uses,
      ...(call.opens ? this.#ports.opening(id) : []),
    ])
    const record = await this.#within(call.receivedMs, written)
    if (record === 'late') return this.#supersedeLater(call, judgement, written)
    if (record === null)
      return this.#unrecordedDenial(judgement, UNRECORDED('the log accepts no record'))

    if (judgement.witnessed && !(await this.#witnessed(call, record)))
      return this.#deny(call, judgement, UNWITNESSED, record.id)

    // A log that was sealed meanwhile allows nothing, also what it took before.
    const late = this.#unwritable() ?? call.recheck(judgement, record.id)
    const leaseUntilMs = call.leaseUntilMs(judgement)
    if (late !== null) return this.#deny(call, judgement, late, record.id)
    if (leaseUntilMs === null) return this.#deny(call, judgement, NO_LEASE, record.id)
    if (call.opens) this.#ports.opened(record.id, this.#standing(call, judgement, record.id))
    return this.#answer({ effect: 'allow', judgement, record, leaseUntilMs })
  }

  #judge(call: Call): Judgement {
    return this.#ports.judge({ ...call.input, seen: (cid) => this.#ports.nonces.seen(cid) })
  }

  /** What stands in the way of an allow, whatever the judgement. */
  #cannotAllow(call: Call): Denial | null {
    if (this.#ports.nonces.full)
      return { code: 'OVERLOADED', detail: 'too many invocations are remembered' }
    if (call.opens && this.#ports.executionsFull())
      return { code: 'OVERLOADED', detail: 'too many executions run' }
    return this.#unwritable()
  }

  #unwritable(): Denial | null {
    const why = this.#ports.unwritable()
    return why === null ? null : UNRECORDED(why)
  }

  /** Whether it was in time; who waits for nothing asks nobody. */
  async #witnessed({ receivedMs }: Call, record: Appended): Promise<boolean> {
    const leftMs = receivedMs + WITNESSED_DEADLINE_MS - this.#ports.clock.monotonicMs()
    return leftMs > 0 && (await this.#ports.witnessed(record, Math.ceil(leftMs)))
  }

  #standing(call: Call, judgement: Judgement, id: RecordId): Standing {
    return {
      owner: call.owner,
      about: aboutOf(call, judgement),
      recheck: () => call.recheck(judgement, id),
      leaseUntilMs: () => call.leaseUntilMs(judgement),
    }
  }

  /** A deny waits for its record within a budget of its own, so that a flood of them delays no allow. */
  async #deny(
    call: Call,
    judgement: Judgement,
    denial: Denial,
    supersedes: RecordId | null,
  ): Promise<Decision> {
    if (this.#denialsWaiting >= DENIALS_WAITING_MAX)
      return this.#unrecordedDenial(judgement, denial)
    this.#denialsWaiting += 1
    const written = this.#appendDenial(call, judgement, denial, supersedes)
    const record = await this.#within(call.receivedMs, written)
    return this.#answer({
      effect: 'deny',
      judgement,
      denial,
      record: record === 'late' ? null : record,
    })
  }

  /** Counted as unrecorded when it fails, however late that turns out. */
  async #appendDenial(
    call: Call,
    judgement: Judgement,
    denial: Denial,
    supersedes: RecordId | null,
  ): Promise<Appended | null> {
    const closes = call.opens && supersedes !== null
    const record = await this.#append(call, judgement, denial, supersedes, () =>
      closes ? this.#ports.closing(supersedes) : [],
    )
    this.#denialsWaiting -= 1
    if (record === null) this.#unrecorded += 1
    return record
  }

  #unrecordedDenial(judgement: Judgement | null, denial: Denial): Decision {
    this.#unrecorded += 1
    return this.#answer({ effect: 'deny', judgement, denial, record: null })
  }

  /** An allow that came too late was never returned: its record is followed by the deny that was. */
  #supersedeLater(call: Call, judgement: Judgement, written: Promise<Appended | null>): Decision {
    void written.then((record) => {
      if (record === null) {
        this.#unrecorded += 1
        return null
      }
      this.#denialsWaiting += 1
      return this.#appendDenial(call, judgement, LATE, record.id)
    })
    return this.#answer({ effect: 'deny', judgement, denial: LATE, record: null })
  }

  #answer(decision: Decision): Decision {
    this.#ports.answered(decision)
    return decision
  }

  /** A failed append is an answer here, not an error: only an allow depends on it. */
  async #append(
    call: Call,
    judgement: Judgement,
    denial: Denial | null,
    supersedes: RecordId | null,
    puts: (id: RecordId) => readonly Put[],
  ): Promise<Appended | null> {
    const unrecorded = this.#unrecorded
    this.#unrecorded = 0
    try {
      const draft = call.draft(judgement, denial, supersedes, unrecorded)
      const exhibit = this.#exhibits.make(call.input, judgement, this.#ports.next())
      return await this.#ports.append(draft, puts, exhibit)
    } catch (error) {
      this.#exhibits.lost()
      this.#ports.missed(error)
      this.#unrecorded += unrecorded
      return null
    }
  }

  #within<T>(receivedMs: number, promise: Promise<T>): Promise<T | 'late'> {
    return this.#deadlines.within(promise, receivedMs + DECISION_DEADLINE_MS)
  }
}

function aboutOf({ input: { request } }: Call, { principal }: Judgement): About {
  // What is no request is never allowed.
  if (request instanceof Malformed) return { principal, action: '', resource: '' }
  return { principal, action: request.action, resource: formatEntity(request.resource) }
}

const NO_LEASE: Denial = {
  code: 'GOVERNANCE_STALE',
  detail: 'the lease ended while the record was written',
}
