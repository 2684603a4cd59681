/**
 * The fold: governance out of the set of all statements known (design 2, merge).
 *
 * The result is a function of the set: equal sets give equal governance and one
 * digest, whatever the order of arrival (S7); where several prove the same, of
 * what is proven (conclusion.ts). One statement more costs what it
 * touches; a new root is a new beginning, and everything is weighed again. No
 * clock is read: what has expired is denied where it is used.
 *
 * Signatures were verified before (admission.ts); here they are counted.
 */
import type { Trust } from './admission.ts'
import { assert } from './assert.ts'
import type { ConclusionKey, Drawn } from './conclusion.ts'
import { governanceDigest } from './digest.ts'
import type { Envelope, Signature } from './dsse.ts'
import { foldBundle } from './fold-bundles.ts'
import { distrustedBy } from './fold-evidence.ts'
import { FoldResults } from './fold-results.ts'
import { type Force, forceOf, type Ordinary, speakersOf } from './force.ts'
import type { Governance } from './governance.ts'
import type { StatementId } from './id.ts'
import type { Did } from './keys.ts'
import { PrefixTree } from './prefix-tree.ts'
import { chainOf, type RootChain } from './root-chain.ts'
import type { Evidence } from './statement/evidence.ts'
import type { Root } from './statement/root.ts'
import type { Statement } from './statement/statement.ts'

/** `pending`: below its threshold, under an unknown root, or without the version that it follows. */
export type Standing = 'effective' | 'pending' | 'disarmed' | 'conflict'

export interface KnownStatement {
  readonly statement: Statement
  /** Its signatures were verified. */
  readonly envelope: Envelope
}

interface Entry<S extends Statement = Statement> {
  readonly known: KnownStatement
  readonly statement: S
  /** The keys in whose name it speaks. */
  readonly speakers: readonly Did[]
  force: Force
  standing: Standing | null
  /** Whether it is in the digest, itself. */
  counts: boolean
  /** What it was added to. */
  addedTo: FoldResults | null
}

/** Before it was weighed. */
const UNKNOWN: Force = { kind: 'unknown' }
const NEW = { standing: null, counts: false, addedTo: null } as const

export class Fold {
  readonly #mesh: StatementId | null
  readonly #pins: ReadonlySet<StatementId>
  readonly #entries = new Map<StatementId, Entry>()
  readonly #roots = new Map<number, Map<StatementId, Entry<Root>>>()
  readonly #membersOf = new Map<Did, Set<Entry<Ordinary>>>()
  readonly #bundles = new Map<string, Set<Entry<Ordinary>>>()
  readonly #evidenceOf = new Map<Did, Set<Entry<Evidence>>>()
  #chain: RootChain = { roots: [], disputed: [] }
  #results = new FoldResults(new Set())
  /** What is in the digest, by the digits of its id. */
  #counted = PrefixTree.EMPTY
  #conclusions: ReadonlyMap<ConclusionKey, readonly StatementId[]> = new Map()
  #snapshot: Governance | null = null
  #trust: Trust | null = null
  /** Standings before the current change, of what it touches. */
  #before = new Map<Entry, Standing | null>()

  /** @param pins roots that an operator chose where two of one version contradict each other */
  constructor(mesh: StatementId | null, pins: readonly StatementId[] = []) {
    this.#mesh = mesh
    this.#pins = new Set(pins)
  }

  /** A value: later changes make new ones, which share what did not change. */
  get governance(): Governance {
    this.#snapshot ??= this.#read()
    return this.#snapshot
  }

  /** The chain of roots alone: what signatures are looked at against. It costs nothing while others change. */
  get trust(): Trust {
    this.#trust ??= { mesh: this.#mesh, roots: this.#chain.roots.map(({ root }) => root) }
    return this.#trust
  }

  /** What stands in the digest in the place of those that prove it. A value, like governance. */
  get conclusions(): ReadonlyMap<ConclusionKey, readonly StatementId[]> {
    return this.#conclusions
  }

