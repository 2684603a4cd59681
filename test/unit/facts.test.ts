import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { atlas, person } from '../../scripts/vectors/tokens.ts'
import { type Facts, factsOf, meshdOf, NO_PROCESS, viewOf } from '../../src/core/facts.ts'
import { formatJson, type Json } from '../../src/core/json.ts'
import { row } from '../lab/row.ts'
import { NOTHING_MEASURED } from './judgements.ts'

const FACTS: Facts = {
  node: { id: atlas.did, name: null, labels: new Map([['__proto__', 'x']]) },
  runtime: {
    uid: 0,
    gid: null,
    pid: null,
    socket: '/run/meshd.sock',
    ...NO_PROCESS,
    attested: new Map(),
  },
  env: { ...NOTHING_MEASURED, labels: new Map([['env', 'staging']]) },
  gov: { mesh: 'sha256:00', root: 1, digest: 'ab', bundles: new Map([['agents', 7]]) },
}

test('what was not measured is absent, not null; zero is a measure', (t) => {
  assert.deepEqual(JSON.parse(JSON.stringify(meshdOf(FACTS))), {
    node: { id: atlas.did, labels: JSON.parse('{"__proto__": "x"}') },
    runtime: { uid: 0, socket: '/run/meshd.sock' },
    env: { labels: { env: 'staging' }, files: {} },
    gov: { mesh: 'sha256:00', root: 1, digest: 'ab', bundles: { agents: 7 } },
  })
  row(t, 143, '0 facts invented')
})

const word = fc.string({ minLength: 1, maxLength: 8 })
const maybe = <T>(some: fc.Arbitrary<T>) => fc.option(some)
const mapOf = <T>(value: fc.Arbitrary<T>) =>
  fc.dictionary(word, value, { maxKeys: 3 }).map((all) => new Map(Object.entries(all)))

const record = <T>(fields: { [K in keyof T]: fc.Arbitrary<T[K]> }) =>
  fc.record(fields, { noNullPrototype: true })

const everyFact: fc.Arbitrary<Facts> = record({
  node: record({ id: fc.constant(atlas.did), name: maybe(word), labels: mapOf(word) }),
  runtime: record({
    ...{ uid: maybe(fc.nat()), gid: maybe(fc.nat()), pid: maybe(fc.nat()) },
    ...{ exe: maybe(word), path: maybe(word), unit: maybe(word), container: maybe(word) },
    ...{ socket: maybe(word), started: maybe(fc.nat()), attested: mapOf(word) },
  }),
  env: record({
    ...{ labels: mapOf(word), files: mapOf(word) },
    host: record({
      ...{ kernel: maybe(word), boot: maybe(word), lockdown: maybe(word), image: maybe(word) },
      secureBoot: maybe(fc.boolean()),
    }),
    collected: mapOf(mapOf<string | number | boolean>(fc.oneof(word, fc.nat(), fc.boolean()))),
  }),
  gov: record({
    ...{ mesh: maybe(word), root: maybe(fc.nat()), digest: word, bundles: mapOf(fc.nat()) },
  }),
})

test('whatever was measured, a record gives back the same facts', () => {
  fc.assert(
    fc.property(everyFact, (facts) => {
      const meshd = JSON.parse(formatJson(meshdOf(facts))) as Json
      assert.deepEqual(factsOf(meshd), facts)
    }),
  )
})

test('who names no subject asks for itself', () => {
  const asked = { action: 'a', resource: { type: 'r', id: 'x' }, subject: null, args: {} }
  const view = viewOf(asked, person(1).did, meshdOf(FACTS))
  assert.deepEqual(view['subject'], { type: 'principal', id: person(1).did })
  const named = { ...asked, subject: { type: 'user', id: 'ann' } }
  assert.deepEqual(viewOf(named, person(1).did, {})['subject'], named.subject)
})
