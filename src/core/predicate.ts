/**
 * UCAN predicates, as a delegation carries them:
 *
 *   ["==", ".args.env", "staging"]          ["like", ".resource.id", "acme/*"]
 *   ["or", [["==", ".action", "tool:read"], ["not", ["any", ".args.tags", ["==", ".", "x"]]]]]
 *
 * The strict profile refuses `["or", []]`, which is true in UCAN, and paths
 * that do not begin at a known place. 'plain' is UCAN itself, for its own vectors.
 */
import { type Glob, parseGlob } from './glob.ts'
import type { Json } from './json.ts'
import { PREDICATE_NESTING_MAX, PREDICATES_MAX } from './limits.ts'
import { Malformed } from './malformed.ts'
import { isList, parseSelector, type Selector } from './selector.ts'

export type Predicate =
  | { readonly op: '==' | '!='; readonly selector: Selector; readonly value: Json }
  | { readonly op: Comparison; readonly selector: Selector; readonly value: number }
  | {
      readonly op: 'like'
      readonly selector: Selector
      readonly value: string
      readonly glob: Glob
    }
  | { readonly op: 'and' | 'or'; readonly operands: readonly Predicate[] }
  | { readonly op: 'not'; readonly operand: Predicate }
  | { readonly op: 'all' | 'any'; readonly selector: Selector; readonly operand: Predicate }

export type Comparison = '<' | '<=' | '>' | '>='
export type Profile = 'strict' | 'plain'

const ROOTS: readonly string[] = ['action', 'resource', 'subject', 'args', 'meshd']
const FACT_ROOTS: readonly string[] = ['node', 'runtime', 'env', 'gov']

/** What the walk carries: how many predicates there were, and whether paths begin at the top. */
interface Walk {
  readonly profile: Profile
  count: number
}

/** Reads the `pol` of one link: a list of predicates, all of which must hold. @throws Malformed */
export function parsePolicy(value: Json, profile: Profile): readonly Predicate[] {
  if (!isList(value)) throw new Malformed('pol is a list of predicates')
  const walk: Walk = { profile, count: 0 }
  return value.map((each) => read(each, walk, 1, true))
}

/** @throws Malformed */
export function parsePredicate(value: Json, profile: Profile): Predicate {
  return read(value, { profile, count: 0 }, 1, true)
}

function read(value: Json, walk: Walk, depth: number, top: boolean): Predicate {
  if (++walk.count > PREDICATES_MAX) throw new Malformed('there are too many predicates')
  if (depth > PREDICATE_NESTING_MAX) throw new Malformed('a predicate is nested too deeply')
  if (!isList(value)) throw new Malformed('a predicate is a list')
  const [op, first, second] = value
  if (op === 'and' || op === 'or' || op === 'not') {
    if (value.length !== 2) throw new Malformed(`\`${op}\` takes one argument`)
    return readConnective(op, first as Json, walk, depth, top)
  }
  if (value.length !== 3) throw new Malformed('a predicate has an operator and two arguments')
  const selector = readSelector(first as Json, walk, top)
  if (op === 'all' || op === 'any') {
    return { op, selector, operand: read(second as Json, walk, depth + 1, false) }
  }
  return readLeaf(op as Json, selector, second as Json)
}

function readConnective(
  op: 'and' | 'or' | 'not',
  argument: Json,
  walk: Walk,
  depth: number,
  top: boolean,
): Predicate {
  if (op === 'not') return { op, operand: read(argument, walk, depth + 1, top) }
  if (!isList(argument)) throw new Malformed(`\`${op}\` takes a list of predicates`)
  if (op === 'or' && argument.length === 0 && walk.profile === 'strict') {
    throw new Malformed('an empty `or` would always be true')
  }
  return { op, operands: argument.map((each) => read(each, walk, depth + 1, top)) }
}

function readLeaf(op: Json, selector: Selector, value: Json): Predicate {
  switch (op) {
    case '==':
    case '!=':
      return { op, selector, value }
    case '<':
    case '<=':
    case '>':
    case '>=':
      if (typeof value !== 'number') throw new Malformed(`\`${op}\` compares with a number`)
      return { op, selector, value }
    case 'like':
      if (typeof value !== 'string') throw new Malformed('`like` takes a text')
      return { op, selector, value, glob: parseGlob(value) }
    default:
      throw new Malformed('a predicate has an unknown operator')
  }
}

function readSelector(value: Json, walk: Walk, top: boolean): Selector {
  if (typeof value !== 'string') throw new Malformed('a selector is a text')
  const selector = parseSelector(value)
  if (walk.profile === 'strict' && top) checkRoot(selector)
  return selector
}

/** Below `.` or `.meshd` alone, `all`, `any` and `[]` would reach the facts under another name, where a `?` excuses. */
function checkRoot(selector: Selector): void {
  const [first, second] = selector.steps
  if (first?.kind !== 'key' || !ROOTS.includes(first.key)) {
    throw new Malformed('a selector does not begin at the request or at .meshd')
  }
  if (first.key === 'meshd' && (second?.kind !== 'key' || !FACT_ROOTS.includes(second.key))) {
    throw new Malformed('a selector names no kind of fact after .meshd')
  }
}

/** The form that is signed; the inverse of parsePredicate. */
export function encodePredicate(predicate: Predicate): Json {
  switch (predicate.op) {
    case 'and':
    case 'or':
      return [predicate.op, predicate.operands.map(encodePredicate)]
    case 'not':
      return [predicate.op, encodePredicate(predicate.operand)]
    case 'all':
    case 'any':
      return [predicate.op, predicate.selector.text, encodePredicate(predicate.operand)]
    default:
      return [predicate.op, predicate.selector.text, predicate.value]
  }
}

/** The selectors that begin at the top; those inside `all` and `any` begin at an element. */
export function selectorsOf(predicate: Predicate): readonly Selector[] {
  switch (predicate.op) {
    case 'and':
    case 'or':
      return predicate.operands.flatMap(selectorsOf)
    case 'not':
      return selectorsOf(predicate.operand)
    default:
      return [predicate.selector]
  }
}
