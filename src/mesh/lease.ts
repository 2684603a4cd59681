/**
 * The freshness lease (design 4): permission to allow at all. This node asks
 * each witness again and again; while `read` of them answered lately, each
 * with a state that is held whole here, no revocation can have been committed
 * longer ago than the staleness without being known here.
 *
 * It is empty after boot, after a pause and after a step of the clock. Nothing
 * but answers to its own questions extends it; age counts from when a question
 * left (Q3). Where anything is unknown, it is not held.
 */
import { currentEra } from '../core/eras.ts'
import type { Did } from '../core/keys.ts'
import type { LeaseStatus } from '../core/lease.ts'
import { type CountedVoice, leaseOf } from '../core/lease-quorum.ts'
import {
  LEASE_ASKS_PER_STALENESS,
  LEASE_DEMAND_MS,
  LEASE_LOOK_MS,
  LEASE_RETRY_MS,
  STALENESS_MS_MIN,
} from '../core/limits.ts'
import type { Root } from '../core/statement/root.ts'
import type { Answered, Challenges, StateSource } from './challenge.ts'
import { ClockWatch } from './clock.ts'
import { LiveTerms, type LongestTerms } from './live-terms.ts'
import { Pace } from './pace.ts'
import type { Clock, Network, Random } from './ports.ts'
import { inGoodStanding } from './standing.ts'

export interface LeasePorts {
  readonly network: Network
  readonly clock: Clock
  readonly random: Random
  readonly statements: StateSource
  readonly challenges: Pick<Challenges, 'ask' | 'reach'>
  readonly boot: { readonly done: boolean; readonly why: string | null }
  readonly handover: { readonly why: string | null }
  readonly voice: { readonly speaks: boolean }
  /** The node's own stricter bound; null for the root's. */
  stalenessAtMostMs(): number | null
  /** The shortest bound that a policy in force may ask for; null when none does. */
  policyStalenessMs(): number | null
  /** The largest durable time: the wall clock may not be behind it. */
  durableTimeMs(): number
}

interface Voiced extends CountedVoice {
  readonly rootVersion: number
}

export class Lease {
  readonly #ports: LeasePorts
  readonly #pace: Pace
  readonly #watch: ClockWatch
  readonly #voices = new Map<Did, Voiced>()
  /** Questions on their way, of each witness: a lost one does not hold up the next. */
  readonly #asking = new Map<Did, number>()
  /** Monotonic time at which each witness is asked next. */
  readonly #due = new Map<Did, number>()
  /** Counts resets: what was asked before the last one does not count. */
  #resets = 0
  /** The shortest staleness that a policy demanded lately. */
  #demand: { readonly stalenessMs: number; readonly atMs: number } | null = null
  #emptied: string | null = null
  readonly #live = new LiveTerms()

  constructor(ports: LeasePorts) {
    this.#ports = ports
    this.#pace = new Pace(ports.clock)
    this.#watch = new ClockWatch(ports.clock, () => ports.durableTimeMs())
    ports.network.onPeer((peer, greeted) => greeted && this.#askNow(peer))
    let version = 0
    ports.statements.onChange(() => {
      const now = ports.statements.governance.root?.version ?? 0
      // Answers count within one root version only: all are needed anew.
      if (now !== version) this.#askNow(null)
      version = now
    })
  }

  /** The lease under the root's bound, or the node's own stricter one. */
  status(): LeaseStatus {
    return this.#under(Number.POSITIVE_INFINITY)
  }

  /** The lease under a policy's bound; it can only be shorter. */
  within(stalenessMs: number): LeaseStatus {
    this.#demanded(stalenessMs)
    return this.#under(stalenessMs)
  }

  /** Empties the lease: nothing that was asked before counts. */
  reset(why: string): void {
    this.#emptied = why
    this.#voices.clear()
    this.#watch.forget()
    this.#resets += 1
    this.#askNow(null)
  }

  /** The longest terms under which a lease may be held anywhere. */
  longestTerms(): LongestTerms {
    const { statements, clock } = this.#ports
    return this.#live.longest(statements.governance.roots, clock.monotonicMs())
  }

  /** Asks until the signal aborts. */
  async run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      this.#look()
      for (const witness of this.#dueNow()) void this.#ask(witness, signal)
      await this.#pace.wait(this.#restMs(), signal)
    }
  }

  /** Until the next question is due. */
  #restMs(): number {
    const nowMs = this.#ports.clock.monotonicMs()
    const leftMs = [...this.#due.values()].map((dueMs) => Math.ceil(dueMs - nowMs))
    return Math.min(LEASE_LOOK_MS, ...leftMs.filter((ms) => ms > 0))
  }

  #under(atMostMs: number): LeaseStatus {
    this.#look()
    const { statements, network, clock, boot, voice, handover } = this.#ports
    const { root } = statements.governance
    if (root === null) return notHeld(NO_ROOT)
    if (!boot.done) return notHeld(boot.why ?? 'the boot check is not done', root)
    const stalenessMs = Math.min(this.#boundMs(root), atMostMs)
    const { offsetMs, trusted } = this.#watch.trust(root.witnesses, root.lease.skewMs, stalenessMs)
    const status = leaseOf({
      terms: root.lease,
      witnesses: root.witnesses,
      voices: this.#counted(root),
      self: voice.speaks ? network.self : null,
      stalenessMs,
      monotonicMs: clock.monotonicMs(),
      wallMs: clock.wallMs(),
      clockOffsetMs: offsetMs,
      clockTrusted: trusted,
    })
    if (status.why === null) return status
    const also = [handover.why, this.#emptied].filter((each) => each !== null)
    return { ...status, why: [status.why, ...also].join('; ') }
  }

  #counted(root: Root): Voiced[] {
    const { statements, clock } = this.#ports
    const nowMs = clock.wallMs()
    return [...this.#voices.values()].filter(
      ({ rootVersion, witness }) =>
        rootVersion === root.version && inGoodStanding(statements.governance, witness, nowMs),
    )
  }

