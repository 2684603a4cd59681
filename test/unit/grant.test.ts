import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { atlas, NOW_S, person } from '../../scripts/vectors/tokens.ts'
import { type Delegation, parseDelegation, signDelegation } from '../../src/core/delegation.ts'
import { compileGrant, type Grant } from '../../src/core/grant.ts'
import { Malformed } from '../../src/core/malformed.ts'
import { encodePredicate } from '../../src/core/predicate.ts'
import { describe, formatScope, widen } from '../../src/core/scope.ts'

const NOTHING: Grant = {
  actions: [],
  resource: null,
  subject: null,
  bind: new Map(),
  node: null,
  env: new Map(),
  require: [],
  depth: null,
  once: false,
  gov: null,
  by: null,
}
const grantOf = (some: Partial<Grant>): Grant => ({ ...NOTHING, ...some })

/** The grant as the next link of a chain. */
function issue(some: Partial<Grant>, above: readonly Delegation[] = [], expS = NOW_S + 3600) {
  const terms = compileGrant(grantOf(some), above)
  const i = above.length
  const to = { aud: person(i + 1).did, sub: person(0).did, nonce: new Uint8Array(12) }
  return parseDelegation(signDelegation({ ...terms, ...to, expS, nbfS: NOW_S }, person(i)))
}

const PLANNER: Partial<Grant> = {
  actions: ['tool:search', 'tool:read'],
  resource: 'repo:acme/*',
  bind: new Map([
    ['unit', 'planner.service'],
    ['uid', '1001'],
  ]),
  env: new Map([['label.env', 'staging']]),
  require: ['agents@7'],
  depth: 2,
}

test('a grant becomes a command, predicates and meta', () => {
  const { cmd, pol, meta } = compileGrant(grantOf(PLANNER), [])
  assert.equal(cmd, '/tool')
  assert.deepEqual(pol.map(encodePredicate), [
    [
      'or',
      [
        ['==', '.action', 'tool:search'],
        ['==', '.action', 'tool:read'],
      ],
    ],
    ['==', '.resource.type', 'repo'],
    ['like', '.resource.id', 'acme/*'],
    ['==', '.meshd.runtime.unit', 'planner.service'],
    ['==', '.meshd.runtime.uid', 1001],
    ['==', '.meshd.env.labels.env', 'staging'],
    ['>=', '.meshd.gov.bundles.agents', 7],
  ])
  assert.deepEqual({ ...meta }, { depth: 2 })
})

test('one action is its command alone; a node, an exact version and a subject are predicates', () => {
  const more = { node: atlas.did, require: ['my-agents@=2'], subject: 'user:*', once: true }
  const { cmd, pol, meta } = compileGrant(grantOf({ actions: ['tool'], ...more }), [])
  assert.equal(cmd, '/tool')
  assert.deepEqual(pol.map(encodePredicate), [
    ['==', '.subject.type', 'user'],
    ['like', '.subject.id', '*'],
    ['==', '.meshd.node.id', atlas.did],
    ['==', '.meshd.gov.bundles["my-agents"]', 2],
  ])
  assert.deepEqual({ ...meta }, { once: true })
})

test('a chain is described in the words it was granted in', () => {
  const planner = issue(PLANNER)
  const worker = issue(
    { actions: ['tool:read'], resource: 'repo:acme/docs' },
    [planner],
    NOW_S + 600,
  )
  const first = describe([planner])
  assert.equal(formatScope(first), 'tool:search, tool:read on repo:acme/*')
  assert.equal(first.depthLeft, 2)
  const both = describe([planner, worker])
  assert.equal(formatScope(both), 'tool:read on repo:acme/docs')
  assert.deepEqual(both.conditions, [
    'unit = planner.service',
    'uid = 1001',
    'label env = staging',
    'agents at least 7',
  ])
  assert.deepEqual([both.depthLeft, both.expS, both.node, both.once], [1, NOW_S + 600, null, false])
})

test('a delegation that says nothing keeps what is above it', () => {
  const planner = issue(PLANNER)
  const same = issue({}, [planner])
  assert.deepEqual(widen([planner], same), [])
  assert.equal(formatScope(describe([planner, same])), 'tool:search, tool:read on repo:acme/*')
})

