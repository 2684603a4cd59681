/**
 * A policy engine of a few lines: it permits everything but the actions that a
 * policy names, one a line, `deny tool:write`; `fresh tool:read 1200` is one
 * more permit, with a bound of its own on the lease. What matters here is which
 * version judges, not how; in one world of a hundred Cedar itself does.
 */
import type { StatementId } from '../../src/core/id.ts'
import { STALENESS_MS_MIN } from '../../src/core/limits.ts'
import type {
  PolicyAnswer,
  PolicyEngine,
  PolicyInput,
  PolicyProblem,
} from '../../src/core/policy.ts'
import type { Policy } from '../../src/core/statement/policy.ts'
import { CedarEngine } from '../../src/daemon/cedar-engine.ts'
import type { Dice } from './clock.ts'
import type { Ask } from './history.ts'

/** Worlds in which Cedar itself decides: one in so many. */
const CEDAR_EVERY = 100
const CEDAR_SCHEMA = `entity principal; entity Any; entity doc;
  action "tool:read", "tool:write", "tool:deploy", "tool:list", "tool:none", "*" appliesTo {
    principal: [principal, Any], resource: [doc, Any]
  };`

export function engineOf(seed: number): PolicyEngine {
  return seed % CEDAR_EVERY === 0 ? new CedarEngine() : new Permits()
}

/** Some of those that are asked for all the time. */
const ASKED_FRESH = ['tool:read', 'tool:write', 'tool:deploy'] as const
const KINDS = ['none', 'none', 'shorter', 'longer', 'both'] as const

/** What the permits of a bundle ask for: less than the root does, more, or both for one action. */
export function drawAsks(dice: Dice, rootMs: number): readonly Ask[] {
  return ASKED_FRESH.flatMap((action) => {
    const kind = KINDS[dice.integer(KINDS.length)]
    const lessMs = Math.max(STALENESS_MS_MIN, Math.round(rootMs * (0.3 + 0.3 * dice.unit())))
    const more = { action, stalenessMs: rootMs * (2 + dice.integer(3)) }
    return [
      ...(kind === 'longer' || kind === 'both' ? [more] : []),
      ...(kind === 'shorter' || kind === 'both' ? [{ action, stalenessMs: lessMs }] : []),
    ]
  })
}

/** What a bundle of this world says, that denies one action. */
export function bundleOf(seed: number, denied: string, asks: readonly Ask[]): Partial<Policy> {
  if (seed % CEDAR_EVERY !== 0) {
    const lines = asks.map(({ action, stalenessMs }) => `fresh ${action} ${stalenessMs}`)
    return { policies: new Map([['all.txt', [`deny ${denied}`, ...lines].join('\n')]]) }
  }
  const fresh = asks.map(
    ({ action, stalenessMs }, at) =>
      `@id("fresh-${at}") @staleness("${stalenessMs}ms") permit (principal, action == Action::"${action}", resource);`,
  )
  const text = `@id("permit") permit (principal, action, resource);
@id("deny") forbid (principal, action == Action::"${denied}", resource);
${fresh.join('\n')}`
  return { policies: new Map([['all.cedar', text]]), schema: CEDAR_SCHEMA }
}

/** What the lines of a bundle say. */
interface Rules {
  readonly ref: Pick<Policy, 'bundle' | 'version'>
  readonly denied: readonly string[]
  readonly asks: readonly Ask[]
}

class Permits implements PolicyEngine {
  readonly readsExecutables = false
  #loaded: readonly StatementId[] = []
  #rules: readonly Rules[] = []

  get loaded(): readonly StatementId[] {
    return this.#loaded
  }

  get shortestStalenessMs(): number | null {
    return shortest(this.#rules.flatMap(({ asks }) => asks))
  }

  load(enforced: readonly Policy[]): void {
    this.#loaded = enforced.map(({ id }) => id)
    this.#rules = enforced.map(rulesOf)
  }

  check(): readonly PolicyProblem[] {
    return []
  }

  decide({ action }: PolicyInput): PolicyAnswer {
    const denies = this.#rules.filter(({ denied }) => denied.includes(action))
    const asks = (rules: Rules) => rules.asks.filter((ask) => ask.action === action)
    const determining = (denies.length > 0 ? denies : this.#rules).flatMap((rules) => {
      const fresh = denies.length > 0 ? [] : [...asks(rules).entries()]
      const first = fresh.sort(([, a], [, b]) => a.stalenessMs - b.stalenessMs)
      const names = [...first.map(([at]) => `fresh-${at}`), 'all']
      return names.map((policy) => ({ ...rules.ref, policy }))
    })
    return {
      decision: denies.length > 0 ? 'deny' : 'allow',
      code: denies.length > 0 ? 'POLICY_FORBID' : null,
      determining,
      errors: [],
      applied: this.#rules.map(({ ref }) => ref.bundle),
      stalenessMs: denies.length > 0 ? null : shortest(this.#rules.flatMap(asks)),
      witnessed: false,
      hint: null,
      observed: null,
    }
  }
}

function rulesOf({ bundle, version, policies }: Policy): Rules {
  const lines = [...policies.values()].join('\n').split('\n')
  const words = (head: string) =>
    lines.map((line) => line.split(' ')).filter(([first]) => first === head)
  const asks = words('fresh').map(([, action = '', ms]) => ({ action, stalenessMs: Number(ms) }))
  const denied = words('deny').map(([, action = '']) => action)
  return { ref: { bundle, version }, denied, asks }
}

function shortest(asks: readonly Ask[]): number | null {
  return asks.length === 0 ? null : Math.min(...asks.map(({ stalenessMs }) => stalenessMs))
}
