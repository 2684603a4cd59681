import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { utf8 } from '../../src/core/bytes.ts'
import {
  formatJson,
  type Json,
  jsonBytes,
  parseCanonical,
  parseJson,
  printOnce,
} from '../../src/core/json.ts'
import { NESTING_MAX } from '../../src/core/limits.ts'
import { Malformed } from '../../src/core/malformed.ts'
import { row } from '../lab/row.ts'

const MAX = 1 << 20
const read = (text: string) => parseJson(utf8(text), MAX)
const nested = (depth: number) => '['.repeat(depth) + ']'.repeat(depth)
/** The same with ordinary prototypes, so that deepEqual compares contents alone. */
const plain = (value: Json) => structuredClone(value)

const number = fc.oneof(
  fc.maxSafeInteger().filter((n) => !Object.is(n, -0)),
  fc.double({ noNaN: true, noDefaultInfinity: true }).filter((n) => !Number.isInteger(n)),
)
const key = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 4 }),
  fc.constantFrom('__proto__', 'constructor', '10', '9', 'b', ''),
)
const { value } = fc.letrec<{ value: Json }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 5, withCrossShrink: true },
    fc.constantFrom(null, true, false),
    number,
    fc.string({ unit: 'binary', maxLength: 12 }),
    fc.array(tie('value'), { maxLength: 5 }),
    fc
      .array(fc.tuple(key, tie('value')), { maxLength: 5 })
      .map((entries): Json => Object.fromEntries(entries)),
  ),
}))

test('what is printed is read back, and printed the same again', () => {
  fc.assert(
    fc.property(value, (v) => {
      const bytes = utf8(formatJson(v))
      const back = parseCanonical(bytes, MAX)
      assert.deepEqual(plain(back), plain(v))
      assert.equal(formatJson(back), formatJson(v))
    }),
  )
})

test('printing is what JSON.stringify would give, were its keys sorted', () => {
  const sorted = (v: unknown): unknown => {
    if (Array.isArray(v)) return `[${v.map(sorted).join(',')}]`
    if (typeof v !== 'object' || v === null) return JSON.stringify(v)
    const fields = Object.entries(v).sort(([a], [b]) => (a < b ? -1 : 1))
    return `{${fields.map(([k, each]) => `${JSON.stringify(k)}:${sorted(each)}`).join(',')}}`
  }
  fc.assert(fc.property(value, (v) => assert.equal(formatJson(v), sorted(v))))
})

/** Prints some of its parts beforehand, as the bits say. */
function printSome(v: Json, bits: { left: number }): Json {
  if (typeof v !== 'object' || v === null) return v
  const now = bits.left & 1
  bits.left >>>= 1
  for (const each of Object.values(v)) printSome(each, bits)
  return now === 1 ? printOnce(v) : v
}

test('what of it was printed before changes neither its text nor its bytes', () => {
  fc.assert(
    fc.property(value, fc.nat(2 ** 30), (v, bits) => {
      const text = formatJson(v)
      printSome(v, { left: bits })
      assert.equal(formatJson(v), text)
      assert.deepEqual(jsonBytes(v), utf8(text))
      assert.deepEqual(jsonBytes([v, v, text]), utf8(formatJson([v, v, text])))
    }),
  )
})

test('bytes are as many as it takes, and nobody else’s', () => {
  const part = printOnce(['π'.repeat(9_000)])
  const long = { a: part, b: 'π'.repeat(30_000), c: part }
  const bytes = jsonBytes(long)
  assert.deepEqual(bytes, utf8(formatJson(long)))
  const kept = bytes.slice()
  jsonBytes({ a: 'x'.repeat(100_000) })
  jsonBytes(['x'.repeat(10_000)])
  assert.deepEqual(bytes, kept)
})

test('what was printed before is not nested deeper by where it stands', () => {
  let deep: readonly Json[] = []
  for (let i = 1; i < NESTING_MAX; i += 1) deep = [deep]
  printOnce(deep)
  assert.equal(formatJson(deep).length, 2 * NESTING_MAX)
  assert.throws(() => formatJson([deep]))
  assert.throws(() => jsonBytes({ deep }))
})

test('canonical is what is printed, and no other spelling of it', () => {
  const spelled = fc.oneof(
    value.map((v) => JSON.stringify(v)),
    value.map((v) => JSON.stringify(v, null, 1)),
    value.map((v) => ` ${formatJson(v)}`),
    value.map((v) => formatJson(v).replace(/[a-z]/, (c) => `\\u00${c.charCodeAt(0).toString(16)}`)),
    ...['1e3', '1.50', '1E5', '-1', '"\\/"', '"\\u001F"', '"\\u001f"', '"\\t"', '"\u2028"'].map(
      fc.constant,
    ),
    ...['{"b":1,"a":2}', '{"10":1,"9":2}', '{"a":1, "b":2}', '[1 ]'].map(fc.constant),
  )
  fc.assert(
    fc.property(spelled, (text) => {
      let value: Json
      try {
        value = read(text)
      } catch (error) {
        assert.ok(error instanceof Malformed, String(error))
        return
      }
      if (formatJson(value) === text) parseCanonical(utf8(text), MAX)
      else assert.throws(() => parseCanonical(utf8(text), MAX), /not canonical/)
    }),
    { numRuns: 2000 },
  )
})

