/**
 * A policy engine of ten lines: it permits everything but the actions that a
 * policy names, one a line, `deny tool:write`; a permit of `stale tool:read 1s`
 * asks for a lease that is that fresh. What matters here is which version
 * judges, not how; in one world of a hundred Cedar itself does.
 */
import type { StatementId } from '../../src/core/id.ts'
import type {
  PolicyAnswer,
  PolicyEngine,
  PolicyInput,
  PolicyProblem,
} from '../../src/core/policy.ts'
import type { Policy } from '../../src/core/statement/policy.ts'
import { CedarEngine } from '../../src/daemon/cedar-engine.ts'

/** Worlds in which Cedar itself decides: one in so many. */
const CEDAR_EVERY = 100
const CEDAR_SCHEMA = `entity principal; entity Any; entity doc;
  action "tool:read", "tool:write", "tool:deploy", "tool:list", "tool:none", "*" appliesTo {
    principal: [principal, Any], resource: [doc, Any]
  };`

export function engineOf(seed: number): PolicyEngine {
  return seed % CEDAR_EVERY === 0 ? new CedarEngine() : new Permits()
}

/** What a bundle of this world says, that denies one action, and may be strict with another. */
export function bundleOf(seed: number, denied: string, strict: Strict | null): Partial<Policy> {
  const seconds = strict === null ? 0 : strict.ms / 1000
  if (seed % CEDAR_EVERY !== 0) {
    const stale = strict === null ? '' : `\nstale ${strict.action} ${seconds}s`
    return { policies: new Map([['all.txt', `deny ${denied}${stale}`]]) }
  }
  const more =
    strict === null
      ? ''
      : `\n@id("strict") @staleness("${seconds}s") permit (principal, action == Action::"${strict.action}", resource);`
  const text = `@id("permit") permit (principal, action, resource);
@id("deny") forbid (principal, action == Action::"${denied}", resource);${more}`
  return { policies: new Map([['all.cedar', text]]), schema: CEDAR_SCHEMA }
}

/** What a bundle asks for beyond the trust root: a fresher lease, for one action. */
export interface Strict {
  readonly action: string
  readonly ms: number
}

const STALE = /^stale (\S+) (\d+)s$/m
const CEDAR_STALE = /@staleness\("(\d+)s"\) permit \(principal, action == Action::"([^"]+)"/

export function strictIn({ policies }: Policy): Strict | null {
  const text = [...policies.values()].join('\n')
  const [, action, seconds] = STALE.exec(text) ?? []
  if (action !== undefined) return { action, ms: Number(seconds) * 1000 }
  const [, after, of] = CEDAR_STALE.exec(text) ?? []
  return of === undefined ? null : { action: of, ms: Number(after) * 1000 }
}

class Permits implements PolicyEngine {
  readonly readsExecutables = false
  #enforced: readonly Policy[] = []
  #strict: readonly Strict[] = []

  get loaded(): readonly StatementId[] {
    return this.#enforced.map(({ id }) => id)
  }

  get shortestStalenessMs(): number | null {
    return shortest(this.#strict.map(({ ms }) => ms))
  }

  load(enforced: readonly Policy[]): void {
    this.#enforced = enforced
    this.#strict = enforced.map(strictIn).filter((each) => each !== null)
  }

  check(): readonly PolicyProblem[] {
    return []
  }

  decide({ action }: PolicyInput): PolicyAnswer {
    const denies = this.#enforced.filter((policy) =>
      [...policy.policies.values()].join('\n').split('\n').includes(`deny ${action}`),
    )
    const determining = (denies.length > 0 ? denies : this.#enforced).map(
      ({ bundle, version }) => ({
        bundle,
        version,
        policy: 'all',
      }),
    )
    return {
      decision: denies.length > 0 ? 'deny' : 'allow',
      code: denies.length > 0 ? 'POLICY_FORBID' : null,
      determining,
      errors: [],
      applied: this.#enforced.map(({ bundle }) => bundle),
      stalenessMs: shortest(
        this.#strict.flatMap((each) => (each.action === action ? [each.ms] : [])),
      ),
      witnessed: false,
      hint: null,
      observed: null,
    }
  }
}

function shortest(bounds: readonly number[]): number | null {
  return bounds.length === 0 ? null : Math.min(...bounds)
}
