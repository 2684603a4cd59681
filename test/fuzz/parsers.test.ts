/** Every parser against inputs of chance and spoilt ones of its own printer; `npm run fuzz` does it a million times. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { fuzz, look } from './fuzz.ts'
import { inputOf } from './mutate.ts'
import { Random } from './random.ts'
import { target } from './target.ts'
import { TARGETS } from './targets.ts'

const INPUTS = process.env['MESHD_LAB'] === 'long' ? 20_000 : 100

for (const each of TARGETS)
  test(`${each.name}: a value or a refusal, one spelling, bounded`, () => {
    for (const example of each.corpus) {
      assert.equal(look(each, example).says, null, 'an example')
      assert.notEqual(each.read(example), null, 'an example is accepted')
    }
    const { faults } = fuzz(each, INPUTS, 1)
    for (const example of each.corpus) assert.notEqual(each.read(example), null, 'it is as it was')
    assert.deepEqual(
      faults.map(({ says, input }) => `${says}: ${Buffer.from(input).toString('hex')}`),
      [],
    )
    const bytes = fc.oneof(
      fc.uint8Array({ maxLength: 60 }),
      fc.string({ unit: 'binary', maxLength: 30 }).map((text) => Buffer.from(text)),
    )
    fc.assert(
      fc.property(bytes, (input) => assert.equal(look(each, Uint8Array.from(input)).says, null)),
      { numRuns: 30 },
    )
  })

test('each name is there once', () => {
  assert.equal(new Set(TARGETS.map(({ name }) => name)).size, TARGETS.length)
  assert.ok(TARGETS.length > 60)
})

test('the same seed and place give the same input', () => {
  const [some] = TARGETS
  assert.ok(some !== undefined)
  for (let at = 0; at < 50; at += 1)
    assert.deepEqual(inputOf(some, new Random(7, at)), inputOf(some, new Random(7, at)))
})

test('a second spelling, another error, a value too large and a changed input are found', () => {
  const corpus = [Uint8Array.of(1, 2, 3)]
  const of = (parse: (bytes: Uint8Array) => unknown, print = (_: unknown) => new Uint8Array()) =>
    fuzz(target({ name: 'planted', runs: [], corpus, parse, print }), 50, 1).faults[0]?.says
  assert.equal(
    of((bytes) => bytes),
    'a second spelling',
  )
  assert.match(String(of(() => JSON.parse('{'))), /^threw SyntaxError/)
  const same = (bytes: unknown) => (bytes as Uint8Array).slice(0, 3)
  assert.equal(
    of((bytes) => bytes.fill(9), same),
    'it changed its input',
  )
  const large = target({
    ...{ name: 'planted', runs: [], corpus, spellings: 'planted' },
    parse: () => Array.from({ length: 100_000 }, () => 1),
  })
  assert.match(String(look(large, Uint8Array.of(1)).says), /larger than its input/)
})
