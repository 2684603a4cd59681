/**
 * Who applied a statement, asked of every member, and what follows from it:
 * when it was committed, and from when no node anywhere allows what it covers
 * (design 4). Before the commit nothing bounds the nodes that were not reached,
 * and no bound is given (Q7).
 *
 *     committed   at one moment `write` witnesses of the newest root held it, and signed that they do
 *     bound       commit + staleness + 2 · skew, the longest that may be live
 *
 * A witness whose disk is set back before the commit may come to speak without
 * the statement: its boot check meets every commit, and there was none yet. So
 * an earlier word counts if it was said again after the last one was heard; and
 * the word of this node itself begins when it comes to speak.
 */
import { currentEra } from '../core/eras.ts'
import type { StatementId } from '../core/id.ts'
import type { Did } from '../core/keys.ts'
import {
  ACCEPTED_REMEMBERED_MAX,
  HELD_IDS_MAX,
  SPREAD_ASKS_MAX,
  SPREAD_POLL_MS,
} from '../core/limits.ts'
import { Memo } from '../core/memo.ts'
import { MeshError } from '../core/problems.ts'
import type { LeaseTerms } from '../core/statement/root.ts'
import type { Challenges, StateSource } from './challenge.ts'
import { type History, type Moment, momentOf } from './history.ts'
import { Inquiries } from './inquiries.ts'
import { Pace } from './pace.ts'
import type { Clock, Network } from './ports.ts'
import { Round } from './round.ts'
import { othersInGoodStanding } from './standing.ts'
import type { StateAnswer } from './state-frames.ts'

export interface SpreadViewPorts {
  readonly network: Network
  readonly clock: Clock
  readonly statements: StateSource & { get(id: StatementId): object | null }
  readonly challenges: Pick<Challenges, 'ask' | 'onAnswer'>
  readonly history: History
  readonly voice: { readonly speaks: boolean; holds(id: StatementId): boolean }
  /** The longest terms under which a lease may still be held somewhere. */
  longestTerms(): Pick<LeaseTerms, 'stalenessMs' | 'skewMs'>
}

export type WaitFor = 'none' | 'committed' | 'all'

export interface Holder {
  readonly node: Did
  readonly role: 'witness' | 'member'
  readonly applied: boolean
  /** From its acceptance here to the answer that showed it; null when it was accepted before this start. */
  readonly appliedMs: number | null
  /** Why it did not answer; null when it did. */
  readonly unreachable: string | null
}

export interface SpreadOf {
  readonly id: StatementId
  /** By the wall clock; null when it was accepted before this start. */
  readonly acceptedAtMs: number | null
  /** This node first. */
  readonly holders: readonly Holder[]
  readonly write: number
  readonly witnessesHolding: number
  readonly committedMs: number | null
  readonly committedAtMs: number | null
  readonly boundAtMs: number | null
  readonly stalenessMs: number
  readonly skewMs: number
}

/** A witness signed that it holds the statement, and nothing else since. */
interface Word {
  /** The version that it signed under. */
  readonly root: number
  /** Monotonic time at which it was heard first; of its own, at which it was first seen to count. */
  readonly sinceMs: number
  /** Monotonic time at which the question left that it answered last; null for its own, which needs none. */
  readonly askedMs: number | null
}

interface Watched {
  readonly applied: Map<Did, Moment>
  readonly signed: Map<Did, Word>
  readonly unreachable: Map<Did, string>
  committed: Moment | null
}

export class SpreadView {
  readonly #ports: SpreadViewPorts
  readonly #inquiries: Inquiries
  readonly #watched = new Memo<StatementId, Watched>(ACCEPTED_REMEMBERED_MAX)
  /** Everything up to this place of our history is committed. */
  #committedPlace = 0

