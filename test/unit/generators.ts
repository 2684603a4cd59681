/** Predicates and fact objects of a small world, so that they meet often. */
import fc from 'fast-check'
import type { Json } from '../../src/core/json.ts'

const scalar: fc.Arbitrary<Json> = fc.constantFrom<Json[]>(
  'a',
  'ab',
  'b',
  '',
  0,
  1,
  1.5,
  true,
  null,
)
const value: fc.Arbitrary<Json> = fc.oneof(
  { weight: 4, arbitrary: scalar },
  fc.array(scalar, { maxLength: 2 }),
  fc.dictionary(fc.constantFrom('p', 'q'), scalar, { maxKeys: 2 }),
)

/** What is asked, and facts, each of them now and then missing. */
export const views: fc.Arbitrary<Json> = fc.record({
  action: fc.constantFrom('a', 'a:b', 'a:bc', 'a:b:c', 'b'),
  args: fc.dictionary(fc.constantFrom('p', 'q', 'r'), value, { maxKeys: 3 }),
  meshd: fc.record({
    runtime: fc.record({ p: value, q: value }, { requiredKeys: [] }),
    env: fc.record({ p: value, q: value }, { requiredKeys: [] }),
    gov: fc.record({ p: value }, { requiredKeys: [] }),
  }),
}) as fc.Arbitrary<Json>

const roots = ['.args', '.args', '.args', '.meshd.runtime', '.meshd.env', '.meshd.gov']
const key = fc.tuple(fc.constantFrom('p', 'q', 'r'), fc.constantFrom('', '', '?'))

function selectors(top: boolean): fc.Arbitrary<string> {
  const below = fc.array(key, { minLength: top ? 1 : 0, maxLength: 2 })
  return fc.tuple(top ? fc.constantFrom(...roots) : fc.constant(''), below).map(([root, keys]) => {
    return `${root}${keys.map(([name, mark]) => `.${name}${mark}`).join('')}` || '.'
  })
}

function leaves(top: boolean): fc.Arbitrary<Json> {
  const selector = selectors(top)
  return fc.oneof(
    { weight: 3, arbitrary: fc.tuple(fc.constantFrom('==', '!='), selector, value) },
    fc.tuple(fc.constantFrom('<', '<=', '>', '>='), selector, fc.constantFrom(0, 1, 1.5)),
    fc.tuple(fc.constant('like'), selector, fc.constantFrom('a', 'a*', '*', '*b', '')),
  ) as fc.Arbitrary<Json>
}

/** @param top whether selectors begin at the request and the facts, or at an element */
export function predicates(top: boolean, depth = 3): fc.Arbitrary<Json> {
  if (depth <= 1) return leaves(top)
  const inner = predicates(top, depth - 1)
  const list = fc.array(inner, { minLength: 1, maxLength: 3 })
  return fc.oneof(
    { weight: 3, arbitrary: leaves(top) },
    fc.tuple(fc.constantFrom('and', 'or'), list),
    fc.tuple(fc.constant('not'), inner),
    fc.tuple(fc.constantFrom('all', 'any'), selectors(top), predicates(false, depth - 1)),
  ) as fc.Arbitrary<Json>
}

export const policies: fc.Arbitrary<Json[]> = fc.array(predicates(true), { maxLength: 3 })
