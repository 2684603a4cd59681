/** The PolicyEngine on Cedar: which versions decide, and which are judged in their shadow. */
import { type Entity, formatEntity } from '../core/command.ts'
import type { StatementId } from '../core/id.ts'
import type {
  ObservedAnswer,
  PolicyAnswer,
  PolicyCatalog,
  PolicyEngine,
  PolicyInput,
  PolicyProblem,
} from '../core/policy.ts'
import type { Policy } from '../core/statement/policy.ts'
import { Bundle, type BundleAnswer, Memory } from './cedar-bundle.ts'
import { checkBundle } from './cedar-check.ts'
import { combine, type Said } from './cedar-combine.ts'
import { type Compiled, compile } from './cedar-compile.ts'
import { askable, askedAs } from './cedar-schema.ts'

/** A version that is to be judged by, whether or not it can be. */
interface Active {
  readonly id: StatementId
  readonly bundle: string
  readonly version: number
  /** The shortest of its permits. */
  readonly stalenessMs: number | null
  /** null where it does not compile. */
  readonly compiled: Compiled | null
  answer(input: PolicyInput): BundleAnswer
}

export class CedarEngine implements PolicyEngine, PolicyCatalog {
  #enforced: readonly Active[] = []
  #observed: readonly Active[] = []
  #loaded: readonly StatementId[] = []
  #catalog: Pick<PolicyCatalog, 'entities' | 'actions'> | null = null
  #reads = false
  readonly #memory = new Memory()

  get loaded(): readonly StatementId[] {
    return this.#loaded
  }

  get shortestStalenessMs(): number | null {
    return shortest(this.#enforced.map(({ stalenessMs }) => stalenessMs))
  }

  get readsExecutables(): boolean {
    return this.#reads
  }

  load(enforced: readonly Policy[], observed: readonly Policy[]): void {
    const known = new Map([...this.#enforced, ...this.#observed].map((each) => [each.id, each]))
    const active = (policy: Policy) => known.get(policy.id) ?? activate(policy, this.#memory)
    const [enforcing, observing] = [enforced.map(active), observed.map(active)]
    this.#enforced = enforcing
    this.#observed = observing
    this.#reads = [...enforcing, ...observing].some(
      ({ compiled }) => compiled?.schema.readsExecutables === true,
    )
    this.#loaded = enforcing.map(({ id }) => id).sort()
    this.#catalog = null
  }

  get entities(): readonly Entity[] {
    return this.#known().entities
  }

  get actions(): readonly string[] {
    return this.#known().actions
  }

  /** Made when it is first asked for: only searches look there. */
  #known(): Pick<PolicyCatalog, 'entities' | 'actions'> {
    this.#catalog ??= catalogOf(this.#enforced.flatMap(({ compiled }) => compiled ?? []))
    return this.#catalog
  }

  decide(input: PolicyInput): PolicyAnswer {
    const said = this.#enforced.map((active) => ({ active, answer: active.answer(input) }))
    return { ...combine(said), observed: this.#observe(said, input) }
  }

  check(policy: Policy): readonly PolicyProblem[] {
    return checkBundle(policy)
  }

  /** As if the observed versions were in force. Nothing that happens here reaches the answer. */
  #observe(said: readonly Said[], input: PolicyInput): ObservedAnswer | null {
    if (this.#observed.length === 0) return null
    const replaced = new Set(this.#observed.map(({ bundle }) => bundle))
    const kept = said.filter(({ active }) => !replaced.has(active.bundle))
    const instead = this.#observed.map((active) => ({ active, answer: active.answer(input) }))
    const { decision, code, determining } = combine([...kept, ...instead])
    return { decision, code, determining }
  }
}

function activate({ id, ...source }: Policy, memory: Memory): Active {
  const { bundle, version } = source
  const compiled = compile(source)
  if ('rules' in compiled) {
    const judge = new Bundle(compiled, id, memory)
    const stalenessMs = shortest(compiled.rules.map((rule) => rule.stalenessMs))
    return { id, bundle, version, stalenessMs, compiled, answer: (input) => judge.answer(input) }
  }
  const [first] = compiled
  const errors = [`it does not compile: ${first?.where}: ${first?.says}`]
  const nothing = { stalenessMs: null, compiled: null }
  return { id, bundle, version, ...nothing, answer: () => ({ kind: 'error', errors }) }
}

function catalogOf(bundles: readonly Compiled[]): Pick<PolicyCatalog, 'entities' | 'actions'> {
  const asked = bundles.flatMap(({ entities }) =>
    entities.all.flatMap((each) => askedAs(each) ?? []),
  )
  const entities = new Map(asked.map((each) => [formatEntity(each), each]))
  const models = bundles.flatMap(({ schema }) => schema.actions.filter(askable))
  return {
    entities: [...entities.keys()].sort().flatMap((key) => entities.get(key) ?? []),
    actions: [...new Set(models.map(({ id }) => id))].sort(),
  }
}

function shortest(bounds: readonly (number | null)[]): number | null {
  const some = bounds.filter((each) => each !== null)
  return some.length === 0 ? null : Math.min(...some)
}
