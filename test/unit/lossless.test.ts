import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { utf8 } from '../../src/core/bytes.ts'
import { isDigits, parseLossless, printLossless } from '../../src/core/lossless.ts'
import { Malformed } from '../../src/core/malformed.ts'

const read = (text: string) => parseLossless(utf8(text), 1 << 20, 16)

test('what is read is printed with the same numbers, in the same order', () => {
  for (const text of [
    '{"b":1,"a":[1267650600228229401496703205376,-0,1e999,-1E+400],"":{"x":null}}',
    '9007199254740993',
    '[true,false,"\\u2028",0.1,{"__proto__":1e21}]',
  ])
    assert.equal(printLossless(read(text)), text.replace('\\u2028', '\u2028'))
})

test('what a double holds is printed as it is, whatever its digits were', () => {
  assert.equal(printLossless(read('[1.0,2.50,1e2,0.1000000000000000055]')), '[1,2.5,100,0.1]')
})

test('any JSON that has one meaning comes back', () => {
  fc.assert(
    fc.property(fc.jsonValue({ maxDepth: 6 }), (value) => {
      const text = JSON.stringify(value)
      assert.equal(JSON.stringify(JSON.parse(printLossless(read(text)))), text)
    }),
  )
})

test('doubled keys, deep nesting, half of a pair: refused as everywhere', () => {
  for (const text of [
    '{"a":1,"a":1}',
    `${'['.repeat(17)}${']'.repeat(17)}`,
    '"\\ud800"',
    '1 2',
    '',
  ])
    assert.throws(() => read(text), Malformed, text)
})

test('sorted, equal values have one text', () => {
  const [a, b] = [read('{"b":{"y":1e21,"x":2},"a":1}'), read('{"a":1,"b":{"x":2,"y":1e21}}')]
  assert.equal(printLossless(a, true), '{"a":1,"b":{"x":2,"y":1e21}}')
  assert.equal(printLossless(a, true), printLossless(b, true))
})

test('a number that no double holds is no object', () => {
  assert.deepEqual(
    [isDigits(read('1e999')), isDigits(read('{}')), isDigits(read('7'))],
    [true, false, false],
  )
})
