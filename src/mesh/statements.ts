/**
 * The replicated set of statements: what this node knows, what of it is in
 * force, and the one door through which all of it comes.
 *
 *     offer → admission → quotas of what is pending → persist → fold → listeners
 *
 * INVARIANT: a statement is durable before governance contains it, so nothing
 * is signed, announced or compared that a power cut could take back (B14).
 * What stops does not wait for that: on its way to the disk it denies already
 * (`enforced`), and is passed on. It was signed by others, and holds anyway.
 */
import { assert } from '../core/assert.ts'
import { utf8 } from '../core/bytes.ts'
import type { ConclusionKey } from '../core/conclusion.ts'
import { formatEnvelope } from '../core/dsse.ts'
import type { Governance } from '../core/governance.ts'
import type { StatementId } from '../core/id.ts'
import type { Did } from '../core/keys.ts'
import { BUNDLES_MAX, STATEMENT_BYTES_MAX, STATEMENTS_MAX } from '../core/limits.ts'
import { Memo } from '../core/memo.ts'
import { type Needs, needsOf } from '../core/needs.ts'
import type { PolicyEngine, PolicyProblem } from '../core/policy.ts'
import { MeshError } from '../core/problems.ts'
import type { Policy } from '../core/statement/policy.ts'
import type { Revocation } from '../core/statement/revocation.ts'
import { isStop } from '../core/stops.ts'
import type { Verdict } from '../core/verdict.ts'
import { type Admission, type Admitted, admit, type Refused, stateOf } from './admission.ts'
import { Arriving } from './arriving.ts'
import { Held, type Trees } from './held.ts'
import { Kept } from './kept.ts'
import {
  type Brought,
  type Known,
  type Learned,
  type Noted,
  Notes,
  putNote,
  type Via,
} from './learned.ts'
import { ownerOfSender, ownersOf, senderOf, waitingFor } from './owners.ts'
import { Pending } from './pending.ts'
import { checkSame, formatPins, MESH_KEY, PINS_KEY, readMesh, readPins } from './pins.ts'
import type { Puts, Store } from './ports.ts'
import { COVERED, GAVE_WAY, TOO_LONG, TOO_MANY } from './refusals.ts'
import { restore } from './restore.ts'
import { checkTimely } from './submission.ts'

export type { Trees } from './held.ts'
export type { Brought, Known, Learned, Via } from './learned.ts'

export interface StatementsPorts {
  readonly store: Pick<Store, 'entries' | 'get'>
  persist(puts: Puts): Promise<void>
  readonly policy: Pick<PolicyEngine, 'check'>
}

export interface Offered {
  readonly verdict: Verdict
  /** Why it was not taken; null when it was, or is known. */
  readonly says: string | null
  /** It is looked at again once its root is known here. */
  readonly unjudged: boolean
  /** Resolves once it is durable and applied, if it was accepted. Rejects when the disk does not take it. */
  readonly done: Promise<void>
}

type How = Pick<Learned, 'from' | 'via' | 'note' | 'early'>

const NOTHING = Promise.resolve()
const TAKEN = { says: null, unjudged: false } as const
const ACCEPT: Verdict = { verdict: 'accept' }
const SEEN: Verdict = { verdict: 'ignore', why: 'seen' }

export class Statements {
  readonly #ports: StatementsPorts
  readonly #kept: Kept
  readonly #notes = new Notes()
  #mesh: StatementId | null = null
  /** What it will be bound to once that is durable. */
  #binding: StatementId | null = null
  #pins: readonly StatementId[] = []
  #held = new Held(null, [])
  /** Whose quotas those outside the fold take, and those on their way there. */
  #quotas = new Pending()
  /** What took places in them came to nothing: they are counted anew before the next look. */
  #miscounted = false
  /** Under roots that are not known here: in memory alone, and never passed on. */
  readonly #unjudged = new Pending()
  readonly #arriving = new Arriving()
  /** Of bundles that were checked lately. */
  readonly #problems = new Memo<StatementId, readonly PolicyProblem[]>(BUNDLES_MAX)
  readonly #listeners: ((learned: Learned) => void)[] = []
  readonly #onStop: ((brought: Brought) => void)[] = []

