/**
 * Predicates for people: `unit = planner.service`, `label env = staging`,
 * `agents at least 7`, `resource like acme/*`; and what was seen in their place.
 */
import { formatJson, type Json } from './json.ts'
import { type Predicate, selectorsOf } from './predicate.ts'
import { isMap, type Selector, select } from './selector.ts'

const SEEN_CHARACTERS_MAX = 96

export function formatPredicate(predicate: Predicate): string {
  switch (predicate.op) {
    case 'and':
    case 'or': {
      const parts = predicate.operands.map(formatPredicate)
      if (parts.length < 2) return parts[0] ?? 'always'
      return `(${parts.join(` ${predicate.op} `)})`
    }
    case 'not':
      return `not (${formatPredicate(predicate.operand)})`
    case 'all':
    case 'any':
      return `${predicate.op} of ${nameOf(predicate.selector)}: ${formatPredicate(predicate.operand)}`
    default:
      return formatLeaf(predicate)
  }
}

function formatLeaf(predicate: Extract<Predicate, { value: Json }>): string {
  const { op, selector, value } = predicate
  const name = nameOf(selector)
  if (bundleOf(selector) !== null) {
    if (op === '>=') return `${name} at least ${formatValue(value)}`
    if (op === '==') return `${name} exactly ${formatValue(value)}`
  }
  return `${name} ${op === '==' ? '=' : op} ${formatValue(value)}`
}

/** What a selector is called: facts by their own name, the request by its path. */
function nameOf(selector: Selector): string {
  const keys = keysOf(selector)
  if (keys === null) return selector.text
  const [root, kind, field, name] = keys
  if (root !== 'meshd') {
    if (root === 'resource' || root === 'subject') return kind === 'id' ? root : keys.join(' ')
    return keys.join('.')
  }
  if (kind === 'node') return field === 'id' ? 'node' : keys.slice(1).join(' ')
  if (kind === 'env' && field === 'labels' && name !== undefined) return `label ${name}`
  if (kind === 'env' && field === 'files' && name !== undefined) return `file ${name}`
  return bundleOf(selector) ?? keys.slice(2).join(' ')
}

/** The bundle of `.meshd.gov.bundles.<bundle>`; null for any other selector. */
function bundleOf(selector: Selector): string | null {
  const [root, kind, field, bundle] = keysOf(selector) ?? []
  const gov = root === 'meshd' && kind === 'gov' && field === 'bundles'
  return gov && bundle !== undefined ? bundle : null
}

function keysOf(selector: Selector): readonly string[] | null {
  const keys: string[] = []
  for (const step of selector.steps) {
    if (step.kind !== 'key') return null
    keys.push(step.key)
  }
  return keys.length === 0 ? null : keys
}

/** What the fact object holds where the predicate looks: `unit other.service, uid absent`. */
export function seenBy(predicate: Predicate, view: Json): string {
  const seen = new Map<string, string>()
  for (const selector of selectorsOf(predicate)) {
    const found = select(selector, view, false)
    seen.set(nameOf(selector), found === null ? 'absent' : formatValue(found.value))
  }
  return [...seen].map(([name, value]) => `${name} ${value}`).join(', ')
}

/** Text as it is when it is printable and short; anything else as JSON, cut. */
function formatValue(value: Json): string {
  const plain = typeof value === 'string' && /^[!-~]([ -~]*[!-~])?$/.test(value)
  const text = plain ? value : formatJson(isMap(value) ? { ...value } : value)
  const ascii = text.replace(/[^ -~]/g, '?')
  return ascii.length <= SEEN_CHARACTERS_MAX ? ascii : `${ascii.slice(0, SEEN_CHARACTERS_MAX)}...`
}