test('each way to claim more than there is has its name', () => {
  const planner = issue({ ...PLANNER, depth: 1 })
  const ways = (some: Partial<Grant>, expS?: number) =>
    widen([planner], issue(some, [planner], expS))
  assert.deepEqual(ways({ actions: ['tool:read'], resource: 'repo:acme/d*', depth: 0 }), [])
  assert.deepEqual(ways({ actions: ['tool:delete'] }), [
    'action: tool:delete; held: tool:search, tool:read',
  ])
  assert.deepEqual(ways({ actions: ['tool:read', 'tool'] }), [
    'action: tool; held: tool:search, tool:read',
  ])
  assert.deepEqual(ways({ actions: ['job:run'] }).length, 1)
  assert.deepEqual(ways({ resource: 'repo:other/*' }), [
    'resource: repo:other/*; held: repo:acme/*',
  ])
  assert.deepEqual(ways({ resource: 'repo:*' }).length, 1)
  assert.deepEqual(ways({ resource: 'exe:acme/x' }).length, 1)
  assert.deepEqual(ways({}, NOW_S + 3601), ['time: it would end after what it is delegated from'])
  assert.deepEqual(ways({ depth: 1 }), ['depth: 1; at most 0'])
  const last = issue({}, [planner])
  assert.deepEqual(widen([planner, last], issue({}, [planner, last])), [
    'depth: no further delegation is allowed',
  ])
})

test('each fact that is measured can be bound to, with the type that it has', () => {
  const exe = 'ab'.repeat(32)
  const bind = new Map([
    ['exe', exe],
    ['path', '/usr/bin/planner'],
    ['container', exe],
    ['attested.build', 'https://slsa.dev/provenance/v1'],
  ])
  const env = new Map([
    ['host.lockdown', 'integrity'],
    ['host.secureBoot', 'true'],
    ['file.app', exe],
    ['collected.disk.free_gib', '12'],
    ['collected.disk.sealed', 'false'],
    ['collected.disk.tier', 'gold'],
    ['collected.disk.code', '"12"'],
  ])
  const { pol } = compileGrant(grantOf({ actions: ['tool'], bind, env }), [])
  assert.deepEqual(pol.map(encodePredicate), [
    ['==', '.meshd.runtime.exe', exe],
    ['==', '.meshd.runtime.path', '/usr/bin/planner'],
    ['==', '.meshd.runtime.container', exe],
    ['==', '.meshd.runtime.attested.build', 'https://slsa.dev/provenance/v1'],
    ['==', '.meshd.env.host.lockdown', 'integrity'],
    ['==', '.meshd.env.host.secureBoot', true],
    ['==', '.meshd.env.files.app', exe],
    ['==', '.meshd.env.collected.disk.free_gib', 12],
    ['==', '.meshd.env.collected.disk.sealed', false],
    ['==', '.meshd.env.collected.disk.tier', 'gold'],
    ['==', '.meshd.env.collected.disk.code', '12'],
  ])
})

test('what is granted and cannot be held, or could never hold, is refused', () => {
  const bad: Partial<Grant>[] = [
    { actions: [] },
    { actions: ['tool:*'] },
    { actions: ['Tool:read'] },
    { resource: 'repo' },
    { bind: new Map([['pid', '1']]) },
    { bind: new Map([['uid', 'root']]) },
    { bind: new Map([['uid', '01']]) },
    { bind: new Map([['exe', 'ab']]) },
    { bind: new Map([['container', 'my-container']]) },
    { env: new Map([['env', 'staging']]) },
    { env: new Map([['host.uptime', '1']]) },
    { env: new Map([['host.secureBoot', 'yes']]) },
    { env: new Map([['collected.disk', '1']]) },
    { require: ['agents'] },
    { require: ['agents@0'] },
    { depth: 8 },
    { by: { email: 'x' } },
  ]
  for (const each of bad) {
    const grant = grantOf({ actions: ['tool'], ...each })
    assert.throws(() => compileGrant(grant, []), Malformed, JSON.stringify(each))
  }
})

test('the scope of a chain never names an action or a resource that one of its links excludes', () => {
  const actions = fc.subarray(['tool:read', 'tool:search', 'tool:read:all', 'job:run'], {
    minLength: 1,
  })
  const resource = fc.constantFrom('repo:*', 'repo:acme/*', 'repo:acme/docs', 'repo:b*', null)
  fc.assert(
    fc.property(fc.array(fc.tuple(actions, resource), { minLength: 1, maxLength: 3 }), (grants) => {
      const chain: Delegation[] = []
      for (const [names, pattern] of grants) {
        chain.push(issue({ actions: names, resource: pattern }, chain))
      }
      const { actions: left } = describe(chain)
      for (const name of left) {
        assert.ok(
          grants.every(([names]) =>
            names.some((each) => name === each || name.startsWith(`${each}:`)),
          ),
          name,
        )
      }
      if (chain.every((each, i) => i === 0 || widen(chain.slice(0, i), each).length === 0)) {
        assert.ok(left.length > 0)
      }
    }),
    { numRuns: 200 },
  )
})