  private constructor(ports: StatementsPorts) {
    this.#ports = ports
    const applied = (id: StatementId) => {
      const known = this.get(id)
      return known === null ? null : formatEnvelope(known.envelope)
    }
    this.#kept = new Kept({ store: ports.store, persist: (puts) => ports.persist(puts), applied })
  }

  /** Verifies everything again: nothing on disk is believed. @throws MeshError LOG_DAMAGED */
  static async open(ports: StatementsPorts): Promise<Statements> {
    const statements = new Statements(ports)
    await statements.#load(ports.store)
    return statements
  }

  /** Of what is durable; a value that later statements do not change. */
  get governance(): Governance {
    return this.#held.governance
  }

  /** What a decision made now must heed: governance, and over it what stops and is on its way to the disk. It denies more, never less. */
  get enforced(): Governance {
    return this.#arriving.over(this.governance)
  }

  /** The mesh that this node belongs to, for ever; null before it was pinned. */
  get mesh(): StatementId | null {
    return this.#mesh
  }

  get trees(): Trees {
    return this.#held.trees
  }

  get(id: StatementId): Known | null {
    return this.#held.get(id)
  }

  /** Those that prove a conclusion, which stands for them in digest and trees; [] for one that does not stand here. */
  proofOf(key: ConclusionKey): readonly Known[] {
    return (this.#held.proofOf(key) ?? []).flatMap((id) => this.get(id) ?? [])
  }

  /** What it waits for. @param id of one that is known */
  needs(id: StatementId): Needs {
    const known = this.get(id)
    assert(known !== null, 'what is asked about is known')
    return needsOf(known.statement, known.envelope, this.governance)
  }

  all(): Iterable<Known> {
    return this.#held.all()
  }

  /** Notes of the statements that the log did not tell of when this was opened, in the order in which they were learned. */
  unlogged(): readonly Noted[] {
    return this.#notes.found
  }

  /** Called once a statement, or more signatures of it, is durable and applied. */
  onChange(listener: (learned: Learned) => void): void {
    this.#listeners.push(listener)
  }

  /** Called once what stops was verified, before it is durable: it denies from now on. */
  onStop(listener: (brought: Brought) => void): void {
    this.#onStop.push(listener)
  }

  /**
   * Takes what a peer sent. Says at once what it is worth; what is accepted is made durable afterwards.
   * Whoever brings the same statement meanwhile shares that.
   */
  offer(bytes: Uint8Array, from: Did | null, via: Via): Offered {
    const looked = this.#look(bytes)
    if (looked.is === 'seen')
      return { ...TAKEN, verdict: SEEN, done: this.#arriving.doneOf(looked.id) }
    if (looked.is === 'admitted') {
      const accepted = this.#accept(looked, from, via)
      if ('done' in accepted) return { ...TAKEN, verdict: ACCEPT, done: accepted.done }
      const { verdict, says } = accepted
      return { verdict, says, unjudged: false, done: NOTHING }
    }
    // Tried again when its root arrives. Whose word it is nobody can say, so it counts against its sender.
    if (looked.is === 'unjudged')
      this.#unjudged.put(waitingFor(looked.envelope, looked.id, [ownerOfSender(from)]))
    const { verdict, says } = looked
    return { verdict, says, unjudged: looked.is === 'unjudged', done: NOTHING }
  }

  /**
   * Takes what a local caller brings; resolves once it is durable and applied, effective or pending.
   * @throws MeshError STATEMENT_INVALID, POLICY_INVALID, CONFLICT, WRONG_MESH, NOT_ADMITTED, TOO_LARGE, TOO_MANY
   */
  async submit(bytes: Uint8Array): Promise<Known> {
    const looked = this.#look(bytes)
    if (looked.is === 'seen') await this.#arriving.doneOf(looked.id)
    else {
      if (looked.is !== 'admitted') throw new MeshError(looked.code, looked.says)
      if (this.get(looked.id) === null) checkTimely(looked.statement, this.governance)
      const accepted = this.#accept(looked, null, 'local')
      if (!('done' in accepted)) throw new MeshError(accepted.code, accepted.says)
      await accepted.done
    }
    const known = this.get(looked.id)
    // Between its batch and this line others of the same signer may have taken its place.
    if (known === null) throw new MeshError(GAVE_WAY.code, GAVE_WAY.says)
    return known
  }

  /** Binds this node to a mesh, durable, once and for ever. @throws MeshError CONFLICT when it is bound to another */
  async pin(mesh: StatementId): Promise<void> {
    // From the first try on: a write without an answer may have been written.
    const bound = this.#mesh ?? this.#binding
    if (bound !== null) checkSame(bound, mesh)
    if (this.#mesh !== null) return
    this.#binding = mesh
    await this.#ports.persist([{ space: 'governance', key: MESH_KEY, value: utf8(mesh) }])
    if (this.#mesh !== null) return
    this.#mesh = mesh
    this.#held = new Held(mesh, this.#pins)
  }

  /** An operator's choice between roots that contradict each other, durable. */
  async choose(root: StatementId): Promise<void> {
    const pins = [...new Set([...this.#pins, root])].sort()
    await this.#ports.persist([{ space: 'governance', key: PINS_KEY, value: formatPins(pins) }])
    this.#pins = pins
    const before = this.#held
    this.#held = new Held(this.#mesh, pins)
    for (const known of before.all()) {
      if (before.outside(known.id)) this.#held.wait(known)
      else this.#held.fold(known)
    }
    this.#retry()
    const known = this.get(root)
    if (known === null || before.get(root)?.state === known.state) return
    // Whoever judges by governance must hear that it is another one: no statement has come.
    const changed = [...this.all()].filter(({ id, state }) => before.get(id)?.state !== state)
    this.#tell(
      known,
      changed.map(({ id }) => id),
      { from: null, via: 'local', note: null, early: false },
    )
  }

  #look(bytes: Uint8Array): Admission {
    return admit(bytes, {
      trust: this.#held.trust,
      known: (id) => this.#arriving.get(id)?.envelope ?? this.get(id)?.envelope ?? null,
      problemsOf: (policy) => this.#problemsOf(policy),
      caseOf: (evidence) => this.#held.caseOf(evidence),
    })
  }

  /** Its tests take long, and a bundle with problems is offered again by every peer that believes it. */
  #problemsOf(policy: Policy): readonly PolicyProblem[] {
    const known = this.#problems.get(policy.id)
    if (known !== undefined) return known
    const problems = this.#ports.policy.check(policy)
    this.#problems.set(policy.id, problems)
    return problems
  }

  /** INVARIANT: nothing is put into what is held before the disk has it. */
  #accept(admitted: Admitted, from: Did | null, via: Via): { done: Promise<void> } | Refused {
    const { id, statement, envelope } = admitted
    const bytes = formatEnvelope(envelope)
    if (bytes.length > STATEMENT_BYTES_MAX) return TOO_LONG
    const known = this.get(id)
    if (known === null && statement.type === 'revocation' && this.#covers(statement)) return COVERED
    const full = this.#held.size + this.#arriving.size >= STATEMENTS_MAX
    // A root is the way out of a full set, and its keys are few; so are logs to bear evidence against.
    const always = envelope.type === 'root' || envelope.type === 'evidence'
    if (known === null && full && !always) return TOO_MANY
    // What was in force stays in the fold, which alone knows what it is worth now.
    const folds = admitted.state === 'held' || (known !== null && !this.#held.outside(id))
    const evicted = this.#account(admitted, folds)
    if (evicted === null) return GAVE_WAY

    // What has no effect is no news for the log, unless somebody here brought it: a flood would fill it.
    const folded = known !== null && !this.#held.outside(id)
    const note = (folds && !folded) || (from === null && known === null) ? this.#notes.next() : null
    const early = folds && !folded && isStop(statement)
    const done = this.#kept.keep(
      [{ id, bytes }, ...evicted.map((each) => ({ id: each, bytes: null }))],
      note === null ? [] : [putNote(note, from, id)],
      () => this.#apply(admitted, folds, evicted, { from, via, note, early }),
    )
    const tracked = this.#track(admitted, { folds, early }, done)
    if (early) for (const tell of this.#onStop) tell({ id, envelope, from, via })
    return { done: tracked }
  }

  /** Others that are in force deny what it would deny, and it would be left out (row 129). */
  #covers(revocation: Revocation): boolean {
    return this.governance.revocations.covers(revocation)
  }

  /** Takes the place in its signers' quotas, and says which ids leave; null when there is none. */
  #account({ id, statement, envelope }: Admitted, folds: boolean): readonly StatementId[] | null {
    if (this.#miscounted) this.#recount()
    if (folds) {
      this.#quotas.remove(id)
      return []
    }
    assert(statement.type !== 'evidence', 'evidence waits for no signature')
    const one = waitingFor(envelope, id, ownersOf(statement, envelope, this.governance))
    return this.#quotas.admits(one) ? this.#quotas.put(one) : null
  }

  #track(
    { id, statement, envelope }: Admitted,
    how: { readonly folds: boolean; readonly early: boolean },
    kept: Promise<void>,
  ): Promise<void> {
    const done = kept.then(
      () => this.#arriving.arrived(id, envelope),
      (error: unknown) => {
        this.#arriving.arrived(id, envelope)
        // What it took in the quotas, and from others, is as if it had never come. A batch has many of it.
        this.#miscounted = true
        throw error
      },
    )
    this.#arriving.add({ statement, envelope, ...how, done })
    // Each caller that waits for it is told by its own wait.
    done.catch(() => {})
    return done
  }

  #recount(): void {
    const { governance } = this
    const arriving = [...this.#arriving.all()].filter(({ folds }) => !folds)
    this.#miscounted = false
    this.#quotas = new Pending()
    for (const { statement, envelope } of [...this.#held.waiting(), ...arriving]) {
      if (statement.type === 'evidence') continue
      const owners = ownersOf(statement, envelope, governance)
      this.#quotas.put(waitingFor(envelope, statement.id, owners))
    }
  }

  #apply(
    { id, statement, envelope, state }: Admitted,
    folds: boolean,
    evicted: readonly StatementId[],
    how: How,
  ): void {
    const root = this.governance.root
    let changed: readonly StatementId[] = []
    if (folds) changed = this.#held.fold({ statement, envelope })
    else this.#held.wait({ id, statement, envelope, state: state === 'held' ? 'pending' : state })
    for (const each of evicted) this.#held.drop(each)
    this.#forget([id, ...changed].filter((each) => this.get(each) === null))

    const known = this.get(id)
    if (known !== null) this.#tell(known, changed, how)
    if (this.governance.root !== root) this.#retry()
  }

  /** Takes those off the disk that the fold has left out. What stays there is left out again at the next start. */
  #forget(ids: readonly StatementId[]): void {
    if (ids.length === 0) return
    const gone = ids.map((id) => ({ id, bytes: null }))
    this.#kept.keep(gone, [], () => {}).catch(() => {})
  }

  #tell(known: Known, changed: readonly StatementId[], how: How): void {
    const { digest } = this.governance
    const others = changed.filter((each) => each !== known.id)
    for (const tell of this.#listeners) tell({ ...known, changed: others, digest, ...how })
  }

  /** After a new root: what waits for it is looked at again, and what waits for signatures may have lost its signers. */
  #retry(): void {
    for (const known of [...this.#held.waiting()]) {
      const state = stateOf(known.statement, known.envelope, this.governance)
      this.#held.wait({ ...known, state: state === 'disarmed' ? state : 'pending' })
    }
    for (const { id, envelope, owners } of [...this.#unjudged.all()]) {
      this.#unjudged.remove(id)
      const from = senderOf(owners)
      this.offer(formatEnvelope(envelope), from, from === null ? 'local' : 'sync')
    }
  }

  async #load(store: StatementsPorts['store']): Promise<void> {
    const cursors = await store.entries('governance')
    this.#mesh = readMesh(cursors)
    this.#pins = readPins(cursors)
    this.#notes.load(cursors)
    this.#held = new Held(this.#mesh, this.#pins)
    const envelopes = await this.#kept.load()
    const rest = restore(envelopes, this.#held, this.#quotas, this.#pins.length > 0)
    this.#forget([...envelopes.keys()].filter((id) => !rest.has(id) && this.get(id) === null))
    // Under a root that is disputed now: as if its root were not known.
    for (const bytes of rest.values()) this.offer(bytes, null, 'local')
  }
}
