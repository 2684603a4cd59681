/** Check 10: the bundles in force permit it, none forbids it, and nothing about it is in doubt. */
import { formatEntity } from '../command.ts'
import type { PolicyAnswer, PolicyEngine, PolicyInput, PolicyRef } from '../policy.ts'
import type { Governed } from '../presented.ts'
import type { Denial } from '../reasons.ts'
import type { Policy } from '../statement/policy.ts'
import { type CheckResult, failed, passed, unknown } from './check.ts'

/** What the bundles say; null when nothing can be asked of them. */
export interface PolicyFinding {
  readonly answer: PolicyAnswer | null
  readonly denial: Denial | null
}

export function askPolicies(
  governance: Governed,
  engine: PolicyEngine,
  input: PolicyInput,
): PolicyFinding {
  const conflict = [...governance.bundles.values()].find((each) => each.conflict !== null)
  if (conflict !== undefined) {
    const detail = `${conflict.bundle}: ${conflict.conflict}`
    return { answer: null, denial: { code: 'POLICY_CONFLICT', detail } }
  }
  const ids = policiesInForce(governance).map(({ id }) => id)
  if (ids.length === 0) {
    return { answer: null, denial: { code: 'POLICY_NO_PERMIT', detail: 'no policy is in force' } }
  }
  const { loaded } = engine
  // INVARIANT: what decides is what is in force; an engine that lags behind decides nothing.
  if (loaded.length !== ids.length || !ids.every((id) => loaded.includes(id))) {
    const detail = 'the policies in force are not loaded yet'
    return { answer: null, denial: { code: 'POLICY_ERROR', detail } }
  }
  const answer = engine.decide(input)
  return { answer, denial: denialOf(answer, input) }
}

/** One for each bundle that enforces. */
export function policiesInForce({ bundles }: Governed): readonly Policy[] {
  return [...bundles.values()].flatMap(({ inForce }) => inForce ?? [])
}

function denialOf(answer: PolicyAnswer, { action, resource }: PolicyInput): Denial | null {
  const what = `${action} on ${formatEntity(resource)}`
  const by = answer.determining.map(formatRef).join(', ')
  if (answer.code === 'POLICY_FORBID') return { code: answer.code, detail: `${by} forbids ${what}` }
  if (answer.code === 'POLICY_ERROR') {
    return { code: answer.code, detail: answer.errors.join('; ') || 'no reason given' }
  }
  if (answer.decision !== 'allow' || answer.code !== null || answer.determining.length === 0) {
    const heard = answer.applied.length > 0
    const detail = heard ? `no policy permits ${what}` : `no bundle in force knows ${action}`
    return { code: 'POLICY_NO_PERMIT', detail }
  }
  return null
}

export function checkPolicy(finding: PolicyFinding | null, lacks: string): CheckResult {
  if (finding === null) return unknown('policy', lacks)
  const { answer, denial } = finding
  if (denial !== null) return failed('policy', denial)
  const once = answer?.witnessed === true ? ', once its record is witnessed' : ''
  return passed('policy', `${answer?.determining.map(formatRef).join(', ')} permits${once}`)
}

/** `agents@7 "agents-read-docs"` */
export function formatRef({ bundle, version, policy }: PolicyRef): string {
  return `${bundle}@${version} "${policy}"`
}