  /** Adds a statement, or puts it in the place of the one with its id. Gives the ids whose standing changed. */
  put(known: KnownStatement): readonly StatementId[] {
    const { statement } = known
    const old = this.#entries.get(statement.id) ?? null
    this.#before = new Map()
    if (statement.type === 'root') this.#putRoot(known, statement, old)
    else if (statement.type === 'evidence') this.#putEvidence(known, statement, old)
    else this.#putOrdinary(known, statement, old)
    const changed = [...this.#before].filter(([entry, standing]) => entry.standing !== standing)
    return changed.map(([{ statement }]) => statement.id)
  }

  get(id: StatementId): KnownStatement | null {
    return this.#entries.get(id)?.known ?? null
  }

  standing(id: StatementId): Standing | null {
    return this.#entries.get(id)?.standing ?? null
  }

  /** Whether it is in force, and a conclusion stands in its place. */
  concluded(id: StatementId): boolean {
    const entry = this.#entries.get(id)
    return entry?.standing === 'effective' && !entry.counts
  }

  /** All that were put and did not give way. */
  get size(): number {
    return this.#entries.size
  }

  *all(): Generator<KnownStatement> {
    for (const { known } of this.#entries.values()) yield known
  }

  #putRoot(known: KnownStatement, root: Root, old: Entry | null): void {
    const entry = this.#enter(known, root, known.envelope.signatures.map(keyOf), old)
    const { version, id } = root
    mapAt(this.#roots, version, () => new Map<StatementId, Entry<Root>>()).set(id, entry)
    this.#follow()
  }

  #putOrdinary(known: KnownStatement, statement: Ordinary, old: Entry | null): void {
    const entry = this.#enter(known, statement, speakersOf(statement, known.envelope), old)
    const before = old as Entry<Ordinary> | null
    if (statement.type === 'member')
      this.#index(this.#membersOf, statement.principal, entry, before)
    if (statement.type === 'policy') this.#index(this.#bundles, statement.bundle, entry, before)
    entry.force = forceOf(statement, entry.speakers, this.#chain.roots)
    // With fewer signatures than before: what was added up cannot be taken apart.
    if (entry.addedTo === this.#results && entry.force.kind !== 'held') this.#weighAll()
    else if (statement.type === 'policy') this.#weighBundle(statement.bundle)
    else this.#weigh(entry)
    // A root may have waited for this member as a witness.
    if (statement.type === 'member') this.#follow()
    if (statement.type === 'member') this.#weighEvidence(statement.principal)
    if (statement.type === 'epoch') this.#weighEvidence(statement.node)
  }

  #putEvidence(known: KnownStatement, evidence: Evidence, old: Entry | null): void {
    const entry = this.#enter(known, evidence, [], old)
    this.#index(this.#evidenceOf, evidence.node, entry, old as Entry<Evidence> | null)
    this.#weighEvidence(evidence.node)
  }

  #enter<S extends Statement>(
    known: KnownStatement,
    statement: S,
    speakers: readonly Did[],
    old: Entry | null,
  ): Entry<S> {
    const { standing, counts, addedTo } = old ?? NEW
    const entry = { known, statement, speakers, force: UNKNOWN, standing, counts, addedTo }
    this.#entries.set(statement.id, entry)
    this.#before.set(entry, standing)
    return entry
  }

  #index<K, S extends Statement>(
    index: Map<K, Set<Entry<S>>>,
    key: K,
    entry: Entry<S>,
    old: Entry<S> | null,
  ) {
    const entries = mapAt(index, key, () => new Set<Entry<S>>())
    if (old !== null) entries.delete(old)
    entries.add(entry)
  }

  /** Along the chain of roots as far as it goes now; where it leads elsewhere, everything is weighed again. */
  #follow(): void {
    const chain = chainOf({
      mesh: this.#mesh,
      pins: this.#pins,
      rootsOf: (version) =>
        [...(this.#roots.get(version)?.values() ?? [])].map(({ statement, speakers }) => ({
          root: statement,
          signers: speakers,
        })),
      isMember: (principal, roots) =>
        [...(this.#membersOf.get(principal) ?? [])].some(
          ({ statement, speakers }) => forceOf(statement, speakers, roots).kind === 'held',
        ),
    })
    const same = nameOf(chain) === nameOf(this.#chain)
    this.#chain = chain
    if (!same) this.#trust = null
    if (same) this.#standRoots()
    else this.#weighAll()
  }

