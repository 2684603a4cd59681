/** What effective statements add up to under one chain of roots; a new chain starts with an empty one. */
import { Best } from './best.ts'
import { type Drawn, NOTHING_DRAWN } from './conclusion.ts'
import { FoldedEvidence } from './fold-evidence.ts'
import type { Ordinary } from './force.ts'
import type { BundleState } from './governance.ts'
import type { StatementId } from './id.ts'
import type { Did } from './keys.ts'
import { RevocationIndex } from './revocation-index.ts'
import type { Epoch } from './statement/epoch.ts'
import { type Freeze, scopeKey } from './statement/freeze.ts'
import type { Member } from './statement/member.ts'

export class FoldResults {
  readonly members = new Best<Did, Member>(newer(({ version }) => version))
  readonly epochs = new Best<Did, Epoch>(newer(({ epoch }) => epoch))
  readonly freezes = new Best<string, Freeze>(stopsRather)
  readonly revocations = new RevocationIndex()
  readonly evidence: FoldedEvidence
  readonly #bundles = new Map<string, BundleState>()
  #bundlesView: ReadonlyMap<string, BundleState> | null = null

  /** @param lifts evidence that the chain of roots lifts */
  constructor(lifts: ReadonlySet<StatementId>) {
    this.evidence = new FoldedEvidence(lifts)
  }

  /** An effective statement, once; of policies see setBundle. */
  add(statement: Ordinary): Drawn<Ordinary> {
    if (statement.type === 'member') this.members.add(statement.principal, statement)
    if (statement.type === 'epoch') this.epochs.add(statement.node, statement)
    if (statement.type === 'freeze') this.freezes.add(scopeKey(statement.scope), statement)
    return statement.type === 'revocation' ? this.revocations.add(statement) : NOTHING_DRAWN
  }

  /** @param state null when nothing is effective or demanded of it */
  setBundle(bundle: string, state: BundleState | null): void {
    if (state === null) this.#bundles.delete(bundle)
    else this.#bundles.set(bundle, state)
    this.#bundlesView = null
  }

  get bundles(): ReadonlyMap<string, BundleState> {
    this.#bundlesView ??= new Map([...this.#bundles].sort(([a], [b]) => (a < b ? -1 : 1)))
    return this.#bundlesView
  }
}

/** The higher number counts; of equal ones the smaller id. */
function newer<T extends { readonly id: StatementId }>(number: (one: T) => number) {
  return (one: T, other: T): boolean => {
    const [a, b] = [number(one), number(other)]
    return a === b ? one.id < other.id : a > b
  }
}

/** Of two of one version the one that stops: a stop is lifted knowingly or not at all. */
export function stopsRather(one: Freeze, other: Freeze): boolean {
  if (one.version !== other.version) return one.version > other.version
  if (one.frozen !== other.frozen) return one.frozen
  return one.id < other.id
}
