import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { CID } from 'multiformats/cid'
import { concat, fromHex, toHex, utf8 } from '../../src/core/bytes.ts'
import { decodeCbor, encodeCbor } from '../../src/core/cbor.ts'
import { cidBytes, cidOf } from '../../src/core/id.ts'
import { NESTING_MAX } from '../../src/core/limits.ts'
import { Malformed } from '../../src/core/malformed.ts'
import { row } from '../lab/row.ts'

const MAX = 1 << 20
const read = (hex: string) => decodeCbor(fromHex(hex), MAX)

const { value } = fc.letrec<{ value: unknown }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 5, withCrossShrink: true },
    fc.constantFrom(null, true, false),
    fc.maxSafeInteger().map((n) => n + 0),
    fc.double({ noNaN: true, noDefaultInfinity: true }).filter((n) => !Object.is(n, -0)),
    fc.string({ unit: 'grapheme', maxLength: 8 }),
    fc.uint8Array({ maxLength: 8 }),
    fc.uint8Array({ maxLength: 4 }).map((bytes) => CID.decode(cidBytes(cidOf(bytes)))),
    fc.array(tie('value'), { maxLength: 4 }),
    fc.dictionary(fc.string({ maxLength: 4 }), tie('value'), { maxKeys: 4, noNullPrototype: true }),
  ),
}))

test('what is encoded is decoded to the same, links and bytes included', () => {
  fc.assert(
    fc.property(value, (v) => {
      const bytes = encodeCbor(v)
      assert.equal(toHex(encodeCbor(decodeCbor(bytes, MAX))), toHex(bytes))
      assert.deepEqual(decodeCbor(bytes, MAX), v)
    }),
  )
})

test('a byte changed anywhere gives other canonical bytes, or Malformed', () => {
  fc.assert(
    fc.property(value, fc.nat(), fc.nat(255), (v, place, byte) => {
      const bytes = encodeCbor(v).slice()
      bytes[place % bytes.length] = byte
      try {
        assert.equal(toHex(encodeCbor(decodeCbor(bytes, MAX))), toHex(bytes))
      } catch (error) {
        assert.ok(error instanceof Malformed, String(error))
      }
    }),
    { numRuns: 2000 },
  )
})

test('bytes from nowhere are canonical, or Malformed', (t) => {
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 1, maxLength: 24 }), (bytes) => {
      try {
        assert.equal(toHex(encodeCbor(decodeCbor(bytes, MAX))), toHex(bytes))
      } catch (error) {
        assert.ok(error instanceof Malformed, String(error))
      }
    }),
    { numRuns: 5000 },
  )
  row(t, 84, '0 second spellings')
})

test('nesting ends at its bound, whatever the stack', (t) => {
  const lists = (depth: number) => `${'81'.repeat(depth - 1)}80`
  assert.ok(Array.isArray(read(lists(NESTING_MAX))))
  assert.throws(() => read(lists(NESTING_MAX + 1)), /nested too deeply/)
  assert.throws(() => read('81'.repeat(100_000)), /nested too deeply/)
  assert.throws(() => read('a16161'.repeat(100_000)), /nested too deeply/)
  assert.throws(() => read('d82a'.repeat(100_000)), /nested too deeply/)
  assert.ok(Array.isArray(read(`98ff${'80'.repeat(255)}`)))
  row(t, 84, '0 stacks overflown')
})

test('a length is believed only as far as there are bytes', () => {
  const huge = ['9bffffffffffffffff', 'bbffffffffffffffff', '5bffffffffffffffff', '7affffffff']
  for (const hex of [...huge, '9affffffff80', '581f00', '62e2', '19', ''])
    assert.throws(() => read(hex), /ends too early/, hex)
})

test('size is bounded before anything is read', () => {
  assert.equal(decodeCbor(encodeCbor('abc'), 4), 'abc')
  assert.throws(() => decodeCbor(encodeCbor('abc'), 3), /larger than 3 bytes/)
})

test('keys with a meaning in the language are keys', (t) => {
  const bytes = concat(fromHex('a1'), encodeCbor('__proto__'), encodeCbor({ admin: true }))
  const map = decodeCbor(bytes, MAX) as Record<string, unknown>
  assert.deepEqual(Object.keys(map), ['__proto__'])
  assert.equal(map['admin'], undefined)
  // A map that poses as a link is a map, or nothing.
  const posing = encodeCbor({ '/': 1, bytes: 2, code: 0x71, version: 1 })
  assert.deepEqual(decodeCbor(posing, MAX), { '/': 1, bytes: 2, code: 0x71, version: 1 })
  const worse = concat(fromHex('a2'), utf8('a/'), fromHex('01'), utf8('ebytes'), fromHex('01'))
  assert.throws(() => decodeCbor(worse, MAX), Malformed)
  row(t, 86, '0 prototypes changed')
})

test('a view in the middle of a buffer is read alone', () => {
  const whole = fromHex('ff8101ff')
  assert.deepEqual(decodeCbor(whole.subarray(1, 3), MAX), [1])
})
