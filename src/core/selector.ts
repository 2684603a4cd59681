/**
 * UCAN selectors, the paths of predicates: `.args.path`, `.args["a b"]`,
 * `.args.list[0]`, `[-1]`, `[1:3]`, `[]`, each with an optional `?`.
 */
import { formatJson, type Json, type JsonObject } from './json.ts'
import { Malformed } from './malformed.ts'

type Where =
  | { readonly kind: 'key'; readonly key: string }
  | { readonly kind: 'index'; readonly index: number }
  | { readonly kind: 'slice'; readonly from: number | undefined; readonly to: number | undefined }
  | { readonly kind: 'values' }

/** One step down; where an optional one finds nothing, it finds null. */
type Step = Where & { readonly optional: boolean }

export interface Selector {
  readonly text: string
  /** None for `.`, the value itself. */
  readonly steps: readonly Step[]
}

/** What a selector found; excused if it is a null that stands for nothing, by a `?`. */
export interface Selection {
  readonly value: Json
  readonly excused: boolean
}

const STEP =
  /(?:\.(?<name>[A-Za-z_][A-Za-z0-9_]*)|\.?\[(?:"(?<quoted>(?:[^"\\]|\\.)*)"|(?<index>-?\d{1,9})|(?<from>-?\d{1,9})?(?<colon>:)(?<to>-?\d{1,9})?)?\])(?<optional>\?)?/y

/** @throws Malformed */
export function parseSelector(text: string): Selector {
  if (!text.startsWith('.')) throw new Malformed('a selector begins with a dot')
  const steps: Step[] = []
  let at = text === '.' ? 1 : 0
  while (at < text.length) {
    STEP.lastIndex = at
    const match = STEP.exec(text)
    if (match === null) throw new Malformed('a selector has a step that is not understood')
    steps.push({ ...whereOf(match.groups ?? {}), optional: match.groups?.['optional'] === '?' })
    at = STEP.lastIndex
  }
  return { text, steps }
}

function whereOf(groups: Record<string, string | undefined>): Where {
  const { name, quoted, index, from, colon, to } = groups
  if (name !== undefined) return { kind: 'key', key: name }
  if (quoted !== undefined) return { kind: 'key', key: unquote(quoted) }
  if (index !== undefined) return { kind: 'index', index: Number(index) }
  if (colon === undefined) return { kind: 'values' }
  return { kind: 'slice', from: bound(from), to: bound(to) }
}

function bound(digits: string | undefined): number | undefined {
  return digits === undefined ? undefined : Number(digits)
}

function unquote(quoted: string): string {
  let key: unknown
  try {
    key = JSON.parse(`"${quoted}"`)
  } catch {
    // Refused below, with every other key that is no text.
  }
  if (typeof key !== 'string' || !key.isWellFormed()) {
    throw new Malformed('a selector has a quoted key that is not text')
  }
  return key
}

/** The selector of a path of keys; the inverse of parseSelector for those. */
export function selectorOf(...keys: readonly string[]): Selector {
  const plain = /^[A-Za-z_][A-Za-z0-9_]*$/
  const text = keys.map((key) => (plain.test(key) ? `.${key}` : `[${formatJson(key)}]`)).join('')
  return parseSelector(text.startsWith('.') ? text : `.${text}`)
}

/** Follows the steps; null if there is nothing. `excusing` false ignores every `?`. */
export function select(selector: Selector, from: Json, excusing: boolean): Selection | null {
  let value: Json = from
  for (const step of selector.steps) {
    const next = follow(step, value)
    if (next === undefined && !(excusing && step.optional)) return null
    value = next ?? null
  }
  return { value, excused: value === null && excusing && selector.steps.at(-1)?.optional === true }
}

function follow(step: Step, value: Json): Json | undefined {
  if (step.kind === 'key') {
    return isMap(value) && Object.hasOwn(value, step.key) ? value[step.key] : undefined
  }
  if (step.kind === 'values') return valuesOf(value)
  if (!isList(value)) return undefined
  return step.kind === 'index' ? value.at(step.index) : value.slice(step.from, step.to)
}

/** The elements of a list, or of a map in the order of its keys, so that no encoding decides what `[0]` is. */
export function valuesOf(value: Json): readonly Json[] | undefined {
  if (isList(value)) return value
  if (!isMap(value)) return undefined
  return Object.keys(value)
    .sort()
    .map((key) => value[key] as Json)
}

export function isList(value: Json): value is readonly Json[] {
  return Array.isArray(value)
}

export function isMap(value: Json): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