  constructor(ports: SpreadViewPorts) {
    this.#ports = ports
    this.#inquiries = new Inquiries(ports.challenges)
    ports.challenges.onAnswer((answer, sentMs) => this.#hear(answer, sentMs))
    ports.statements.onChange(({ id, changed }) => {
      for (const each of [id, ...changed]) this.#accepted(each)
    })
  }

  /**
   * Asks until it is committed, or on all, at most ms; `none` asks everybody once.
   * @throws MeshError NOT_FOUND, NOT_READY
   */
  async view(id: StatementId, wait: WaitFor, ms: number, signal: AbortSignal): Promise<SpreadOf> {
    const { clock, statements } = this.#ports
    if (statements.get(id) === null)
      throw new MeshError('NOT_FOUND', `no statement has the id \`${id}\``)
    const watched = this.#watch(id)
    const round = new Round(() => this.#lacking(watched))
    const pace = new Pace(clock)
    const endMs = clock.monotonicMs() + ms
    for (;;) {
      this.#look(id, watched)
      const leftMs = endMs - clock.monotonicMs()
      if (leftMs <= 0 || signal.aborted || this.#enough(watched, wait, round)) break
      for (const peer of round.next(clock.monotonicMs()))
        void this.#ask(peer, id, watched).finally(() => {
          round.answered(peer)
          pace.wake()
        })
      // In whole milliseconds: for less than its grain a clock does not move.
      await pace.wait(Math.max(1, Math.ceil(Math.min(SPREAD_POLL_MS, leftMs))), signal)
    }
    return this.#report(id, watched)
  }

  /** Which of the statements each peer holds; a peer that does not answer is left out. @param ids at most HELD_IDS_MAX */
  async heldBy(
    ids: readonly StatementId[],
    peers: readonly Did[],
    signal: AbortSignal,
  ): Promise<ReadonlyMap<Did, ReadonlySet<StatementId>>> {
    const held = new Map<Did, ReadonlySet<StatementId>>()
    const asked = { ids: ids.slice(0, HELD_IDS_MAX), own: false }
    await Promise.all(
      peers.slice(0, SPREAD_ASKS_MAX).map(async (peer) => {
        try {
          const { answer } = await this.#ports.challenges.ask(peer, asked, signal)
          held.set(peer, new Set(asked.ids.filter((_, at) => answer.held[at] === true)))
        } catch {
          // Who does not answer says nothing about what it holds.
        }
      }),
    )
    return held
  }

  #watch(id: StatementId): Watched {
    const known = this.#watched.get(id)
    if (known !== undefined) return known
    const watched: Watched = {
      applied: new Map(),
      signed: new Map(),
      unreachable: new Map(),
      committed: null,
    }
    this.#watched.set(id, watched)
    return watched
  }

