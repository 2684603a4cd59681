/**
 * Who applied a statement, asked of every member, and what follows from it:
 * when it was committed, and from when no node anywhere allows what it covers
 * (design 4). Before the commit nothing bounds the nodes that were not reached,
 * and no bound is given (Q7).
 *
 *     committed   `write` witnesses of the newest root signed a state that contains it
 *     bound       commit + staleness + 2 · skew, the longest that may be live
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
import type { History, Moment } from './history.ts'
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

interface Watched {
  readonly applied: Map<Did, Moment>
  /** Witnesses whose signed state contains it, and the root version they signed under. */
  readonly signed: Map<Did, number>
  readonly unreachable: Map<Did, string>
  committed: Moment | null
}

export class SpreadView {
  readonly #ports: SpreadViewPorts
  readonly #watched = new Memo<StatementId, Watched>(ACCEPTED_REMEMBERED_MAX)
  /** How far in our history each witness signed, and under which root version. */
  readonly #reached = new Map<Did, { readonly place: number; readonly root: number }>()
  /** Everything up to this place of our history is committed. */
  #committedPlace = 0

  constructor(ports: SpreadViewPorts) {
    this.#ports = ports
    ports.challenges.onAnswer((answer) => this.#hear(answer))
    ports.statements.onChange(() => this.#commit())
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
        void this.#ask(peer, id, watched, signal).finally(() => {
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

  async #ask(peer: Did, id: StatementId, watched: Watched, signal: AbortSignal): Promise<void> {
    try {
      const { answer } = await this.#ports.challenges.ask(peer, { ids: [id], own: false }, signal)
      watched.unreachable.delete(peer)
      if (answer.held[0] === true) this.#holds(answer, watched)
    } catch (error) {
      // Not an answer is what the view shows; everything but a failure of the peer is a bug.
      if (!(error instanceof MeshError)) throw error
      const away = error.code === 'UNREACHABLE' || error.code === 'TIMEOUT'
      watched.unreachable.set(peer, away ? 'unreachable' : 'no valid answer')
    }
  }

  #holds(answer: StateAnswer, watched: Watched): void {
    if (!watched.applied.has(answer.node)) watched.applied.set(answer.node, this.#now())
    if (this.#speaks(answer)) watched.signed.set(answer.node, answer.root)
  }

  /** What a lease would count is what a commit counts. */
  #speaks({ node, root, checked, opened }: StateAnswer): boolean {
    const { governance } = this.#ports.statements
    if (governance.root?.version !== root || !governance.root.witnesses.includes(node)) return false
    if (governance.distrusted.has(node)) return false
    return checked && opened === currentEra(governance.roots).from
  }

  /** Every answer, whatever it was asked for: a digest that was ours says how far its signer is. */
  #hear(answer: StateAnswer): void {
    const place = this.#ports.history.placeOf(answer.digest)
    if (place === null || !this.#speaks(answer)) return
    this.#reached.set(answer.node, { place, root: answer.root })
    this.#commit()
  }

  /** Notes the moment for all that `write` witnesses have reached by now. */
  #commit(): void {
    const { history, network, statements, voice } = this.#ports
    const { root, distrusted } = statements.governance
    if (root === null) return
    const places = root.witnesses.map((witness) => {
      if (distrusted.has(witness)) return 0
      if (witness === network.self) return voice.speaks ? history.newest : 0
      const reached = this.#reached.get(witness)
      return reached?.root === root.version ? reached.place : 0
    })
    const place = places.sort((a, b) => b - a)[root.lease.write - 1] ?? 0
    if (place <= this.#committedPlace) return
    for (const each of history.after(this.#committedPlace))
      if (each.place <= place) this.#watch(each.id).committed ??= this.#now()
    this.#committedPlace = place
  }

  /** This node itself, and whether that makes a commit. */
  #look(id: StatementId, watched: Watched): void {
    const { network, voice, statements } = this.#ports
    const { root } = statements.governance
    if (voice.holds(id)) {
      const now = this.#ports.history.accepted(id) ?? this.#now()
      if (!watched.applied.has(network.self)) watched.applied.set(network.self, now)
      if (voice.speaks && root !== null) watched.signed.set(network.self, root.version)
    }
    if (watched.committed !== null || root === null) return
    if (this.#holding(watched) >= root.lease.write) watched.committed = this.#now()
  }

  #holding({ signed }: Watched): number {
    const { root, distrusted } = this.#ports.statements.governance
    if (root === null) return 0
    return root.witnesses.filter(
      (witness) => signed.get(witness) === root.version && !distrusted.has(witness),
    ).length
  }

  #nodes(): readonly Did[] {
    const { network, statements, clock } = this.#ports
    const { governance } = statements
    const others = othersInGoodStanding(governance, network.self, clock.wallMs())
    return [...new Set([network.self, ...others, ...(governance.root?.witnesses ?? [])])]
  }

  /** Whom it is still worth asking: a witness until it signed, any other until it applied. */
  #lacking(watched: Watched): readonly Did[] {
    const { network, statements } = this.#ports
    const { root } = statements.governance
    return this.#nodes().filter((node) => {
      if (node === network.self) return false
      if (root?.witnesses.includes(node) !== true) return !watched.applied.has(node)
      return watched.signed.get(node) !== root.version
    })
  }

  #enough(watched: Watched, wait: WaitFor, round: Round): boolean {
    if (wait === 'none') return round.over
    if (watched.committed === null) return false
    return wait === 'committed' || this.#nodes().every((node) => watched.applied.has(node))
  }

  #report(id: StatementId, watched: Watched): SpreadOf {
    const { statements, history, longestTerms } = this.#ports
    const { root } = statements.governance
    if (root === null) throw new MeshError('NOT_READY', 'this node belongs to no mesh yet')
    const accepted = history.accepted(id)
    const { committed } = watched
    const { stalenessMs, skewMs } = longestTerms()
    return {
      id,
      acceptedAtMs: accepted?.wallMs ?? null,
      holders: this.#nodes().map((node) => this.#holder(node, watched, accepted)),
      write: root.lease.write,
      witnessesHolding: this.#holding(watched),
      committedMs: committed === null ? null : since(accepted, committed),
      committedAtMs: committed?.wallMs ?? null,
      boundAtMs: committed === null ? null : committed.wallMs + stalenessMs + 2 * skewMs,
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

  #now(): Moment {
    const { clock } = this.#ports
    return { wallMs: clock.wallMs(), monotonicMs: clock.monotonicMs() }
  }
}

function since(accepted: Moment | null, moment: Moment): number | null {
  return accepted === null ? null : Math.max(0, moment.monotonicMs - accepted.monotonicMs)
}
