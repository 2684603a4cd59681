/** The fold: who signed what, and what it adds up to. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { link, person } from '../../scripts/vectors/tokens.ts'
import { utf8 } from '../../src/core/bytes.ts'
import { Fold } from '../../src/core/fold.ts'
import { cidOf, idOf } from '../../src/core/id.ts'
import { needsOf } from '../../src/core/needs.ts'
import { row } from '../lab/row.ts'
import {
  ana,
  atlas,
  ben,
  borealis,
  cy,
  DAY_MS,
  foldOf as folded,
  keyOf,
  type Made,
  NOW_MS,
  nextRoot,
  people,
  role,
  rolesOf,
  rootOf,
  standings,
  World,
} from './statements.ts'

const world = new World()
const { first, mesh } = world
const foldOf = (made: readonly Made[], pins: readonly Made[] = []) => folded(mesh, made, pins)

/** What a bundle says: the version in force, or why it denies. */
function agents(fold: Fold): number | string | undefined {
  const state = fold.governance.bundles.get('agents')
  return state?.conflict ?? state?.inForce?.version
}

const one = world.policy()
const two = world.nextPolicy([one], { message: 'two' })
/** Ana loses her keys: nobody else does. */
const without = { roles: rolesOf([ben, cy]) }

test('the same key under two signatures counts once', (t) => {
  const strict = new World(rootOf({ roles: { ...rolesOf(people), policy: role(2, ana, ben) } }))
  const policy = strict.policy({}, [ana])
  const [signature] = policy.envelope.signatures
  assert.ok(signature !== undefined)
  const fold = new Fold(strict.mesh)
  fold.put(strict.first)
  fold.put({ ...policy, envelope: { ...policy.envelope, signatures: [signature, signature] } })
  assert.equal(fold.standing(policy.id), 'pending')
  const needs = needsOf(policy.statement, policy.envelope, fold.governance)
  assert.deepEqual(needs, {
    role: 'policy',
    threshold: 2,
    missing: 1,
    each: [{ root: 1, threshold: 2, missing: 1 }],
  })
  assert.deepEqual(fold.put(strict.policy({}, [ana, ben])), [policy.id])
  assert.equal(fold.standing(policy.id), 'effective')
  row(t, 65, 'k signatures of one key: count once')
})

test('signatures of strangers and of other roles do not count', (t) => {
  const roles = { ...rolesOf([ana]), revoker: role(1, ben), policy: role(1, cy) }
  const strict = new World(rootOf({ roles }, [ana]))
  const made = [strict.policy({}, [ana, ben]), strict.revocation({}, [ana, cy, keyOf('x')])]
  const fold = new Fold(strict.mesh)
  for (const each of [strict.first, ...made]) fold.put(each)
  assert.deepEqual(standings(fold, made), ['pending', 'pending'])
  row(t, 65, 'other roles and strangers: 0 count')
})

test('a key that comes back arms nothing again', () => {
  const next = nextRoot(first, without)
  const back = nextRoot(next, { roles: rolesOf(people) })
  const fold = foldOf([first, one, next, back])
  assert.equal(fold.standing(one.id), 'disarmed')
  assert.equal(
    foldOf([first, next, back, world.revocation({}, [ana], 3)]).governance.revocations.size,
    1,
  )
})

test('a statement kept by the root that dropped its key keeps its force under later ones', () => {
  const next = nextRoot(first, { ...without, keeps: [one.id] })
  const fold = foldOf([first, one, next, nextRoot(next)])
  assert.equal(fold.standing(one.id), 'effective')
  assert.equal(agents(fold), 1)
})

test('of a freeze the highest version counts, and of two of one version the one that stops', () => {
  const frozen = world.freeze()
  const lifted = world.freeze({ version: 2, frozen: false })
  const again = world.freeze({ version: 2, frozen: true, message: 'again' })
  const of = (...made: Made[]) => foldOf([first, ...made]).governance.freezes.get('mesh')?.frozen
  assert.equal(of(frozen), true)
  assert.equal(of(lifted, frozen), false)
  assert.equal(of(frozen, lifted, again), true)
  assert.equal(of(again, lifted), true)
  for (const message of 'abcdefgh')
    assert.equal(of(again, world.freeze({ version: 2, frozen: false, message })), true)
  const scope = { kind: 'node', did: atlas.identity.did } as const
  assert.equal(
    foldOf([first, frozen, world.freeze({ scope, frozen: false })]).governance.freezes.size,
    2,
  )
})

test('of a member, and of an epoch, the highest version counts, and of equal ones the smaller id', () => {
  const members = [
    world.member(atlas),
    world.member(atlas, { version: 2 }),
    world.member(atlas, { version: 2, name: 'b' }),
  ]
  const epochs = [world.epoch(atlas), world.epoch(atlas, { epoch: 3 }), world.epoch(borealis)]
  const smaller = members.slice(1).toSorted((a, b) => (a.id < b.id ? -1 : 1))[0]
  for (const made of [[...members, ...epochs], [...members, ...epochs].toReversed()]) {
    const { members: found, epochs: log } = foldOf([first, ...made]).governance
    assert.equal(found.get(atlas.identity.did)?.id, smaller?.id)
    assert.equal(found.size, 1)
    assert.deepEqual([...log.values()].map(({ epoch }) => epoch).toSorted(), [2, 3])
  }
})

