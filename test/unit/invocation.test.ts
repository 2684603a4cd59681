import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { atlas, link, NOW_S, person } from '../../scripts/vectors/tokens.ts'
import {
  type InvocationFields,
  prepare,
  prepareAgain,
  signInvocation,
} from '../../src/core/closing.ts'
import { parseDelegation } from '../../src/core/delegation.ts'
import { parseInvocation } from '../../src/core/invocation.ts'
import { Malformed } from '../../src/core/malformed.ts'

const fields: InvocationFields = {
  aud: atlas.did,
  sub: person(0).did,
  asked: {
    action: 'tool:read',
    resource: { type: 'repo', id: 'acme/docs' },
    subject: { type: 'user', id: 'ann' },
    args: { path: '/srv/a', ratio: 0.5, list: [1, null, true] },
  },
  prf: [parseDelegation(link(0)).cid],
  nonce: new Uint8Array(12),
  expS: NOW_S + 60,
  iatS: NOW_S,
  cause: `sha256:${'0a'.repeat(32)}`,
  meta: { gov: { ticket: 'CHG-1' } },
}

const withoutPrototypes = (value: unknown) => JSON.parse(JSON.stringify(value))

test('what is signed is read back', () => {
  const read = parseInvocation(signInvocation(fields, person(1)))
  assert.equal(read.iss, person(1).did)
  assert.equal(read.cmd, '/tool/read')
  assert.equal(read.cause, fields.cause)
  assert.deepEqual(read.prf, fields.prf)
  assert.deepEqual(withoutPrototypes(read.asked), fields.asked)
  assert.deepEqual(withoutPrototypes(read.args), fields.asked)
  assert.deepEqual(withoutPrototypes(read.meta), fields.meta)
  assert.deepEqual([read.expS, read.iatS], [fields.expS, fields.iatS])
})

test('asked again with another nonce, the message is what would be printed from the beginning', () => {
  const some = fc.record({
    nonce: fc.uint8Array({ minLength: 12, maxLength: 12 }),
    other: fc.uint8Array({ minLength: 12, maxLength: 12 }),
    expS: fc.integer({ min: 0, max: 2 ** 33 }),
    iatS: fc.constantFrom(null, NOW_S),
    cause: fc.constantFrom(null, fields.cause),
    meta: fc.constantFrom({}, fields.meta, { zz: 1, aaaaa: 2 }),
    args: fc.dictionary(fc.string(), fc.oneof(fc.string(), fc.boolean(), fc.integer())),
  })
  fc.assert(
    fc.property(some, ({ other, args, ...rest }) => {
      const given = { ...fields, ...rest, asked: { ...fields.asked, args } }
      const first = prepare(given, person(1).did)
      const again = prepareAgain(first, other)
      assert.deepEqual(again, prepare({ ...given, nonce: other }, person(1).did))
      assert.deepEqual(first, prepare(given, person(1).did), 'the last one stays as it was')
    }),
  )
})

test('subject, iat, cause and meta may be left out', () => {
  const few = {
    ...fields,
    asked: { ...fields.asked, subject: null },
    iatS: null,
    cause: null,
    meta: {},
  }
  const read = parseInvocation(signInvocation(few, person(1)))
  assert.deepEqual([read.asked.subject, read.iatS, read.cause], [null, null, null])
})

test('what would not be read is not signed', () => {
  const asked = (more: object) => ({ asked: { ...fields.asked, ...more } })
  const bad: object[] = [
    { expS: NOW_S + 301 },
    { prf: [] },
    { prf: [...fields.prf, ...fields.prf] },
    { meta: { once: true } },
    asked({ action: 'tool:*' }),
    asked({ args: { meshd: {} } }),
    asked({ resource: { type: 'repo', id: '*' } }),
    asked({ subject: { type: 'user', id: '' } }),
    asked({ args: { n: 2 ** 53 } }),
  ]
  for (const each of bad) {
    assert.throws(() => signInvocation({ ...fields, ...each }, person(1)), Malformed)
  }
})

test('a key of an argument that means something to JavaScript is only a key', () => {
  const args = JSON.parse('{"__proto__": {"a": 1}, "constructor": 2}')
  const read = parseInvocation(
    signInvocation({ ...fields, asked: { ...fields.asked, args } }, person(1)),
  )
  assert.deepEqual(Object.keys(read.asked.args).sort(), ['__proto__', 'constructor'])
  assert.equal(Object.getPrototypeOf(read.asked.args), null)
})
