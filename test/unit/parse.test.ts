import assert from 'node:assert/strict'
import { test } from 'node:test'
import { durationOf, timeOf } from '../../src/cli/parse.ts'
import { listOption } from '../../src/cli/spec.ts'
import { parseDuration } from '../../src/core/duration.ts'
import { MeshError } from '../../src/core/problems.ts'

const usage = (error: unknown) => error instanceof MeshError && error.code === 'USAGE'

test('durations are a whole number and one unit, and nothing else', () => {
  assert.equal(parseDuration('90s'), 90_000)
  assert.equal(parseDuration('400d'), 34_560_000_000)
  assert.equal(parseDuration('250ms'), 250)
  for (const text of [
    '',
    '90',
    's',
    '1.5h',
    '-1s',
    '1h30m',
    ' 1s',
    '1s\n',
    '1S',
    '1e3s',
    '1234567890s',
  ])
    assert.equal(parseDuration(text), null, JSON.stringify(text))
})

test('what is no duration is refused with the name of its flag', () => {
  assert.throws(
    () => durationOf('soon', '--ttl'),
    (error) => usage(error) && /--ttl/.test(String(error)),
  )
})

test('a time is RFC 3339, or how long ago', () => {
  assert.equal(timeOf('2h', '--since', 10_000_000), 2_800_000)
  assert.equal(timeOf('2026-11-23T14:00:00Z', '--since', 0), Date.parse('2026-11-23T14:00:00Z'))
  for (const text of ['yesterday', '14:00', '2026', '2026-13-01'])
    assert.throws(() => timeOf(text, '--since', 0), usage, text)
})

test('a repeated option and commas give one list', () => {
  assert.deepEqual(listOption({ witnesses: ['a,b', 'c', ''] }, 'witnesses'), ['a', 'b', 'c'])
  assert.deepEqual(listOption({ witnesses: 'a' }, 'witnesses'), ['a'])
  assert.deepEqual(listOption({}, 'witnesses'), [])
})