test('a revocation is found by what it revokes, and of several the one that lasts longest', () => {
  const did = person(1).did
  const record = idOf(utf8('record'))
  const made = [
    world.revocation({ target: { kind: 'node', did } }),
    world.revocation({ target: { kind: 'policy', bundle: 'agents', version: 7 } }),
    world.revocation({ target: { kind: 'execution', record } }),
    world.revocation({ target: { kind: 'link', cid: 'bafyreia'.padEnd(59, 'a') } }),
  ]
  const { revocations } = foldOf([first, ...made]).governance
  assert.equal(revocations.size, 4)
  assert.equal(revocations.did('node', did)?.id, made[0]?.id)
  assert.equal(revocations.did('principal', did), null)
  assert.equal(revocations.policy('agents', 7)?.id, made[1]?.id)
  assert.equal(revocations.policy('agents', 6), null)
  assert.equal(revocations.execution(record)?.id, made[2]?.id)
  assert.equal(revocations.link('bafyreia'.padEnd(59, 'a'))?.id, made[3]?.id)
  const [short, long] = [world.revocation(), world.revocation({ untilMs: NOW_MS + 60 * DAY_MS })]
  for (const order of [
    [short, long],
    [long, short],
  ]) {
    const found = foldOf([first, ...order]).governance.revocations
    assert.equal(found.did('principal', keyOf('planner').did)?.id, long.id)
  }
})

/** Alice is an issuer; what she gave bob he gave on to carol. */
const issuers = new World(
  rootOf({ roles: { ...rolesOf(people), issuer: { keys: [person(0).did], threshold: 1 } } }),
)
const chain = [link(0), link(1)]
const target = { kind: 'link', cid: cidOf(link(1)) } as const

test('a link is revoked by its own issuer, and by nobody else of the chain', (t) => {
  for (const [signer, standing] of [
    [person(1), 'effective'],
    [person(0), 'pending'],
    [person(2), 'pending'],
    [ana, 'pending'],
  ] as const) {
    const revocation = issuers.revocation({ target, chain }, [signer])
    const fold = new Fold(issuers.mesh)
    fold.put(issuers.first)
    fold.put(revocation)
    assert.equal(fold.standing(revocation.id), standing)
    const found = fold.governance.revocations.link(target.cid)
    assert.equal(found?.id, standing === 'effective' ? revocation.id : undefined)
  }
  row(t, 130, 'by another issuer of the chain: 0 accepted')
})

test('a chain that begins with no issuer in role revokes nothing', (t) => {
  const fold = foldOf([first, world.revocation({ target, chain }, [person(1)])])
  assert.equal(fold.governance.revocations.size, 0)
  row(t, 130, 'a chain of strangers: 0 accepted')
})

test('a new root that takes nothing away changes no standing but the roots', () => {
  const made = [one, two, world.freeze(), world.revocation(), world.member(atlas)]
  const fold = foldOf([first, ...made])
  const before = fold.governance
  const next = nextRoot(first)
  assert.deepEqual(fold.put(next), [next.id])
  assert.notEqual(fold.governance.digest, before.digest)
  assert.equal(fold.governance.revocations.size, 1)
  assert.deepEqual(fold.governance.bundles, before.bundles)
  assert.equal(before.roots.length, 1)
})

test('governance that was read stays as it was', () => {
  const fold = foldOf([first, one])
  const before = fold.governance
  const copy = {
    digest: before.digest,
    size: before.size,
    bundles: [...before.bundles],
    members: [...before.members],
  }
  for (const each of [two, world.member(atlas), world.freeze(), nextRoot(first)]) fold.put(each)
  const { digest, size, bundles, members } = before
  assert.deepEqual({ digest, size, bundles: [...bundles], members: [...members] }, copy)
  assert.notEqual(fold.governance, before)
  assert.equal(fold.governance, fold.governance)
})

test('fewer signatures than before are counted as they are', () => {
  const strict = new World(rootOf({ roles: { ...rolesOf(people), revoker: role(2, ana, ben) } }))
  const both = strict.revocation({}, [ana, ben])
  const fold = new Fold(strict.mesh)
  fold.put(strict.first)
  fold.put(both)
  assert.equal(fold.governance.revocations.size, 1)
  assert.deepEqual(fold.put(strict.revocation({}, [ana])), [both.id])
  assert.equal(fold.governance.revocations.size, 0)
})

test('what is known is found by its id, and said to be missing when it is not', () => {
  const fold = foldOf([first, one])
  assert.equal(fold.get(one.id), one)
  assert.equal(fold.get(two.id), null)
  assert.equal(fold.standing(two.id), null)
  assert.deepEqual([...fold.all()], [first, one])
})

test('what a statement waits for is told in keys of its role', () => {
  const roles = { ...rolesOf(people), root: role(3, ...people), policy: role(2, ana, ben) }
  const strict = new World(rootOf({ roles }))
  const made = [
    strict.policy({}, [ana]),
    strict.policy({ message: 'other' }, [ana, ben]),
    strict.freeze({}, [keyOf('x')]),
    strict.policy({ message: 'later' }, [ana], 2),
    nextRoot(strict.first, {}, [ana]),
  ]
  const fold = folded(strict.mesh, [strict.first, ...made])
  assert.deepEqual(
    made.map(({ statement, envelope }) => {
      const { each: _, ...needs } = needsOf(statement, envelope, fold.governance)
      return needs
    }),
    [
      { role: 'policy', threshold: 2, missing: 1 },
      { role: 'policy', threshold: 2, missing: 0 },
      { role: 'revoker', threshold: 1, missing: 1 },
      { role: 'policy', threshold: 1, missing: 1 },
      { role: 'root', threshold: 3, missing: 2 },
    ],
  )
})

test('a statement that comes again, with more signatures or as it was, counts once', () => {
  const fold = foldOf([first, world.revocation({}, [ana])])
  const { digest } = fold.governance
  assert.deepEqual(fold.put(world.revocation({}, [ana, ben])), [])
  assert.equal(fold.governance.revocations.size, 1)
  assert.equal(fold.governance.digest, digest)
  assert.equal(fold.get(world.revocation().id)?.envelope.signatures.length, 2)
})
