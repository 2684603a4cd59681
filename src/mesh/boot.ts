/**
 * The boot check of every start (design 4 and 5; FAULTS 1.2, note 2). Whatever
 * disk a node finds, it may be an old one: before it appends, allows or speaks
 * as a witness, it asks its peers for its own newest checkpoint and for their
 * states, and holds those states whole.
 *
 *     witness, others are      n − write + 1 other checked witnesses, or all others
 *     witness, the only one    any other node; none needed in a mesh of one node
 *     no witness               n − write + 1 checked witnesses, or all
 *
 * A peer that knows a newer checkpoint of this log proves a rollback: the log
 * is never continued then, only retired by an operator's `epoch` statement,
 * which may also overrule answers that cannot come.
 *
 *     governance/overruled   id of the epoch statement that was used up by a start
 *     governance/rollback    the signed note that proves one, for the next start: who showed it may be away then
 */
import { textOf, utf8 } from '../core/bytes.ts'
import { currentEra, type Era, rememberersOf } from '../core/eras.ts'
import type { Did } from '../core/keys.ts'
import { BOOT_OVERRULE_MS, BOOT_RETRY_MS } from '../core/limits.ts'
import type { Tree } from '../core/merkle.ts'
import type { Epoch } from '../core/statement/epoch.ts'
import type { Challenges, StateSource } from './challenge.ts'
import type { OwnLog, Rollback } from './own-log.ts'
import { Pace } from './pace.ts'
import type { Clock, Network, Put, Store } from './ports.ts'
import { othersInGoodStanding } from './standing.ts'

export interface BootPorts {
  readonly network: Network
  readonly clock: Clock
  readonly store: Store
  readonly statements: StateSource
  readonly challenges: Pick<Challenges, 'ask' | 'reach'>
  readonly own: Pick<OwnLog, 'check' | 'stands'>
  persist(puts: readonly Put[]): Promise<void>
  /** This node's log as it is on disk. */
  log(): { readonly epoch: number; readonly tree: Tree }
}

/** How many answers are needed of whom, and how many there are. */
interface Tally {
  readonly complete: boolean
  readonly says: string
}

export class BootCheck {
  readonly #ports: BootPorts
  readonly #pace: Pace
  /** Who answered with a state that is held whole here, and whether its own check was done. */
  readonly #answered = new Map<Did, { readonly checked: boolean }>()
  readonly #asking = new Set<Did>()
  /** Who was asked in vain. */
  readonly #mute = new Set<Did>()
  readonly #listeners: (() => void)[] = []
  readonly #onRollback: (() => void)[] = []
  /** The furthest that a peer showed. */
  #rollback: Rollback | null = null
  /** How often everybody was to be asked anew. */
  #round = 0
  #overruled: string | null
  /** What was shown before this start, until it is looked at again. */
  #shownBefore: string | null
  #startedMs = 0
  #done = false

