import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import type { Json } from '../../src/core/json.ts'
import { Malformed } from '../../src/core/malformed.ts'
import { parseSelector, select, selectorOf } from '../../src/core/selector.ts'

const VALUE: Json = { a: { 'b c': [10, 20, 30] }, n: null, t: 'text' }
const found = (text: string, excusing = true) => {
  const selection = select(parseSelector(text), VALUE, excusing)
  return selection === null ? 'nothing' : selection.value
}

test('each kind of step leads to its value', () => {
  assert.deepEqual(found('.'), VALUE)
  assert.equal(found('.t'), 'text')
  assert.equal(found('.["t"]'), 'text')
  assert.deepEqual(found('.a["b c"]'), [10, 20, 30])
  assert.equal(found('.a["b c"][0]'), 10)
  assert.equal(found('.a["b c"].[-1]'), 30)
  assert.deepEqual(found('.a["b c"][1:]'), [20, 30])
  assert.deepEqual(found('.a["b c"][:-1]'), [10, 20])
  assert.deepEqual(found('.a[]'), [[10, 20, 30]])
  assert.equal(found('.n'), null)
})

test('what is not there is nothing, and is not null', () => {
  for (const text of ['.x', '.t.x', '.t[0]', '.a["b c"][3]', '.a["b c"][-4]', '.t[]', '.t[0:1]']) {
    assert.equal(found(text), 'nothing', text)
  }
})

test('no inherited property is ever found', () => {
  for (const key of ['__proto__', 'constructor', 'toString', 'length']) {
    assert.equal(found(`.${key}`), 'nothing', key)
    assert.equal(found(`.a["b c"].${key}`), 'nothing', key)
  }
})

test('an optional step finds null in place of nothing, unless nothing may be excused', () => {
  assert.equal(found('.x?'), null)
  assert.equal(found('.x?.y?'), null)
  assert.equal(found('.x?.y'), 'nothing')
  assert.equal(found('.x?', false), 'nothing')
  assert.equal(select(parseSelector('.x?'), VALUE, true)?.excused, true)
  assert.equal(select(parseSelector('.t?'), VALUE, true)?.excused, false)
  assert.equal(select(parseSelector('.n'), VALUE, true)?.excused, false)
})

test('values of a map come in the order of its keys, whatever the order they were written in', () => {
  const [a, b] = [{ m: { b: 1, a: 2, 10: 3 } }, { m: { 10: 3, a: 2, b: 1 } }]
  for (const value of [a, b]) {
    assert.deepEqual(select(parseSelector('.m[]'), value, false)?.value, [3, 2, 1])
  }
})

test('what is no selector is malformed', () => {
  const bad = [
    '',
    'a',
    '..',
    '.a.',
    '.a..b',
    '.a b',
    '.a[',
    '.a]',
    '.a["b]',
    '.a[x]',
    '.a[1',
    '.a??',
    '.-',
    '.a["\\x"]',
    '.["\\ud800"]',
    '.1',
    '.a[1:2:3]',
    '.?',
  ]
  for (const text of bad) assert.throws(() => parseSelector(text), Malformed, text)
})

test('a path of keys becomes a selector that finds its value', () => {
  fc.assert(
    fc.property(
      fc.array(fc.string({ unit: 'grapheme' }), { minLength: 1, maxLength: 4 }),
      (keys) => {
        let value: Json = 'found'
        for (const key of keys.toReversed()) value = Object.fromEntries([[key, value]])
        assert.equal(select(selectorOf(...keys), value, false)?.value, 'found')
      },
    ),
  )
})
