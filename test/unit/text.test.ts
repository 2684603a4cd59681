import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import {
  clockTime,
  count,
  duration,
  exactly,
  plural,
  shortDid,
  styleOf,
} from '../../src/cli/text.ts'
import { row } from '../lab/row.ts'

process.env['TZ'] = 'UTC'
const NOW = new Date('2026-11-23T14:15:12.000Z')
const ESC = String.fromCharCode(0x1b)

test('today is a time, another day a date with it', () => {
  assert.equal(clockTime('2026-11-23T09:05:07.999Z', NOW), '09:05:07')
  assert.equal(clockTime('2026-11-22T23:59:59.000Z', NOW), '2026-11-22 23:59')
})

test('a duration is one unit, rounded down; an exact one is never rounded', () => {
  const cases: readonly (readonly [ms: number, short: string, exact: string])[] = [
    [0, '0 ms', '0 s'],
    [41, '41 ms', '41 ms'],
    [999, '999 ms', '999 ms'],
    [59_999, '59 s', '59999 ms'],
    [60_000, '1 min', '60 s'],
    [90_000, '1 min', '90 s'],
    [120_000, '2 min', '2 min'],
    [5_400_000, '1 h', '90 min'],
    [34_560_000_000, '400 d', '400 d'],
  ]
  for (const [ms, short, exact] of cases)
    assert.deepEqual([duration(ms), exactly(ms)], [short, exact])
})

test('an exact duration says the whole of it', () => {
  const units: Readonly<Record<string, number>> = {
    ms: 1,
    s: 1000,
    min: 60_000,
    h: 3_600_000,
    d: 86_400_000,
  }
  fc.assert(
    fc.property(fc.nat({ max: 2 ** 31 - 1 }), (ms) => {
      const [n, unit = ''] = exactly(ms).split(' ')
      assert.equal(Number(n) * (units[unit] ?? Number.NaN), ms)
    }),
  )
})

test('numbers are grouped, and so are plurals', () => {
  assert.deepEqual([count(7), count(88_104), count(1_234_567)], ['7', '88 104', '1 234 567'])
  assert.deepEqual(
    [plural(1, 'node'), plural(2, 'node'), plural(2, 'policy', 'policies')],
    ['1 node', '2 nodes', '2 policies'],
  )
})

test('a did is shortened in the middle, a short text not at all', () => {
  assert.equal(shortDid('did:key:z6MkqTabcdefghijklmnopt9Lw'), 'did:key:z6MkqT…t9Lw')
  assert.equal(shortDid('atlas'), 'atlas')
})

test('colour follows NO_COLOR, FORCE_COLOR, TERM and --color, in that order of weight', () => {
  const colored = (env: Readonly<Record<string, string>>, isTTY: boolean, flag?: string) =>
    styleOf(env, { isTTY }, flag).good('x') !== 'x'
  assert.equal(colored({}, true), true)
  assert.equal(colored({}, false), false)
  assert.equal(colored({ TERM: 'dumb' }, true), false)
  assert.equal(colored({ NO_COLOR: '1' }, true), false)
  assert.equal(colored({ NO_COLOR: '1', FORCE_COLOR: '' }, true), false)
  assert.equal(colored({ FORCE_COLOR: '' }, false), false)
  assert.equal(colored({ FORCE_COLOR: '1' }, false), true)
  assert.equal(colored({ FORCE_COLOR: '0' }, true), false)
  assert.equal(colored({ NO_COLOR: '1' }, false, 'always'), true)
  assert.equal(colored({ FORCE_COLOR: '1' }, true, 'never'), false)
})

test('symbols become ASCII where the locale is not UTF-8, and LC_ALL wins', () => {
  const symbols = (env: Readonly<Record<string, string>>) =>
    styleOf(env, {}, 'never').symbols('✓ ✗ → …')
  assert.equal(symbols({ LANG: 'en_US.UTF-8' }), '✓ ✗ → …')
  assert.equal(symbols({ LANG: 'en_US.UTF-8', LC_ALL: 'C' }), '+ x -> ...')
  assert.equal(symbols({}), '✓ ✗ → …')
})

test('a printable line keeps our colours and no other control', (t) => {
  const colored = styleOf({}, {}, 'always')
  const plain = styleOf({}, {}, 'never')
  const line = `${colored.bad('DENY')} ${ESC}[2J${ESC}[8mx\ny`
  assert.equal(colored.printable(line), `${ESC}[31mDENY${ESC}[39m \ufffd[2J\ufffd[8mx\ufffdy`)
  assert.ok(!plain.printable(line).includes(ESC))
  assert.equal(colored.bad(`${ESC}[39mforged`), `${ESC}[31m\ufffd[39mforged${ESC}[39m`)
  row(t, 101, '0 other controls')
})