  /** The root's staleness or the node's own, whichever is stricter. */
  #boundMs(root: Root): number {
    return Math.min(
      root.lease.stalenessMs,
      this.#ports.stalenessAtMostMs() ?? Number.POSITIVE_INFINITY,
    )
  }

  #look(): void {
    const skewMs = this.#ports.statements.governance.root?.lease.skewMs ?? 0
    const why = this.#watch.look(skewMs)
    const { roots } = this.#ports.statements.governance
    if (this.#ports.voice.speaks)
      this.#live.spoke(currentEra(roots).from, this.#ports.clock.monotonicMs())
    if (why !== null) this.reset(why)
  }

  #demanded(stalenessMs: number): void {
    const nowMs = this.#ports.clock.monotonicMs()
    const wanted = Math.max(stalenessMs, STALENESS_MS_MIN)
    const current = this.#demand
    if (current !== null && current.stalenessMs < wanted && nowMs - current.atMs < LEASE_DEMAND_MS)
      return
    const shorter = current === null || wanted < current.stalenessMs
    this.#demand = { stalenessMs: wanted, atMs: nowMs }
    if (shorter) this.#askNow(null)
  }

  /** Between two questions to one witness that answers. */
  #intervalMs(root: Root): number {
    const { clock, random } = this.#ports
    const demanded = this.#demand
    const lately = demanded !== null && clock.monotonicMs() - demanded.atMs < LEASE_DEMAND_MS
    const asked = Math.max(this.#ports.policyStalenessMs() ?? Infinity, STALENESS_MS_MIN)
    const boundMs = Math.min(this.#boundMs(root), asked, lately ? demanded.stalenessMs : Infinity)
    const meanMs = boundMs / LEASE_ASKS_PER_STALENESS
    // 0.75 to 1: nodes that started together do not ask together for ever.
    return Math.floor(meanMs * 0.75) + random.integer(Math.max(1, Math.floor(meanMs / 4)))
  }

  /** Who is not connected is asked when it is. */
  #dueNow(): Did[] {
    const { statements, network, clock } = this.#ports
    const [nowMs, wallMs] = [clock.monotonicMs(), clock.wallMs()]
    const witnesses = statements.governance.root?.witnesses ?? []
    const connected = new Set(network.peers().map(({ peer }) => peer))
    return witnesses.filter(
      (witness) =>
        connected.has(witness) &&
        (this.#asking.get(witness) ?? 0) < LEASE_ASKS_PER_STALENESS &&
        (this.#due.get(witness) ?? 0) <= nowMs &&
        inGoodStanding(statements.governance, witness, wallMs),
    )
  }

  #askNow(witness: Did | null): void {
    if (witness === null) this.#due.clear()
    else this.#due.delete(witness)
    this.#pace.wake()
  }

  async #ask(witness: Did, signal: AbortSignal): Promise<void> {
    const { statements, clock } = this.#ports
    const { root } = statements.governance
    if (root === null) return
    this.#asking.set(witness, (this.#asking.get(witness) ?? 0) + 1)
    this.#due.set(witness, clock.monotonicMs() + this.#intervalMs(root))
    const resets = this.#resets
    const answered = await this.#heldWhole(witness, signal)
    this.#asking.set(witness, (this.#asking.get(witness) ?? 1) - 1)
    if (answered !== null && resets === this.#resets) {
      this.#watch.note(witness, answered.clockOffsetMs)
      if (this.#count(answered)) return
    }
    const soonMs = clock.monotonicMs() + LEASE_RETRY_MS
    this.#due.set(witness, Math.min(this.#due.get(witness) ?? soonMs, soonMs))
    this.#pace.wake()
  }

  /** Its answer, once the state it names is held whole here; null when there is none to be had. */
  async #heldWhole(witness: Did, signal: AbortSignal): Promise<Answered | null> {
    const { challenges } = this.#ports
    try {
      const answered = await challenges.ask(witness, { ids: [], own: true }, signal)
      await challenges.reach(answered.answer, signal)
      return answered
    } catch {
      // Its voice is missing and is asked for again: that alone is the consequence.
      return null
    }
  }

  /** Takes an answer whose state is held whole here. Each condition is one of Q3 and of note 4. */
  #count({ answer, sentMs }: Answered): boolean {
    const { statements, clock } = this.#ports
    const { root, roots } = statements.governance
    const { node, timeMs } = answer
    if (root === null || !root.witnesses.includes(node)) return false
    // Its boot check is done: else it may have forgotten what it helped to commit.
    if (!answer.checked) return false
    // Quorums meet within one root version, and after the handover to its era.
    if (answer.root !== root.version || answer.opened !== currentEra(roots).from) return false
    if (timeMs > clock.wallMs() + root.lease.skewMs) return false
    const known = this.#voices.get(node)
    if (known !== undefined && known.rootVersion === root.version && known.sentMs > sentMs)
      return false
    this.#emptied = null
    this.#live.spoke(answer.opened, clock.monotonicMs())
    this.#voices.set(node, { witness: node, sentMs, timeMs, rootVersion: root.version })
    return true
  }
}

const NO_ROOT = 'no trust root is known here'

function notHeld(why: string, root: Root | null = null): LeaseStatus {
  return {
    held: false,
    witnesses: [],
    need: root?.lease.read ?? 1,
    of: root?.witnesses.length ?? 0,
    untilMs: 0,
    clockOffsetMs: null,
    clockTrusted: true,
    why,
  }
}
