import assert from 'node:assert/strict'
import { test } from 'node:test'
import { inspect } from 'node:util'
import fc from 'fast-check'
import { close, type Fields, link, NOW_S, person } from '../../scripts/vectors/tokens.ts'
import {
  checkContinuity,
  checkForm,
  checkNarrowing,
  checkSignatures,
  checkTimes,
} from '../../src/core/chain.ts'
import { parseDelegation } from '../../src/core/delegation.ts'
import { parseInvocation } from '../../src/core/invocation.ts'
import { ARTIFACT_TTL_MS_MAX, TIME_S_MAX } from '../../src/core/limits.ts'
import { Malformed } from '../../src/core/malformed.ts'
import { depthLeft } from '../../src/core/scope.ts'
import { row } from '../lab/row.ts'

const tokens = [link(0), link(1), link(2)]
const links = tokens.map(parseDelegation)
const invocation = parseInvocation(close(tokens))
const bounds = { skewMs: 2000, artifactTtlMs: 86_400_000 }
const issuer = (key: string) => key === person(0).did

test('a good chain passes', () => {
  assert.equal(checkForm(links), null)
  assert.equal(checkSignatures(links, invocation, issuer), null)
  assert.equal(checkTimes(links, invocation, NOW_S * 1000, bounds), null)
  assert.equal(checkContinuity(links, invocation), null)
  assert.equal(checkNarrowing(links), null)
})

test('a chain without its invocation is checked as far as it goes', () => {
  assert.equal(checkSignatures(links, null, issuer), null)
  assert.equal(checkTimes(links, null, NOW_S * 1000, bounds), null)
  assert.equal(checkContinuity(links, null), null)
})

test('no links at all pass nothing', (t) => {
  assert.equal(checkForm([])?.code, 'AUTHORIZATION_MALFORMED')
  assert.equal(checkSignatures([], invocation, () => true)?.code, 'ISSUER_UNTRUSTED')
  assert.equal(checkContinuity([], invocation)?.code, 'LINEAGE_BROKEN')
  row(t, 87, '0 accepted')
})

test('a denial in check 1 or 2 repeats nothing that the token says', () => {
  const forged = parseDelegation(link(0, {}, person(3)))
  const denials = [
    checkSignatures([forged], null, issuer),
    checkSignatures(links, invocation, () => false),
    checkForm([parseDelegation(link(0, { meta: { once: true } }))]),
  ]
  for (const denial of denials) {
    assert.ok(denial !== null)
    assert.doesNotMatch(denial.detail, /did:|tool|acme|bafy/, denial.detail)
  }
})

test('any link taken out, doubled or moved breaks the chain', (t) => {
  fc.assert(
    fc.property(fc.array(fc.constantFrom(...links), { maxLength: 4 }), (some) => {
      const whole = some.length === 3 && some.every((each, i) => each === links[i])
      assert.equal(checkContinuity(some, invocation) === null, whole)
    }),
  )
  row(t, 87, '0 chains accepted')
})

test('the window of a chain is where all its windows are open', (t) => {
  const second = fc.integer({ min: NOW_S - 50, max: NOW_S + 50 })
  const window = fc.tuple(second, second).filter(([nbf, exp]) => nbf < exp)
  fc.assert(
    fc.property(window, window, second, (a, b, now) => {
      const chain = [a, b].map(([nbf, exp], i) => parseDelegation(link(i, { nbf, exp })))
      const open = [a, b].every(([nbf, exp]) => nbf <= now && now < exp)
      const denial = checkTimes(chain, null, now * 1000, { ...bounds, skewMs: 0 })
      assert.equal(denial === null, open)
      if (denial !== null) {
        const over = [a, b].some(([, exp]) => now >= exp)
        assert.equal(denial.code, over ? 'EXPIRED' : 'NOT_YET_VALID')
      }
    }),
    { numRuns: 200 },
  )
  row(t, 42, '200 pairs of windows, each open exactly where both are; at exp it is closed')
})

/** The last second that a signed 32-bit clock knows, and the last that prints in 24 characters. */
const LAST_2038_S = 2 ** 31 - 1

