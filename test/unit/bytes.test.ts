import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import * as bytes from '../../src/core/bytes.ts'
import { Malformed } from '../../src/core/malformed.ts'

const codecs = [
  { name: 'hex', to: bytes.toHex, from: bytes.fromHex },
  { name: 'base64', to: bytes.toBase64, from: bytes.fromBase64 },
  { name: 'base64url', to: bytes.toBase64Url, from: bytes.fromBase64Url },
]
// Some of them are longer than what is read character by character.
const anyBytes = fc.uint8Array({ maxLength: 160, size: 'max' })

for (const { name, to, from } of codecs) {
  test(`what is printed in ${name} is read back, as plain bytes`, () => {
    fc.assert(fc.property(anyBytes, (b) => assert.deepEqual(from(to(b)), b)))
    // deepEqual sees the difference between a Buffer and a Uint8Array.
    assert.equal(Object.getPrototypeOf(from('')), Uint8Array.prototype)
  })

  test(`a text that is read in ${name} is the one that would be printed`, () => {
    const near = fc.string({
      unit: fc.constantFrom(...'ABQgwxYZabcdef0189+/-_= \n.é'),
      maxLength: 9,
    })
    fc.assert(
      fc.property(near, (text) => {
        try {
          assert.equal(to(from(text)), text)
        } catch (error) {
          assert.ok(error instanceof Malformed, String(error))
        }
      }),
    )
  })
}

test('a view in the middle of a buffer prints its own bytes alone', () => {
  const view = Uint8Array.of(1, 2, 3, 4).subarray(1, 3)
  assert.equal(bytes.toHex(view), '0203')
  assert.equal(bytes.toBase64(view), 'AgM=')
})

test('each text of bytes has one spelling', () => {
  const refused: [(text: string) => unknown, string][] = [
    [bytes.fromHex, 'AB'],
    [bytes.fromHex, 'abc'],
    [bytes.fromHex, '0x'],
    [bytes.fromHex, 'zz'],
    [bytes.fromBase64, 'AQ'],
    [bytes.fromBase64, 'AR=='],
    [bytes.fromBase64, 'AQ==\n'],
    [bytes.fromBase64, ' AQ=='],
    [bytes.fromBase64, '_w=='],
    [bytes.fromBase64Url, 'AQ=='],
    [bytes.fromBase64Url, '/w'],
    [bytes.fromBase64Url, 'AR'],
  ]
  for (const [from, text] of refused) assert.throws(() => from(text), Malformed, text)
})

test('parts are put together in order', () => {
  fc.assert(
    fc.property(fc.array(anyBytes), (parts) => {
      assert.deepEqual(bytes.concat(...parts), Uint8Array.from(parts.flatMap((p) => [...p])))
    }),
  )
})

test('bytes compare as their hex does, and are equal only to themselves', () => {
  fc.assert(
    fc.property(anyBytes, anyBytes, (a, b) => {
      const [x, y] = [bytes.toHex(a), bytes.toHex(b)]
      assert.equal(Math.sign(bytes.compareBytes(a, b)), x < y ? -1 : x > y ? 1 : 0)
      assert.equal(bytes.equalBytes(a, b), x === y)
      assert.ok(bytes.equalBytes(a, a.slice()))
    }),
  )
  assert.equal(bytes.equalBytes(Uint8Array.of(1), Uint8Array.of(1, 0)), false)
})

test('text survives UTF-8, and nothing is replaced in silence', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), (text) => {
      fc.pre(!text.startsWith('\ufeff'))
      assert.equal(bytes.textOf(bytes.utf8(text)), text)
    }),
  )
  assert.throws(() => bytes.utf8('a\ud800'), Malformed)
  const refused = ['ff', 'c080', 'eda080', 'f4908080', 'e282', 'efbbbf7b7d']
  for (const hex of refused) assert.throws(() => bytes.textOf(bytes.fromHex(hex)), Malformed, hex)
})
