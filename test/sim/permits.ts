/**
 * A policy engine of ten lines: it permits everything but the actions that a
 * policy names, one a line, `deny tool:write`. What matters here is which
 * version judges, not how; in one world of a hundred Cedar itself does.
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

/** What a bundle of this world says, that denies one action. */
export function bundleOf(seed: number, denied: string): Partial<Policy> {
  if (seed % CEDAR_EVERY !== 0) return { policies: new Map([['all.txt', `deny ${denied}`]]) }
  const text = `@id("permit") permit (principal, action, resource);
@id("deny") forbid (principal, action == Action::"${denied}", resource);`
  return { policies: new Map([['all.cedar', text]]), schema: CEDAR_SCHEMA }
}

class Permits implements PolicyEngine {
  /** No policy here asks for a shorter one. */
  readonly shortestStalenessMs = null
  readonly readsExecutables = false
  #enforced: readonly Policy[] = []

  get loaded(): readonly StatementId[] {
    return this.#enforced.map(({ id }) => id)
  }

  load(enforced: readonly Policy[]): void {
    this.#enforced = enforced
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
      stalenessMs: null,
      witnessed: false,
      hint: null,
      observed: null,
    }
  }
}