test('every time at its boundary is read exactly or refused, and open from the first ms to the last', (t) => {
  const exact = { ...bounds, skewMs: 0 }
  const judged = (fields: Fields, nowMs: number) => {
    const links = [parseDelegation(link(0, fields))]
    return checkTimes(links, null, nowMs, exact)?.code ?? null
  }
  let vectors = 0
  // Years before and after the clocks of 32 bits end, and at the end of what can be said.
  for (const beginS of [NOW_S, LAST_2038_S, LAST_2038_S + 1, 2 ** 32 - 1, TIME_S_MAX - 1])
    for (const [afterMs, code] of [
      [-1, 'NOT_YET_VALID'],
      [0, null],
      [999, null],
      [1000, 'EXPIRED'],
      [1001, 'EXPIRED'],
    ] as const) {
      const window = { nbf: beginS, exp: beginS + 1 }
      assert.equal(judged(window, beginS * 1000 + afterMs), code, `${beginS} s and ${afterMs} ms`)
      vectors += 1
    }
  const wrong: readonly Fields[] = [
    ...[NOW_S, NOW_S + 1].map((nbf) => ({ nbf, exp: NOW_S })),
    ...[TIME_S_MAX + 1, 2 ** 53 - 1, 2 ** 53, 2n ** 53n + 1n, 2n ** 63n, 2n ** 64n - 1n].flatMap(
      (time) => [{ exp: time }, { nbf: undefined, exp: time }, { nbf: time }],
    ),
    ...[-1, NOW_S + 0.5, Number.MAX_VALUE, String(NOW_S), null, true, [NOW_S]].flatMap((time) => [
      { exp: time },
      { nbf: time },
    ]),
    { nbf: NOW_S, exp: NOW_S + ARTIFACT_TTL_MS_MAX / 1000 + 1 },
    { nbf: 0, exp: LAST_2038_S },
  ]
  for (const fields of wrong)
    assert.throws(() => parseDelegation(link(0, fields)), Malformed, inspect(fields))
  for (const fields of [{ iat: NOW_S, exp: NOW_S }, { exp: 2n ** 53n + 1n }, { iat: 2 ** 53 }])
    assert.throws(() => parseInvocation(close(tokens, fields)), Malformed, inspect(fields))
  vectors += wrong.length + 3
  row(
    t,
    42,
    `${vectors} vectors: exp = nbf, before it, 2038, 2106, 9999, past 2^53; 0 accepted wrongly`,
  )
})

test('no root makes a link live longer than the bound of all meshes', () => {
  const long = parseDelegation(
    link(0, { nbf: undefined, exp: NOW_S + ARTIFACT_TTL_MS_MAX / 1000 + 1 }),
  )
  const generous = { skewMs: 0, artifactTtlMs: Number.MAX_SAFE_INTEGER }
  assert.equal(checkTimes([long], null, NOW_S * 1000, generous)?.code, 'NOT_YET_VALID')
  assert.equal(checkTimes([long], null, NOW_S * 1000 + 1000, generous), null)
})

test('skew opens a window early and never keeps one open', () => {
  const [first] = [parseDelegation(link(0, { nbf: NOW_S + 2, exp: NOW_S + 10 }))]
  assert.equal(checkTimes([first], null, NOW_S * 1000, bounds), null)
  assert.equal(checkTimes([first], null, NOW_S * 1000 - 1, bounds)?.code, 'NOT_YET_VALID')
  assert.equal(checkTimes([first], null, (NOW_S + 10) * 1000 - 1, bounds), null)
  assert.equal(checkTimes([first], null, (NOW_S + 10) * 1000, bounds)?.code, 'EXPIRED')
})

test('a chain is narrow exactly while delegations are left', () => {
  const depths = fc.array(fc.constantFrom(undefined, 0, 1, 2, 3), { minLength: 1, maxLength: 5 })
  fc.assert(
    fc.property(depths, (all) => {
      const chain = all.map((depth, i) => {
        return parseDelegation(link(i, depth === undefined ? {} : { meta: { depth } }))
      })
      if (checkNarrowing(chain) === null) assert.ok(depthLeft(chain) >= 0)
      const last = chain.at(-1)
      if (depthLeft(chain) < 0) assert.notEqual(checkNarrowing(chain), null)
      assert.ok(last === undefined || last.depth === null || depthLeft(chain) <= last.depth)
    }),
    { numRuns: 200 },
  )
})
