/**
 * A policy engine of ten lines: it permits everything but the actions that a
 * policy names, one a line, `deny tool:write`. What matters here is which
 * version judges, not how.
 */
import type { StatementId } from '../../src/core/id.ts'
import type {
  PolicyAnswer,
  PolicyEngine,
  PolicyInput,
  PolicyProblem,
} from '../../src/core/policy.ts'
import type { Policy } from '../../src/core/statement/policy.ts'

export class Permits implements PolicyEngine {
  /** No policy here asks for a shorter one. */
  readonly shortestStalenessMs = null
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