  #standRoots(): void {
    const chosen = new Set(this.#chain.roots.map(({ root }) => root.id))
    const disputed = new Set(this.#chain.disputed)
    for (const versions of this.#roots.values()) {
      for (const [id, entry] of versions) {
        if (chosen.has(id)) this.#stand(entry, 'effective', true)
        else if (disputed.has(id)) this.#stand(entry, 'conflict', true)
        else this.#stand(entry, 'pending', false)
      }
    }
  }

  #weighAll(): void {
    this.#results = new FoldResults(new Set(this.#chain.roots.flatMap(({ root }) => root.lifts)))
    for (const key of this.#conclusions.keys()) this.#counted = this.#counted.delete(key)
    this.#conclusions = new Map()
    this.#snapshot = null
    this.#standRoots()
    for (const entry of this.#entries.values()) {
      if (!isOrdinary(entry)) continue
      entry.force = forceOf(entry.statement, entry.speakers, this.#chain.roots)
      this.#weigh(entry)
    }
    const demanded = this.#chain.roots.flatMap(({ root }) => [...root.floors.keys()])
    for (const bundle of new Set([...this.#bundles.keys(), ...demanded])) this.#weighBundle(bundle)
    // By members and epochs, which are weighed by now.
    for (const node of [...this.#evidenceOf.keys()]) this.#weighEvidence(node)
  }

  /** Of a node, after anything that says which logs are its. */
  #weighEvidence(node: Did): void {
    for (const entry of [...(this.#evidenceOf.get(node) ?? [])]) {
      if (!this.accuses(entry.statement)) this.#stand(entry, 'pending', false)
      else if (entry.addedTo === this.#results) this.#stand(entry, 'effective', false)
      else {
        entry.addedTo = this.#results
        this.#draw(this.#results.evidence.add(entry.statement))
      }
    }
  }

  /** Whether it is about a log that a member keeps or kept: of strangers there is no end. */
  accuses({ node, log, epoch }: Evidence): boolean {
    if (epoch > Math.max(1, this.#results.epochs.view.get(node)?.epoch ?? 0)) return false
    return [...(this.#membersOf.get(node) ?? [])].some(
      ({ statement, force }) =>
        statement.type === 'member' && statement.log === log && force.kind === 'held',
    )
  }

  /** Whether another one about the same log is in force instead of it. */
  coversEvidence(evidence: Evidence): boolean {
    return this.#results.evidence.covers(evidence)
  }

  /** All but policies, which are weighed with their bundle. */
  #weigh(entry: Entry<Ordinary>): void {
    const { statement, force } = entry
    if (statement.type === 'policy') return
    const held = force.kind === 'held'
    if (held && entry.addedTo !== this.#results) {
      entry.addedTo = this.#results
      this.#draw(this.#results.add(statement))
      if (this.#entries.get(statement.id) !== entry) return
    }
    const proves = statement.type === 'revocation' && this.#results.revocations.covers(statement)
    this.#stand(entry, held ? 'effective' : waitingOf(force), held && !proves)
  }

  /** Puts what they prove in the place of those that prove it. */
  #draw({ gone, conclusion }: Drawn<Statement>): void {
    for (const { id } of gone) this.#remove(id)
    if (conclusion === null) return
    const { key, proof, instead } = conclusion
    const conclusions = new Map(this.#conclusions)
    for (const each of instead) {
      conclusions.delete(each)
      this.#counted = this.#counted.delete(each)
    }
    this.#conclusions = conclusions.set(key, proof)
    this.#counted = this.#counted.set(key, key)
    this.#snapshot = null
    for (const id of proof) {
      const entry = this.#entries.get(id)
      assert(entry !== undefined, 'what proves something is held')
      this.#stand(entry, 'effective', false)
    }
  }

  #weighBundle(bundle: string): void {
    const entries = [...(this.#bundles.get(bundle) ?? [])]
    const folded = foldBundle({
      bundle,
      chain: this.#chain.roots,
      policies: entries.flatMap(({ statement, force }) =>
        statement.type === 'policy' ? { policy: statement, force } : [],
      ),
    })
    this.#results.setBundle(bundle, folded.state)
    for (const entry of entries) {
      const { id } = entry.statement
      const effective = folded.effective.has(id)
      const standing = folded.conflicting.has(id) ? 'conflict' : effective ? 'effective' : null
      const counts = effective || folded.blocking.has(id)
      this.#stand(entry, standing ?? waitingOf(entry.force), counts)
    }
  }

  #stand(entry: Entry, standing: Standing | null, counts: boolean): void {
    if (entry.standing === standing && entry.counts === counts) return
    if (!this.#before.has(entry)) this.#before.set(entry, entry.standing)
    const key = entry.statement.id.slice('sha256:'.length)
    if (counts && !entry.counts) this.#counted = this.#counted.set(key, key)
    if (!counts && entry.counts) this.#counted = this.#counted.delete(key)
    entry.standing = standing
    entry.counts = counts
    this.#snapshot = null
  }

  /** It has given way to others that cover it: as if it had never come. */
  #remove(id: StatementId): void {
    const entry = this.#entries.get(id)
    if (entry === undefined) return
    this.#stand(entry, null, false)
    this.#entries.delete(id)
    const { statement } = entry
    if (statement.type === 'evidence')
      this.#evidenceOf.get(statement.node)?.delete(entry as Entry<Evidence>)
  }

  #read(): Governance {
    const { disputed } = this.#chain
    const { roots } = this.trust
    const root = roots.at(-1) ?? null
    const { members, bundles, freezes, revocations, epochs, evidence } = this.#results
    return {
      mesh: this.#mesh,
      ...{ root, roots, disputed, bundles, revocations },
      members: members.view,
      freezes: freezes.view,
      epochs: epochs.view,
      evidence: evidence.view,
      distrusted: distrustedBy(evidence.view, epochs.view),
      digest: governanceDigest(root?.id ?? null, this.#counted),
      ...{ arriving: [], size: this.#counted.count },
    }
  }
}

function isOrdinary(entry: Entry): entry is Entry<Ordinary> {
  return entry.statement.type !== 'root' && entry.statement.type !== 'evidence'
}

function waitingOf(force: Force): Standing {
  return force.kind === 'disarmed' ? 'disarmed' : 'pending'
}

/** Equal for chains that are the same. */
function nameOf({ roots, disputed }: RootChain): string {
  return [...roots.map(({ root }) => root.id), 'disputed', ...disputed].join(' ')
}

function keyOf({ key }: Signature): Did {
  return key
}

function mapAt<K, V>(map: Map<K, V>, key: K, make: () => V): V {
  const known = map.get(key)
  if (known !== undefined) return known
  const made = make()
  map.set(key, made)
  return made
}
