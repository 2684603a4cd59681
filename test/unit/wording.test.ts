import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { person } from '../../scripts/vectors/tokens.ts'
import { span, who } from '../../src/core/checks/wording.ts'

test('a span of time is its two largest units', () => {
  for (const [ms, text] of [
    [0, '0 s'],
    [-5, '0 s'],
    [450, '0.4 s'],
    [9_999, '9.9 s'],
    [42_000, '42 s'],
    [235_900, '3 min 55 s'],
    [3_600_000, '1 h'],
    [3_605_000, '1 h'],
    [90_061_000, '1 d 1 h'],
    [172_800_000, '2 d'],
  ] as const) {
    assert.equal(span(ms), text)
  }
  fc.assert(
    fc.property(fc.nat(), (ms) => /^\d+(\.\d)? (d|h|min|s)( \d+ (h|min|s))?$/.test(span(ms))),
  )
})

test('a key is called by its name, or by its two ends', () => {
  const { did } = person(0)
  assert.equal(
    who(did, () => 'planner'),
    'planner',
  )
  assert.match(
    who(did, () => null),
    /^did:key:z6Mk..….{4}$/,
  )
})
