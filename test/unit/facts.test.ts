import assert from 'node:assert/strict'
import { test } from 'node:test'
import { atlas, person } from '../../scripts/vectors/tokens.ts'
import { type Facts, meshdOf, NO_PROCESS, viewOf } from '../../src/core/facts.ts'
import { row } from '../lab/row.ts'

const FACTS: Facts = {
  node: { id: atlas.did, name: null, labels: new Map([['__proto__', 'x']]) },
  runtime: {
    uid: 0,
    gid: null,
    pid: null,
    socket: '/run/meshd.sock',
    ...NO_PROCESS,
  },
  env: { labels: new Map([['env', 'staging']]), files: new Map() },
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

test('who names no subject asks for itself', () => {
  const asked = { action: 'a', resource: { type: 'r', id: 'x' }, subject: null, args: {} }
  const view = viewOf(asked, person(1).did, meshdOf(FACTS))
  assert.deepEqual(view['subject'], { type: 'principal', id: person(1).did })
  const named = { ...asked, subject: { type: 'user', id: 'ann' } }
  assert.deepEqual(viewOf(named, person(1).did, {})['subject'], named.subject)
})
