/**
 * Whether a predicate holds on a fact object: {action, resource, subject, args, meshd}.
 *
 * Three values: true, false, and void, for what cannot be told because a value
 * is missing or of the wrong type. In the strict mode void is contagious: it
 * passes through `not`, `or` and `any`, and denies. Every operand is
 * evaluated, so the answer never depends on their order (FACTS 6).
 * In the plain mode, which UCAN's own vectors test, void is false at once.
 */
import { globMatches } from './glob.ts'
import type { Json } from './json.ts'
import { PREDICATE_STEPS_MAX } from './limits.ts'
import type { Comparison, Predicate, Profile } from './predicate.ts'
import { isList, isMap, type Selection, type Selector, select, valuesOf } from './selector.ts'

/** null is void. */
type Truth = boolean | null

/** How many predicates may still be evaluated, on elements of lists too. The same count on every node. */
export interface Budget {
  steps: number
}

interface Evaluation {
  readonly mode: Profile
  readonly budget: Budget
}

/**
 * @param mode 'plain' is for UCAN's own vectors alone
 * @param budget what all predicates of one check share; nothing holds when it is used up
 */
export function holds(
  predicate: Predicate,
  facts: Json,
  mode: Profile = 'strict',
  budget: Budget = { steps: PREDICATE_STEPS_MAX },
): boolean {
  return evaluate(predicate, facts, false, { mode, budget }) === true
}

/** @param own whether the value is one of the node's own facts, or inside one. */
function evaluate(p: Predicate, value: Json, own: boolean, run: Evaluation): Truth {
  if (--run.budget.steps < 0) return null
  switch (p.op) {
    case 'and':
      return everyOf(p.operands.map((each) => evaluate(each, value, own, run)))
    case 'or':
      // An empty `or` is true in UCAN; the strict profile never parses one.
      if (p.operands.length === 0) return run.mode === 'plain'
      return someOf(p.operands.map((each) => evaluate(each, value, own, run)))
    case 'not': {
      const truth = evaluate(p.operand, value, own, run)
      return truth === null ? null : !truth
    }
    default:
      return (
        evaluateAt(p, value, own || isFact(p.selector), run) ??
        (run.mode === 'plain' ? false : null)
      )
  }
}

function evaluateAt(
  p: Extract<Predicate, { selector: Selector }>,
  from: Json,
  own: boolean,
  run: Evaluation,
): Truth {
  // `?` excuses what a request leaves out, never a fact that was not measured.
  const found = select(p.selector, from, run.mode === 'plain' || !own)
  if (found === null) return null
  switch (p.op) {
    case '==':
      return equality(found, p.value, run)
    case '!=': {
      const equal = equality(found, p.value, run)
      return equal === null ? null : !equal
    }
    case 'like':
      return typeof found.value === 'string' ? globMatches(p.glob, found.value) : null
    case 'all':
    case 'any': {
      const truths = valuesOf(found.value)?.map((each) => evaluate(p.operand, each, own, run))
      if (truths === undefined) return null
      return p.op === 'all' ? everyOf(truths) : someOf(truths)
    }
    default:
      return typeof found.value === 'number' ? compare(p.op, found.value, p.value) : null
  }
}

/** INVARIANT: nothing but the first step `meshd` leads to the node's facts; parsing sees to it. */
function isFact(selector: Selector): boolean {
  const [first] = selector.steps
  return first?.kind === 'key' && first.key === 'meshd'
}

function everyOf(truths: readonly Truth[]): Truth {
  return truths.includes(null) ? null : !truths.includes(false)
}

function someOf(truths: readonly Truth[]): Truth {
  return truths.includes(null) ? null : truths.includes(true)
}

function compare(op: Comparison, a: number, b: number): boolean {
  switch (op) {
    case '<':
      return a < b
    case '<=':
      return a <= b
    case '>':
      return a > b
    case '>=':
      return a >= b
  }
}

/**
 * `["!=", ".args.path", "/etc/passwd"]` must not hold for `["/etc/passwd"]`: in
 * the strict mode values of two kinds are a wrong type, unless the literal is
 * null or nothing is there by a `?`.
 */
function equality(found: Selection, literal: Json, run: Evaluation): Truth {
  const sameKind = kindOf(found.value) === kindOf(literal)
  if (run.mode === 'strict' && !sameKind && literal !== null && !found.excused) return null
  return equal(found.value, literal)
}

function kindOf(value: Json): string {
  if (value === null) return 'null'
  return isList(value) ? 'list' : typeof value
}

function equal(a: Json, b: Json): boolean {
  if (a === b) return true
  if (isList(a)) {
    return isList(b) && a.length === b.length && a.every((each, i) => equal(each, b[i] as Json))
  }
  if (!isMap(a) || !isMap(b)) return false
  const keys = Object.keys(a)
  return (
    keys.length === Object.keys(b).length &&
    keys.every((key) => Object.hasOwn(b, key) && equal(a[key] as Json, b[key] as Json))
  )
}