  async #ask(peer: Did, id: StatementId, watched: Watched): Promise<void> {
    try {
      const { held, answer, sentMs } = await this.#inquiries.ask(peer, id)
      watched.unreachable.delete(peer)
      if (held) this.#holds(answer, sentMs, watched)
      else lacks(answer.node, sentMs, watched)
    } catch (error) {
      // Not an answer is what the view shows; everything but a failure of the peer is a bug.
      if (!(error instanceof MeshError)) throw error
      const away = error.code === 'UNREACHABLE' || error.code === 'TIMEOUT'
      watched.unreachable.set(peer, away ? 'unreachable' : 'no valid answer')
    }
  }

  #holds(answer: StateAnswer, sentMs: number, watched: Watched): void {
    const { node, root } = answer
    const now = momentOf(this.#ports.clock)
    if (!watched.applied.has(node)) watched.applied.set(node, now)
    if (!this.#speaks(answer)) return
    const known = watched.signed.get(node)
    const word = known?.root === root ? known : { root, sinceMs: now.monotonicMs, askedMs: sentMs }
    watched.signed.set(node, { ...word, askedMs: Math.max(word.askedMs ?? 0, sentMs) })
  }

  /** What a lease would count is what a commit counts. */
  #speaks({ node, root, checked, opened }: StateAnswer): boolean {
    const { governance } = this.#ports.statements
    if (governance.root?.version !== root || !governance.root.witnesses.includes(node)) return false
    if (governance.distrusted.has(node)) return false
    return checked && opened === currentEra(governance.roots).from
  }

  /** Every answer, whatever it was asked for: a digest that was ours says what its signer holds of what is not committed yet. */
  #hear(answer: StateAnswer, sentMs: number): void {
    const { history } = this.#ports
    if (history.newest === this.#committedPlace) return
    const place = history.placeOf(answer.digest)
    if (place === null || !this.#speaks(answer)) return
    for (const each of history.after(this.#committedPlace))
      if (each.place <= place) this.#holds(answer, sentMs, this.#watch(each.id))
      else lacks(answer.node, sentMs, this.#watch(each.id))
    this.#commit()
  }

  /** Where this node is quorum enough, what it accepts is committed. It looks at that alone: thousands may come at once. */
  #accepted(id: StatementId): void {
    const place = this.#ports.history.accepted(id)?.place ?? null
    if (place === null) return
    const watched = this.#watch(id)
    this.#look(id, watched)
    if (watched.committed !== null && place === this.#committedPlace + 1)
      this.#committedPlace = place
  }

  /** Notes the moment for all that is committed by now. */
  #commit(): void {
    const { history } = this.#ports
    let reached = true
    for (const { id, place } of history.after(this.#committedPlace)) {
      const watched = this.#watch(id)
      this.#look(id, watched)
      reached &&= watched.committed !== null
      if (reached) this.#committedPlace = place
    }
  }

  /** This node itself, and whether that makes a commit. */
  #look(id: StatementId, watched: Watched): void {
    const { network, voice, history, clock } = this.#ports
    if (voice.holds(id) && !watched.applied.has(network.self))
      watched.applied.set(network.self, history.accepted(id) ?? momentOf(clock))
    this.#ownWord(id, watched)
    if (watched.committed === null && this.#committable(watched))
      watched.committed = momentOf(clock)
  }

  /** It needs no question: what it holds only grows while it runs. */
  #ownWord(id: StatementId, { signed }: Watched): void {
    const { network, voice, statements, clock } = this.#ports
    const root = statements.governance.root?.version ?? 0
    if (!voice.speaks || !voice.holds(id)) signed.delete(network.self)
    else if (signed.get(network.self)?.root !== root)
      signed.set(network.self, { root, sinceMs: clock.monotonicMs(), askedMs: null })
  }

  /** Whether so many held it when the last of them said so first: the others said it again after that. */
  #committable(watched: Watched): boolean {
    const write = this.#ports.statements.governance.root?.lease.write ?? Number.POSITIVE_INFINITY
    const words = this.#words(watched)
    const held = (last: Word) =>
      words.filter((each) => each === last || saidAgain(each, last)).length
    return words.length >= write && words.some((last) => held(last) >= write)
  }

  /** Of the witnesses of the newest root. */
  #words({ signed }: Watched): readonly Word[] {
    const { root, distrusted } = this.#ports.statements.governance
    if (root === null) return []
    return root.witnesses.flatMap((witness) => {
      if (distrusted.has(witness)) return []
      const word = signed.get(witness)
      return word?.root === root.version ? [word] : []
    })
  }

  #nodes(): readonly Did[] {
    const { network, statements, clock } = this.#ports
    const { governance } = statements
    const others = othersInGoodStanding(governance, network.self, clock.wallMs())
    return [...new Set([network.self, ...others, ...(governance.root?.witnesses ?? [])])]
  }

  /** Whom it is still worth asking: a witness until it signed and all is committed, any other until it applied. */
  #lacking(watched: Watched): readonly Did[] {
    const { network, statements } = this.#ports
    const { root } = statements.governance
    return this.#nodes().filter((node) => {
      if (node === network.self) return false
      if (root?.witnesses.includes(node) !== true) return !watched.applied.has(node)
      return watched.committed === null || watched.signed.get(node)?.root !== root.version
    })
  }

  #enough(watched: Watched, wait: WaitFor, round: Round): boolean {
    if (wait === 'none') return round.over
    if (watched.committed === null) return false
    return wait === 'committed' || this.#nodes().every((node) => watched.applied.has(node))
  }

  #report(id: StatementId, watched: Watched): SpreadOf {
    const { statements, history, clock, longestTerms } = this.#ports
    const { root } = statements.governance
    if (root === null) throw new MeshError('NOT_READY', 'this node belongs to no mesh yet')
    const accepted = history.accepted(id)
    const { committed } = watched
    const { stalenessMs, skewMs } = longestTerms()
    const committedAtMs = committed === null ? null : wallMsOf(committed, clock)
    return {
      id,
      acceptedAtMs: accepted?.wallMs ?? null,
      holders: this.#nodes().map((node) => this.#holder(node, watched, accepted)),
      write: root.lease.write,
      witnessesHolding: this.#words(watched).length,
      committedMs: committed === null ? null : since(accepted, committed),
      committedAtMs,
      boundAtMs: committedAtMs === null ? null : committedAtMs + stalenessMs + 2 * skewMs,
      stalenessMs,
      skewMs,
    }
  }

  #holder(node: Did, watched: Watched, accepted: Moment | null): Holder {
    const { root } = this.#ports.statements.governance
    const applied = watched.applied.get(node)
    return {
      node,
      role: root?.witnesses.includes(node) === true ? 'witness' : 'member',
      applied: applied !== undefined,
      appliedMs: applied === undefined ? null : since(accepted, applied),
      unreachable: watched.unreachable.get(node) ?? null,
    }
  }
}

/** It said so before the last one did, and once more after that. What is heard in a moment was signed before it. */
function saidAgain({ sinceMs, askedMs }: Word, last: Word): boolean {
  if (askedMs === null) return sinceMs < last.sinceMs
  return sinceMs <= last.sinceMs && askedMs >= last.sinceMs
}

/** It said that it does not hold it. What was asked before it said that it does tells nothing. */
function lacks(node: Did, sentMs: number, { applied, signed }: Watched): void {
  if (sentMs >= (applied.get(node)?.monotonicMs ?? 0)) applied.delete(node)
  if (sentMs >= (signed.get(node)?.sinceMs ?? 0)) signed.delete(node)
}

/** By the wall clock as it is now: who reads it looks at that one, and it may have been set since. */
function wallMsOf({ bootMs }: Moment, clock: Clock): number {
  return Math.round(clock.wallMs() - (clock.bootMs() - bootMs))
}

function since(accepted: Moment | null, moment: Moment): number | null {
  return accepted === null ? null : Math.max(0, moment.monotonicMs - accepted.monotonicMs)
}