test('a byte changed anywhere gives another value, or Malformed, and never another failure', () => {
  const change = fc.tuple(value, fc.nat(), fc.nat(255))
  fc.assert(
    fc.property(change, ([v, place, byte]) => {
      const bytes = utf8(formatJson(v))
      const at = place % bytes.length
      fc.pre(bytes[at] !== byte)
      bytes[at] = byte
      try {
        const other = parseCanonical(bytes, MAX)
        assert.notEqual(formatJson(other), formatJson(v))
      } catch (error) {
        assert.ok(error instanceof Malformed, String(error))
      }
    }),
    { numRuns: 2000 },
  )
})

test('what is accepted, JSON.parse reads alike; what it accepts besides is refused by name', (t) => {
  const pieces = fc.constantFrom(
    ...['{', '}', '[', ']', ':', ',', '"a"', '"b"', '"\\ud800"', '"\\u0041"', '"\\x"', ' ', '\n'],
    ...[
      '1',
      '-0',
      '0.5',
      '01',
      '1e2',
      '1e999',
      '9007199254740993',
      '-',
      'true',
      'null',
      'nul',
      '\u00a0',
    ],
    ...['{"a":1}', '{"a":1,"a":1}', '[1,2]', '[1,]', '"\t"', '/**/', 'NaN', '\ufeff'],
  )
  const strict = /there twice|not exact|minus zero|surrogate|byte order mark/
  fc.assert(
    fc.property(fc.array(pieces, { maxLength: 9 }), (parts) => {
      const text = parts.join('')
      const expected = attempt(() => JSON.parse(text))
      const got = attempt(() => plain(read(text)))
      if (!('error' in got)) assert.deepEqual(got, expected, text)
      else if (!('error' in expected)) assert.match(got.error.message, strict, text)
      if ('error' in got) assert.ok(got.error instanceof Malformed)
    }),
    { numRuns: 5000 },
  )
  row(t, 83, '0 with a second meaning')
})

function attempt(run: () => unknown): { value: unknown } | { error: Error } {
  try {
    return { value: run() }
  } catch (error) {
    return { error: error as Error }
  }
}

test('objects have no prototype, and keys with a meaning in the language are keys', (t) => {
  const object = read('{"__proto__":{"admin":true},"constructor":1}') as Record<string, Json>
  assert.equal(Object.getPrototypeOf(object), null)
  assert.deepEqual(Object.keys(object), ['__proto__', 'constructor'])
  assert.equal(object['admin'], undefined)
  assert.throws(() => read('{"__proto__":1,"__proto__":2}'), /there twice/)
  assert.equal(formatJson(object), '{"__proto__":{"admin":true},"constructor":1}')
  row(t, 86, '0 prototypes changed')
})

test('nesting ends at its bound, whatever the stack', () => {
  assert.equal(formatJson(read(nested(NESTING_MAX))), nested(NESTING_MAX))
  assert.throws(() => read(nested(NESTING_MAX + 1)), /nested too deeply/)
  assert.throws(() => read('['.repeat(200_000)), /nested too deeply/)
  assert.throws(() => read('{"a":'.repeat(NESTING_MAX + 1)), /nested too deeply/)
  assert.throws(() => parseJson(utf8(nested(9)), MAX, 8), /nested too deeply/)
  assert.equal(JSON.stringify(read('[[],[[]],[],[]]')), '[[],[[]],[],[]]')
})

test('size is bounded before anything is read', () => {
  const text = utf8(`"${'a'.repeat(98)}"`)
  assert.equal(parseJson(text, 100), 'a'.repeat(98))
  assert.throws(() => parseJson(text, 99), /larger than 99 bytes/)
})

test('what could not be read again is not printed', () => {
  let deep: Json = []
  for (let i = 0; i < NESTING_MAX; i++) deep = [deep]
  const unprintable = [Number.NaN, Infinity, 2 ** 53, 1e300, '\ud800', { '\udc00': 1 }, deep]
  for (const each of unprintable) assert.throws(() => formatJson(each), { name: 'Bug' })
  assert.equal(formatJson(-0), '0')
})

test('messages are one lowercase line and do not repeat the input', () => {
  for (const text of [
    '{"secret":tru}',
    '"secret',
    '[1 2]',
    '{"secret" 1}',
    '{secret:1}',
    '',
    '"\\q"',
  ])
    assert.throws(() => read(text), { name: 'Malformed', message: /^[a-z][a-z ,]*\d+$/ }, text)
})