  private constructor(ports: BootPorts, overruled: string | null, shownBefore: string | null) {
    this.#ports = ports
    this.#overruled = overruled
    this.#shownBefore = shownBefore
    this.#pace = new Pace(ports.clock)
    ports.statements.onChange(() => this.#pace.wake())
    ports.network.onPeer((_, greeted) => greeted && this.#pace.wake())
  }

  static async open(ports: BootPorts): Promise<BootCheck> {
    const overruled = await ports.store.get('governance', 'overruled')
    const shownBefore = await ports.store.get('governance', 'rollback')
    return new BootCheck(
      ports,
      overruled === null ? null : textOf(overruled),
      shownBefore === null ? null : textOf(shownBefore),
    )
  }

  get done(): boolean {
    return this.#done
  }

  /** Why it is not done, one sentence; null when it is. */
  get why(): string | null {
    if (this.#done) return null
    const { rollback } = this
    if (rollback !== null)
      return `rollback: a peer holds a checkpoint of this log at size ${rollback.size}, here it has ${this.#ports.log().tree.size} records`
    return `boot check: ${this.#tally().says}`
  }

  /** null unless a peer showed that this log was longer, or another one. */
  get rollback(): Rollback | null {
    const shown = this.#rollback
    return shown !== null && this.#ports.own.stands(shown) ? shown : null
  }

  /** Told once, when it is done. */
  onDone(listener: () => void): void {
    this.#listeners.push(listener)
  }

  /** Told of each rollback that a peer shows, in the turn in which it is known. */
  onRollback(listener: () => void): void {
    this.#onRollback.push(listener)
  }

  /** Takes what a peer showed, before or after it is done, so that no later start forgets it. */
  async remember(shown: Rollback): Promise<void> {
    if (this.#rollback !== null && !further(shown, this.#rollback)) return
    this.#rollback = shown
    for (const listener of this.#onRollback) listener()
    const value = utf8(shown.checkpoint)
    try {
      await this.#ports.persist([{ space: 'governance', key: 'rollback', value }])
    } catch {
      // Known in this life all the same; the next one asks again.
    }
  }

  /** Where the log was brought back to what was shown of it, everybody is asked again: what they show is held against another log now. */
  async restored(): Promise<void> {
    const shown = this.#rollback
    if (shown === null || !(await this.#isThere(shown)) || this.#rollback !== shown) return
    this.#rollback = null
    this.#round += 1
    this.#answered.clear()
    this.#mute.clear()
    this.#pace.wake()
  }

  async #isThere({ checkpoint }: Rollback): Promise<boolean> {
    try {
      return (await this.#ports.own.check(checkpoint)) === null
    } catch {
      // The disk does not give the records that it would be held against: the next round tries again.
      return false
    }
  }

  /** Looks again at once: the log was retired. */
  look(): void {
    this.#pace.wake()
  }

  /** Asks until it is done, then returns; or when the signal aborts. */
  async run(signal: AbortSignal): Promise<void> {
    this.#startedMs = this.#ports.clock.monotonicMs()
    while (!signal.aborted) {
      if (await this.#finish()) return
      for (const peer of this.#unasked()) void this.#ask(peer, signal)
      await this.#pace.wait(BOOT_RETRY_MS, signal)
    }
  }

  async #finish(): Promise<boolean> {
    if (!(await this.#lookBack())) return false
    if (this.rollback !== null) return false
    const overruling = this.#overruling()
    if (overruling === null && !this.#tally().complete) return false
    // INVARIANT: a statement overrules one start; the next one asks again.
    const epoch = this.#ownEpoch()
    if (epoch?.overrules === true && epoch.id !== this.#overruled) {
      if (!(await this.#keepOverruled(epoch))) return false
      this.#overruled = epoch.id
    }
    // Somebody may have shown one while the disk was busy.
    this.#done = this.rollback === null
    if (!this.#done) return false
    for (const listener of this.#listeners) listener()
    return true
  }

  /** Whether what was shown before this start was looked at. */
  async #lookBack(): Promise<boolean> {
    if (this.#shownBefore === null) return true
    try {
      await this.#show(this.#shownBefore)
      this.#shownBefore = null
      return true
    } catch {
      // The disk does not give the records it would be held against: the next round tries again.
      return false
    }
  }

  async #keepOverruled({ id }: Epoch): Promise<boolean> {
    try {
      await this.#ports.persist([{ space: 'governance', key: 'overruled', value: utf8(id) }])
      return true
    } catch {
      // It is not known to be used up, so it overrules nothing yet: the next round tries again.
      return false
    }
  }

  #ownEpoch(): Epoch | null {
    const { statements, network } = this.#ports
    return statements.governance.epochs.get(network.self) ?? null
  }

  #overruling(): Epoch | null {
    const epoch = this.#ownEpoch()
    if (epoch === null || !epoch.overrules || epoch.id === this.#overruled) return null
    if (!this.#reachableAsked()) return null
    return epoch.epoch >= this.#ports.log().epoch ? epoch : null
  }

  /**
   * A disk that was lost or restored may have lost that the statement was used
   * up, too: it overrules who is away, never the word of who is there.
   */
  #reachableAsked(): boolean {
    const { network, clock } = this.#ports
    if (clock.monotonicMs() - this.#startedMs < BOOT_OVERRULE_MS) return false
    return network.peers().every(({ peer }) => this.#answered.has(peer) || this.#mute.has(peer))
  }

  /** Everybody in reach, until its word is as good as it can be. */
  #unasked(): Did[] {
    const connected = this.#ports.network.peers().map(({ peer }) => peer)
    return connected.filter(
      (peer) => !this.#asking.has(peer) && this.#answered.get(peer)?.checked !== true,
    )
  }

  async #ask(peer: Did, signal: AbortSignal): Promise<void> {
    this.#asking.add(peer)
    const round = this.#round
    try {
      const { answer } = await this.#ports.challenges.ask(peer, { ids: [], own: true }, signal)
      // At once: it may be gone before its state is held whole here, and what it showed would be forgotten.
      if (answer.yours !== null) await this.#show(answer.yours)
      await this.#ports.challenges.reach(answer, signal)
      // INVARIANT: what it holds of this log is read once all that it knows is known here. Of an epoch not heard of yet it could not be read, and the answer would count all the same.
      if (answer.yours !== null) await this.#show(answer.yours)
      if (round === this.#round) this.#answered.set(peer, { checked: answer.checked })
      this.#pace.wake()
      // It says the same until its own check is done: no reason to ask at once.
      if (!answer.checked) await this.#ports.clock.sleep(BOOT_RETRY_MS, signal)
    } catch {
      this.#mute.add(peer)
      // Who does not answer, or does not serve what it claims, is asked again in the next round.
    } finally {
      this.#asking.delete(peer)
    }
  }

  async #show(note: string): Promise<void> {
    const shown = await this.#ports.own.check(note)
    if (shown !== null) await this.remember(shown)
  }

  #era(): Era | null {
    const { roots, root } = this.#ports.statements.governance
    return root === null ? null : currentEra(roots)
  }

  #tally(): Tally {
    const { network, statements, clock } = this.#ports
    const { governance } = statements
    const era = this.#era()
    if (era === null || !governance.members.has(network.self))
      return { complete: false, says: 'this node is not a member of a mesh yet' }
    const { of: others, need: least } = rememberersOf(era, network.self)
    if (others.length === 0) {
      const nodes = othersInGoodStanding(governance, network.self, clock.wallMs())
      return this.#alone(nodes)
    }
    const said = others.filter((witness) => this.#answered.has(witness))
    const checked = said.filter((witness) => this.#answered.get(witness)?.checked === true)
    const complete = checked.length >= least || said.length === others.length
    const more = said.length > checked.length ? `, ${said.length - checked.length} unchecked` : ''
    return { complete, says: `${checked.length} of ${least} witnesses answered${more}` }
  }

  /** The only witness: what it forgot, any other node may have. */
  #alone(nodes: readonly Did[]): Tally {
    const connected = this.#ports.network.peers().length > 0
    const complete = nodes.some((node) => this.#answered.has(node))
    if (nodes.length === 0 && !connected) return { complete: true, says: 'a mesh of one node' }
    return { complete, says: `0 of ${nodes.length} other nodes answered, one is needed` }
  }
}

function further(a: Rollback, b: Rollback): boolean {
  return a.epoch > b.epoch || (a.epoch === b.epoch && a.size > b.size)
}
