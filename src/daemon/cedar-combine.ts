/**
 * All bundles in force are one set (design 4). Each is judged under its own
 * schema and entities, and
 *
 * - any forbid wins;
 * - any error denies: a type that a bundle's schema does not know under an
 *   action that it does, an argument it does not declare, a policy that errs;
 * - a bundle whose schema does not know the action is silent, so that bundles
 *   about different things can live side by side;
 * - otherwise one permit allows, and without one nothing does.
 */
import type { PolicyAnswer, PolicyRef } from '../core/policy.ts'
import type { BundleAnswer } from './cedar-bundle.ts'
import type { Rule } from './cedar-rule.ts'

interface Named {
  readonly bundle: string
  readonly version: number
}

/** What one bundle said. */
export interface Said {
  readonly active: Named
  readonly answer: BundleAnswer
}

interface Determining {
  readonly active: Named
  readonly rule: Rule
}

/** One answer from all. */
export function combine(said: readonly Said[]): Omit<PolicyAnswer, 'observed'> {
  const applied = said.filter(({ answer }) => answer.kind !== 'silent')
  const outcome = (['forbid', 'error', 'permit'] as const).find((kind) =>
    applied.some(({ answer }) => answer.kind === kind),
  )
  const determining = applied
    .flatMap(({ active, answer }) =>
      'rules' in answer && answer.kind === outcome
        ? answer.rules.map((rule) => ({ active, rule }))
        : [],
    )
    .sort(freshestFirst)
  const rules = determining.map(({ rule }) => rule)
  const bounds = rules.flatMap(({ stalenessMs }) => stalenessMs ?? [])
  return {
    decision: outcome === 'permit' ? 'allow' : 'deny',
    code: CODES[outcome ?? 'none'],
    determining: determining.map(({ active, rule }) => refOf(active, rule)),
    errors: outcome === 'error' ? errorsOf(applied) : [],
    applied: applied.map(({ active }) => active.bundle),
    stalenessMs: bounds.length === 0 ? null : Math.min(...bounds),
    witnessed: rules.some(({ witnessed }) => witnessed),
    hint: outcome === 'permit' ? null : hintOf(applied, rules),
  }
}

const CODES = {
  forbid: 'POLICY_FORBID',
  error: 'POLICY_ERROR',
  permit: null,
  none: 'POLICY_NO_PERMIT',
} as const

/** Sorted: Cedar tells of them in the order of a hash set, too. */
function errorsOf(said: readonly Said[]): readonly string[] {
  return said
    .flatMap(({ active: { bundle, version }, answer }) =>
      answer.kind === 'error' ? answer.errors.map((says) => `${bundle}@${version}: ${says}`) : [],
    )
    .sort()
}

function hintOf(said: readonly Said[], forbids: readonly Rule[]): string | null {
  const forbidding = forbids.find(({ hint }) => hint !== null)?.hint
  if (forbidding !== undefined) return forbidding
  for (const { answer } of said)
    if (answer.kind === 'none' && answer.hint !== null) return answer.hint
  return null
}

/** A total order: Cedar names them in the order of a hash set, which is another one at each call. */
function freshestFirst(one: Determining, other: Determining): number {
  const [a, b] = [one.rule.stalenessMs, other.rule.stalenessMs]
  if (a !== b) return (a ?? Number.POSITIVE_INFINITY) - (b ?? Number.POSITIVE_INFINITY)
  return nameOf(one) < nameOf(other) ? -1 : 1
}

function nameOf({ active, rule }: Determining): string {
  return `${active.bundle} ${rule.id}`
}

function refOf({ bundle, version }: Named, { id }: Rule): PolicyRef {
  return { bundle, version, policy: id }
}
