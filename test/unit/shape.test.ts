import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { toBase64, utf8 } from '../../src/core/bytes.ts'
import { cidOf, idOf } from '../../src/core/id.ts'
import { type Json, parseJson } from '../../src/core/json.ts'
import { signerOf } from '../../src/core/keys.ts'
import { Malformed } from '../../src/core/malformed.ts'
import * as shape from '../../src/core/shape.ts'

const member = shape.object({
  name: shape.name,
  kind: shape.literal('node', 'key', 7),
  expires: shape.time,
  keys: shape.list(shape.object({ id: shape.id, note: shape.optional(shape.text(8)) }), 2),
  labels: shape.map(shape.text(16), 2),
  previous: shape.nullable(shape.id),
  witness: shape.optional(shape.flag),
})
const id = idOf(utf8(''))
const good = {
  name: 'atlas',
  kind: 'node',
  expires: '2026-11-24T14:03:10.000Z',
  keys: [{ id }, { id, note: 'spare' }],
  labels: { b: '2', 10: '1' },
  previous: null,
}
const read = (change: object) => {
  return member(parseJson(utf8(JSON.stringify({ ...good, ...change })), 1 << 16), 'member')
}

test('a value is read into its type, and what is absent stays absent', () => {
  // The annotation is part of the test: this is the type that object() infers.
  const value: {
    readonly name: string
    readonly kind: 'node' | 'key' | 7
    readonly expires: number
    readonly keys: readonly { readonly id: `sha256:${string}`; readonly note?: string }[]
    readonly labels: ReadonlyMap<string, string>
    readonly previous: `sha256:${string}` | null
    readonly witness?: boolean
  } = read({})
  assert.deepEqual(value, {
    ...good,
    expires: Date.UTC(2026, 10, 24, 14, 3, 10),
    labels: new Map([
      ['10', '1'],
      ['b', '2'],
    ]),
  })
  assert.ok(!('witness' in value))
  assert.equal(read({ witness: false }).witness, false)
})

test('a field that is optional cannot be read as one that is there', () => {
  // @ts-expect-error the type says that it may be absent
  const witness: boolean = read({}).witness
  assert.equal(witness, undefined)
})

test('what is wrong is named with its place', () => {
  const cases: [object, RegExp][] = [
    [{ extra: 1 }, /^member\.`extra`: unknown field$/],
    [{ toString: 1 }, /^member\.`toString`: unknown field$/],
    [{ 'a\nb': 1 }, /^member\.`a\?b`: unknown field$/],
    [{ name: undefined }, /^member\.name: must be a name/],
    [{ name: '-atlas' }, /^member\.name: /],
    [{ name: 'at las' }, /^member\.name: /],
    [{ name: 'a'.repeat(65) }, /^member\.name: /],
    [{ name: 'аtlas' }, /^member\.name: /], // a Cyrillic letter
    [{ name: 'atlas\n' }, /^member\.name: /],
    [{ kind: 'nodes' }, /^member\.kind: must be `node` or `key` or `7`$/],
    [{ kind: '7' }, /^member\.kind: /],
    [{ expires: '2026-11-24T14:03:10Z' }, /^member\.expires: must be a time/],
    [{ expires: 5 }, /^member\.expires: /],
    [{ keys: {} }, /^member\.keys: must be a list$/],
    [{ keys: [{ id }, { id }, { id }] }, /^member\.keys: must be a list of at most 2$/],
    [{ keys: [{ id }, { id: 'x' }] }, /^member\.keys\[1\]\.id: must be `sha256:`/],
    [{ keys: [{ id, note: 'ninebytes' }] }, /^member\.keys\[0\]\.note: must be at most 8 bytes$/],
    [{ keys: [{ id, note: 'ééééé' }] }, /^member\.keys\[0\]\.note: must be at most 8 bytes$/],
    [{ keys: [{ id, note: null }] }, /^member\.keys\[0\]\.note: must be a text$/],
    [{ labels: [] }, /^member\.labels: must be an object$/],
    [
      { labels: { a: '', b: '', c: '' } },
      /^member\.labels: must be an object of at most 2 fields$/,
    ],
    [{ labels: { a: 1 } }, /^member\.labels\.`a`: must be a text$/],
    [{ previous: undefined }, /^member\.previous: /],
    [{ previous: '' }, /^member\.previous: /],
    [{ witness: 'yes' }, /^member\.witness: must be true or false$/],
  ]
  for (const [change, message] of cases)
    assert.throws(() => read(change), { name: 'Malformed', message }, JSON.stringify(change))
  for (const value of [null, 1, 'x', [], undefined])
    assert.throws(() => member(value, 'member'), /^Malformed: member: must be an object$/)
})

test('a whole number has two ends, and fractions and texts are none', () => {
  const port = shape.integer(1, 3)
  assert.deepEqual(
    [1, 2, 3].map((n) => port(n, 'port')),
    [1, 2, 3],
  )
  for (const value of [0, 4, 1.5, '2', null, undefined, Number.NaN])
    assert.throws(
      () => port(value, 'port'),
      /^Malformed: port: must be a whole number from 1 to 3$/,
    )
})

test('a time has one spelling', () => {
  const ms = fc.integer({ min: 0, max: Date.UTC(9999, 11, 31, 23, 59, 59, 999) })
  fc.assert(fc.property(ms, (at) => assert.equal(shape.time(shape.formatTime(at), 't'), at)))
  const others = ['2026-11-24', '2026-11-24T14:03:10.000+00:00', '2026-11-24t14:03:10.000z']
  const absent = [
    '2026-02-30T00:00:00.000Z',
    '2026-11-24T24:00:00.000Z',
    '1969-12-31T23:59:59.999Z',
  ]
  const odd = [
    '',
    ' 2026-11-24T14:03:10.000Z',
    '+010000-01-01T00:00:00.000Z',
    '2026-11-24T14:03:10.0000Z',
  ]
  for (const text of [...others, ...absent, ...odd])
    assert.throws(() => shape.time(text, 't'), Malformed, text)
})

test('ids, keys and bytes are read in their canonical text alone', () => {
  const { did } = signerOf(new Uint8Array(32))
  const cid = cidOf(utf8(''))
  assert.equal(shape.did(did, 'key'), did)
  assert.equal(shape.cid(cid, 'link'), cid)
  assert.deepEqual(shape.base64(toBase64(utf8('abc')), 'bytes'), utf8('abc'))
  assert.throws(() => shape.did(`${did}x`, 'key'), /^Malformed: key: a key is written/)
  assert.throws(() => shape.base64('YWJ', 'bytes'), /^Malformed: bytes: a text is not canonical/)
  const readers: shape.Reader<unknown>[] = [shape.did, shape.cid, shape.base64, shape.id]
  for (const reader of readers)
    for (const value of ['!', 1, null, undefined])
      assert.throws(() => reader(value, 'x'), Malformed)
})

test('anything is at least something', () => {
  assert.equal(shape.any(null, 'x'), null)
  assert.throws(() => shape.any(undefined, 'x'), /^Malformed: x: missing$/)
})

test('no value makes a reader fail otherwise than with Malformed', () => {
  fc.assert(
    fc.property(fc.jsonValue(), (value) => {
      assert.throws(() => member(value as Json, 'member'), Malformed)
    }),
  )
})
