import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { globCovers, globMatches, parseGlob } from '../../src/core/glob.ts'

const matches = (pattern: string, text: string) => globMatches(parseGlob(pattern), text)
const letters = (...units: string[]) =>
  fc.array(fc.constantFrom(...units), { maxLength: 7 }).map((parts) => parts.join(''))

test('stars stand for any text, and an escaped star for itself', () => {
  assert.ok(matches('acme/*', 'acme/docs/x'))
  assert.ok(matches('*', ''))
  assert.ok(matches('a*b*c', 'abbc'))
  assert.ok(!matches('a*bc*c', 'abc'))
  assert.ok(!matches('ab*ba', 'aba'))
  assert.ok(matches('\\*', '*'))
  assert.ok(!matches('\\*', 'x'))
  assert.ok(matches('a\\b', 'a\\b'))
})

test('a glob matches what the regular expression of it matches', () => {
  fc.assert(
    fc.property(
      letters('a', 'b', '*', '\\*', '\\'),
      letters('a', 'b', '*', '\\'),
      (pattern, text) => {
        const source = pattern.replace(/\\\*|\*|\\/g, (found) => {
          if (found === '*') return '.*'
          return found === '\\' ? '\\\\' : '\\*'
        })
        assert.equal(matches(pattern, text), new RegExp(`^${source}$`, 's').test(text), pattern)
      },
    ),
    { numRuns: 2000 },
  )
})

test('a glob that covers another matches all that the other matches', () => {
  fc.assert(
    fc.property(
      letters('a', 'b', '*'),
      letters('a', 'b', '*'),
      letters('a', 'b'),
      (outer, inner, text) => {
        fc.pre(globCovers(parseGlob(outer), parseGlob(inner)) && matches(inner, text))
        assert.ok(matches(outer, text))
      },
    ),
  )
  assert.ok(globCovers(parseGlob('acme/*'), parseGlob('acme/docs')))
  assert.ok(globCovers(parseGlob('acme/*'), parseGlob('acme/d*')))
  assert.ok(!globCovers(parseGlob('acme/d*'), parseGlob('acme/*')))
  assert.ok(!globCovers(parseGlob('acme'), parseGlob('*')))
})

test('a pattern of many stars takes no time', () => {
  const pattern = '*a'.repeat(20_000)
  const start = performance.now()
  assert.ok(!matches(`${pattern}b`, 'a'.repeat(60_000)))
  assert.ok(performance.now() - start < 1000)
})
