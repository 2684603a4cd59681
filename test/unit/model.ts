/**
 * A small reference model of predicates, in the other style: exceptions
 * instead of a third value, and straight from the signed form.
 */
import { isDeepStrictEqual } from 'node:util'
import type { Json } from '../../src/core/json.ts'

class Void extends Error {}

type Map = Readonly<Record<string, Json>>

/** Whether all predicates hold on the view. */
export function modelHolds(policy: readonly Json[], view: Json): boolean {
  try {
    return policy.map((each) => truth(each, view, false)).every(Boolean)
  } catch (error) {
    if (error instanceof Void) return false
    throw error
  }
}

function truth(predicate: Json, value: Json, own: boolean): boolean {
  const [op, first, second] = predicate as [string, Json, Json]
  if (op === 'and') return (first as Json[]).map((each) => truth(each, value, own)).every(Boolean)
  if (op === 'or') return (first as Json[]).map((each) => truth(each, value, own)).some(Boolean)
  if (op === 'not') return !truth(first, value, own)
  const fact = own || String(first).startsWith('.meshd')
  const { at, excused } = lookUp(String(first), value, fact)
  if (op === 'all' || op === 'any') {
    if (typeof at !== 'object' || at === null) throw new Void()
    const truths = Object.values(at).map((each) => truth(second, each, fact))
    return op === 'all' ? truths.every(Boolean) : truths.some(Boolean)
  }
  return leaf(op, at, second, excused)
}

function leaf(op: string, at: Json, literal: Json, excused: boolean): boolean {
  if (op === '==' || op === '!=') {
    if (kind(at) !== kind(literal) && literal !== null && !excused) throw new Void()
    return isDeepStrictEqual(plain(at), plain(literal)) === (op === '==')
  }
  if (kind(at) !== (op === 'like' ? 'string' : 'number')) throw new Void()
  if (op === 'like') {
    const source = String(literal).split('*').map(RegExp.escape).join('.*')
    return new RegExp(`^${source}$`, 's').test(String(at))
  }
  const [a, b] = [Number(at), Number(literal)]
  return { '<': a < b, '<=': a <= b, '>': a > b, '>=': a >= b }[op] ?? false
}

/** Dotted keys alone, each with an optional `?`. */
function lookUp(text: string, from: Json, fact: boolean): { at: Json; excused: boolean } {
  let at = from
  let excused = false
  for (const step of text.split('.').filter((each) => each !== '')) {
    const key = step.replace('?', '')
    const optional = step.endsWith('?') && !fact
    const there = kind(at) === 'object' && Object.hasOwn(at as Map, key)
    if (!there && !optional) throw new Void()
    at = there ? ((at as Map)[key] as Json) : null
    excused = optional && at === null
  }
  return { at, excused }
}

function kind(value: Json): string {
  if (value === null) return 'null'
  return Array.isArray(value) ? 'list' : typeof value
}

/** Prototypes do not count. */
function plain(value: Json): unknown {
  return JSON.parse(JSON.stringify(value))
}
