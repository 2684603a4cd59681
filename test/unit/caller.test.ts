/** Who is calling: by the kernel and the configuration, and by nothing else. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { atlas, borealis, person } from '../../scripts/vectors/tokens.ts'
import { NO_PROCESS, type ProcessFacts } from '../../src/core/facts.ts'
import { MeshError } from '../../src/core/problems.ts'
import { type CallerNames, callerNow, callerOf, ownerOf } from '../../src/daemon/caller.ts'
import { row } from '../lab/row.ts'
import { BOB_UID, world } from './deciding.ts'

const SPEC = { path: '/run/meshd/meshd.sock', principal: null }
const KEYS = new Map([
  ['planner', atlas.did],
  ['edge', borealis.did],
  ['kept', person(0).did],
])

function names(rules: CallerNames['rules']): CallerNames {
  return {
    rules,
    keys: [],
    nameFor: (caller) => (caller === 'uid=1001' ? 'kept' : null),
    principalOf: (name) => KEYS.get(name) ?? null,
  }
}

const rule = (match: CallerNames['rules'][number]['match'], principal = 'planner') => ({
  match,
  principal,
  asserts: ['user:*'],
})
const credentials = (uid: number, gid = uid) => ({ uid, gid, pid: 7 })

test('the first rule whose every fact is the kernel’s names the caller', () => {
  const rules = [rule({ uid: 5, gid: 6 }), rule({ uid: 5 }, 'edge')]
  assert.equal(callerOf(credentials(5, 6), SPEC, names(rules)).principal, atlas.did)
  assert.equal(callerOf(credentials(5, 7), SPEC, names(rules)).principal, borealis.did)
  assert.equal(callerOf(credentials(6, 6), SPEC, names(rules)).principal, null)
  assert.deepEqual(callerOf(credentials(5, 6), SPEC, names(rules)).asserts, ['user:*'])
})

test('a rule that names no fact, or one that nobody measured, matches nobody', (t) => {
  const rules = [rule({}), rule({ unit: 'a.service' }), rule({ unit: 'a.service', uid: 5 })]
  const found = callerOf(credentials(5), SPEC, names(rules))
  assert.equal(found.principal, null)
  assert.deepEqual(found.asserts, [])
  row(t, 90, '0 matches')
})

test('a rule names what a process runs, its unit and its container as the kernel says them', (t) => {
  const [exe, container, unit] = ['ab'.repeat(32), 'cd'.repeat(32), 'a.service']
  const rules = [rule({ exe, unit }), rule({ container }, 'edge')]
  const who = (process: Partial<ProcessFacts>) =>
    callerOf(credentials(5), SPEC, names(rules), { ...NO_PROCESS, ...process }).name
  assert.equal(who({ exe, unit }), 'planner')
  assert.equal(who({ container, exe }), 'edge')
  for (const other of [{ exe }, { unit }, { exe: container, unit }, { exe, unit: 'b.service' }, {}])
    assert.equal(who(other), null)
  row(t, 90, '0 matches of 5 with a fact missing or another')
})

test('where the kernel says nothing, no rule on a uid matches and nobody is identified', (t) => {
  fc.assert(
    fc.property(fc.nat(), (uid) => {
      const found = callerOf(null, SPEC, names([rule({ uid }), rule({ gid: uid })]))
      assert.equal(found.principal, null)
      assert.equal(found.identified, false)
      assert.equal(found.uid, null)
    }),
  )
  row(t, 90, '0 identified')
})

test('a socket of its own is an identity, and another’s rule lends it nothing', () => {
  const spec = { path: '/run/meshd/edge.sock', principal: 'edge' }
  const found = callerOf(null, spec, names([rule({ socket: spec.path }, 'planner')]))
  assert.equal(found.principal, borealis.did)
  assert.equal(found.identified, true)
  assert.deepEqual(found.asserts, [])
  const own = callerOf(null, spec, names([rule({ socket: spec.path }, 'edge')]))
  assert.deepEqual(own.asserts, ['user:*'])
})

test('the configuration wins over a key made for the uid; without it the key does', () => {
  assert.equal(callerOf(credentials(1001), SPEC, names([])).name, 'kept')
  const rules = [rule({ uid: 1001 })]
  assert.equal(callerOf(credentials(1001), SPEC, names(rules)).name, 'planner')
})

test('a name without a key is identified and has no principal', () => {
  const found = callerOf(credentials(5), SPEC, names([rule({ uid: 5 }, 'nobody')]))
  assert.equal(found.principal, null)
  assert.equal(found.identified, true)
})

test('a connection is one caller until a rule or a key changes, and then what they say', async () => {
  const { callers, wallet } = await world()
  const [known, unknown] = [BOB_UID, 77].map((uid) => callerNow(credentials(uid), SPEC, callers))
  assert.ok(known !== undefined && unknown !== undefined)
  const before = known()
  assert.equal(known(), before)
  assert.deepEqual(before, callerOf(credentials(BOB_UID), SPEC, callers))
  assert.equal((await unknown()).principal, null)
  await callers.create('frank', 'uid=77')
  assert.equal((await unknown()).principal, wallet.key('frank')?.signer.did)
  await callers.reload({ callers: [rule({ uid: BOB_UID })], sockets: [] })
  assert.equal((await known()).name, 'planner')
  await callers.reload({ callers: [], sockets: [] })
  assert.deepEqual(known(), before)
})

test('two callers are two owners', () => {
  const of = (uid: number) => ownerOf(callerOf(credentials(uid), SPEC, names([])))
  assert.notEqual(of(1), of(2))
  assert.notEqual(of(1), of(1001))
  assert.equal(of(1), of(1))
})

test('every name of the configuration has a key once it is read, and keeps it', async () => {
  const { callers, wallet } = await world()
  const config = {
    callers: [rule({ uid: 5 })],
    sockets: [{ path: '/run/ci.sock', mode: 0o600, group: null, principal: 'ci' }],
  }
  await callers.reload(config)
  const first = callers.principalOf('planner')
  assert.ok(first !== null)
  await callers.reload(config)
  assert.equal(callers.principalOf('planner'), first)
  const rows = callers.list().map(({ caller, name }) => `${name} ${caller}`)
  assert.deepEqual(rows, [
    'bob uid=1001',
    'carol uid=1002',
    'planner uid=5',
    'ci socket=/run/ci.sock',
  ])
  assert.equal(wallet.key('ci')?.caller, null)
})

test('a key is made for a uid alone, once, under a name that can be written', async () => {
  const { callers } = await world()
  const code = (expected: string) => (error: unknown) =>
    error instanceof MeshError && error.code === expected
  for (const caller of ['unit=a', 'uid=', 'uid=01', 'uid=4294967296', 'uid=-1', '1001']) {
    await assert.rejects(callers.create('dave', caller), code('USAGE'), caller)
  }
  await assert.rejects(callers.create('a/b', 'uid=7'), code('USAGE'))
  await assert.rejects(callers.create('bob', 'uid=7'), code('CONFLICT'))
  await assert.rejects(callers.create('dave', `uid=${BOB_UID}`), code('CONFLICT'))
  const both = [callers.create('erin', 'uid=7'), callers.create('erin', 'uid=7')]
  const made = await Promise.allSettled(both)
  assert.deepEqual(made.map(({ status }) => status).sort(), ['fulfilled', 'rejected'])
})
