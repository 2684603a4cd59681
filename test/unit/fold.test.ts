import assert from 'node:assert/strict'
import { test } from 'node:test'
import { link, person } from '../../scripts/vectors/tokens.ts'
import { utf8 } from '../../src/core/bytes.ts'
import { Fold, type Standing } from '../../src/core/fold.ts'
import { cidOf, idOf } from '../../src/core/id.ts'
import {
  ana,
  atlas,
  ben,
  borealis,
  corvus,
  cy,
  DAY_MS,
  keyOf,
  type Made,
  NOW_MS,
  nextRoot,
  people,
  role,
  rolesOf,
  rootOf,
  World,
} from './statements.ts'

const world = new World()
const { first, mesh } = world

/** A fold of these, put in this order. */
function foldOf(made: readonly Made[], pins: readonly Made[] = []): Fold {
  const fold = new Fold(
    mesh,
    pins.map(({ id }) => id),
  )
  for (const each of made) fold.put(each)
  return fold
}

function standings(fold: Fold, made: readonly Made[]): (Standing | null)[] {
  return made.map(({ id }) => fold.standing(id))
}

/** What a bundle says: the version in force, or why it denies. */
function agents(fold: Fold): number | string | undefined {
  const state = fold.governance.bundles.get('agents')
  return state?.conflict ?? state?.inForce?.version
}

const one = world.policy()
const two = world.nextPolicy([one], { message: 'two' })
/** Ana loses her keys: nobody else does. */
const without = { roles: rolesOf([ben, cy]) }

test('nothing governs before the mesh is pinned and its first root is there', () => {
  const unpinned = new Fold(null)
  unpinned.put(first)
  unpinned.put(one)
  assert.deepEqual(unpinned.governance.roots, [])
  assert.equal(unpinned.standing(one.id), 'pending')

  const fold = foldOf([one])
  assert.equal(fold.governance.root, null)
  assert.equal(fold.governance.size, 0)
  assert.deepEqual(fold.put(first).toSorted(), [first.id, one.id].toSorted())
  assert.equal(fold.governance.root, first.statement)
  assert.equal(agents(fold), 1)
  assert.equal(fold.governance.size, 2)
})

test('a root that another mesh begins with is not this one', () => {
  const other = rootOf({ mesh: 'other' })
  assert.deepEqual(standings(foldOf([other, first]), [other, first]), ['pending', 'effective'])
})

test('k-1 signatures of the last root, or of the new one, make no root', () => {
  const dan = keyOf('dan')
  const roles = { ...rolesOf(people), root: role(2, cy, dan) }
  for (const signers of [[ana], [ana, ben], [cy, dan], [cy]]) {
    const next = nextRoot(first, { roles }, signers)
    const fold = foldOf([first, next])
    assert.equal(fold.standing(next.id), 'pending')
    assert.ok(fold.needs(next.id).missing > 0)
  }
  for (const signers of [
    [ana, cy, dan],
    [ana, ben, cy, dan],
  ]) {
    const next = nextRoot(first, { roles }, signers)
    assert.equal(foldOf([first, next]).standing(next.id), 'effective')
  }
})

test('no root is skipped, and none follows one that is not effective', () => {
  const second = nextRoot(first)
  const third = nextRoot(second)
  const gap = rootOf({ version: 3, previous: first.id })
  const fold = foldOf([first, third, gap])
  assert.deepEqual(standings(fold, [third, gap]), ['pending', 'pending'])
  assert.deepEqual(fold.put(second).toSorted(), [second.id, third.id].toSorted())
  assert.deepEqual(
    fold.governance.roots.map(({ version }) => version),
    [1, 2, 3],
  )
  assert.equal(fold.standing(gap.id), 'pending')
})

test('a rolled-back root changes nothing', () => {
  const second = nextRoot(first)
  const fold = foldOf([first, second])
  const { digest } = fold.governance
  assert.deepEqual(fold.put(first), [])
  assert.equal(fold.governance.root?.version, 2)
  assert.equal(fold.governance.digest, digest)
})

test('two effective roots of one version are disputed until one is pinned', () => {
  const [a, b] = [nextRoot(first), nextRoot(first, { message: 'other' })]
  const after = nextRoot(a)
  const fold = foldOf([first, a, after])
  assert.equal(fold.governance.root?.version, 3)
  fold.put(b)
  assert.deepEqual(fold.governance.disputed, [a.id, b.id].toSorted())
  assert.equal(fold.governance.root?.version, 1)
  assert.deepEqual(standings(fold, [a, b, after]), ['conflict', 'conflict', 'pending'])

  const pinned = foldOf([first, a, after, b], [a])
  assert.deepEqual(pinned.governance.disputed, [])
  assert.equal(pinned.governance.root?.id, after.id)
  assert.notEqual(pinned.governance.digest, fold.governance.digest)
})

test('a new witness must be a member when the root takes effect', () => {
  const member = world.member(corvus)
  const next = nextRoot(first, {
    witnesses: [corvus.identity.did],
    lease: { ...first.statement.lease, read: 1, write: 1 },
  })
  const fold = foldOf([first, next])
  assert.equal(fold.standing(next.id), 'pending')
  assert.deepEqual(fold.put(member).toSorted(), [member.id, next.id].toSorted())
  assert.equal(fold.governance.root?.id, next.id)
})

test('the same key under two signatures counts once', () => {
  const strict = new World(rootOf({ roles: { ...rolesOf(people), policy: role(2, ana, ben) } }))
  const policy = strict.policy({}, [ana])
  const [signature] = policy.envelope.signatures
  assert.ok(signature !== undefined)
  const fold = new Fold(strict.mesh)
  fold.put(strict.first)
  fold.put({ ...policy, envelope: { ...policy.envelope, signatures: [signature, signature] } })
  assert.equal(fold.standing(policy.id), 'pending')
  assert.deepEqual(fold.needs(policy.id), { role: 'policy', threshold: 2, missing: 1 })
  assert.deepEqual(fold.put(strict.policy({}, [ana, ben])), [policy.id])
  assert.equal(fold.standing(policy.id), 'effective')
})

test('signatures of strangers and of other roles do not count', () => {
  const roles = { ...rolesOf([ana]), revoker: role(1, ben), policy: role(1, cy) }
  const strict = new World(rootOf({ roles }, [ana]))
  const made = [strict.policy({}, [ana, ben]), strict.revocation({}, [ana, cy, keyOf('x')])]
  const fold = new Fold(strict.mesh)
  for (const each of [strict.first, ...made]) fold.put(each)
  assert.deepEqual(standings(fold, made), ['pending', 'pending'])
})

test('fast-forward: a version without the one before it stays pending', () => {
  const lost = world.nextPolicy([two])
  const jump = world.nextPolicy([lost], { message: 'jump' })
  const huge = world.policy({ version: 1_000_000, previous: [one.id] })
  const other = world.policy({ bundle: 'other', version: 2, previous: [one.id] })
  const fold = foldOf([first, one, two, jump, huge, other])
  assert.deepEqual(standings(fold, [jump, huge, other]), ['pending', 'pending', 'pending'])
  assert.equal(agents(fold), 2)
  assert.deepEqual(fold.put(lost).toSorted(), [lost.id, jump.id].toSorted())
  assert.equal(agents(fold), 4)
})

test('a version below its threshold carries no later one', () => {
  const roles = { ...rolesOf(people), policy: role(2, ana, ben) }
  const strict = new World(rootOf({ roles }))
  const both = [ana, ben]
  const v1 = strict.policy({}, both)
  const v2 = strict.nextPolicy([v1], {}, [ana])
  const v3 = strict.nextPolicy([v2], {}, both)
  const fold = new Fold(strict.mesh)
  for (const each of [strict.first, v1, v2, v3]) fold.put(each)
  assert.deepEqual(standings(fold, [v1, v2, v3]), ['effective', 'pending', 'pending'])
})

test('rollback is a new version: an older one that comes again changes nothing', () => {
  const fold = foldOf([first, two, one])
  assert.equal(agents(fold), 2)
  assert.deepEqual(fold.put(one), [])
  assert.equal(agents(fold), 2)
})

test('a conflict denies the bundle until the next version names all of it', () => {
  const [a, b] = [two, world.nextPolicy([one], { message: 'also two' })]
  const fold = foldOf([first, one, a, b])
  assert.deepEqual(standings(fold, [a, b]), ['conflict', 'conflict'])
  assert.match(String(agents(fold)), /are both version 2; a version 3 that names both resolves it/)
  assert.equal(fold.governance.bundles.get('agents')?.inForce, null)

  const half = world.nextPolicy([a], { message: 'half' })
  fold.put(half)
  assert.equal(typeof agents(fold), 'string')
  const whole = world.nextPolicy([b, a], { message: 'whole' })
  fold.put(whole)
  assert.match(String(agents(fold)), /are both version 3/)
  fold.put(world.nextPolicy([whole, half]))
  assert.equal(agents(fold), 4)
  assert.deepEqual(standings(fold, [a, b, half, whole]), Array(4).fill('effective'))
})

test('a conflict that an observing version follows still denies', () => {
  const b = world.nextPolicy([one], { message: 'also two' })
  const three = world.nextPolicy([two, b], { mode: 'observe' })
  assert.match(String(agents(foldOf([first, one, two, b, three]))), /are both version 2/)
})

test('two drafts of one version conflict only once both have their signatures', () => {
  const strict = new World(rootOf({ roles: { ...rolesOf(people), policy: role(2, ana, ben) } }))
  const [a, b] = [strict.policy({}, [ana, ben]), strict.policy({ message: 'b' }, [ana])]
  const fold = new Fold(strict.mesh)
  for (const each of [strict.first, a, b]) fold.put(each)
  assert.equal(agents(fold), 1)
  fold.put(strict.policy({ message: 'b' }, [ana, ben]))
  assert.equal(typeof agents(fold), 'string')
})

test('a higher observing version stands in the shadow of the one in force', () => {
  const shadow = world.nextPolicy([two], { mode: 'observe' })
  const fold = foldOf([first, one, two, shadow])
  const state = () => fold.governance.bundles.get('agents')
  assert.equal(state()?.inForce?.id, two.id)
  assert.equal(state()?.observed?.id, shadow.id)
  assert.deepEqual(
    state()?.versions.map(({ version }) => version),
    [1, 2, 3],
  )
  fold.put(world.nextPolicy([shadow], { mode: 'enforce' }))
  assert.equal(state()?.inForce?.version, 4)
  assert.equal(state()?.observed, null)
})

test('a dropped key disarms what it alone signed, except what the root keeps', () => {
  const other = world.policy({ bundle: 'ci' })
  const byBen = world.revocation({ target: { kind: 'node', did: ben.did } }, [ben])
  const byBoth = world.freeze({}, [ana, ben])
  const next = nextRoot(first, { ...without, keeps: [one.id], floors: new Map([['ci', 1]]) })
  const fold = foldOf([first, one, other, byBen, byBoth])
  const changed = fold.put(next)
  assert.deepEqual(changed.toSorted(), [other.id, next.id].toSorted())
  assert.deepEqual(standings(fold, [one, other, byBen, byBoth]), [
    'effective',
    'disarmed',
    'effective',
    'effective',
  ])
  assert.equal(fold.needs(other.id).missing, 1)
})

test('what a dropped key signs later is disarmed, whatever root it names', () => {
  const next = nextRoot(first, without)
  const late = world.revocation()
  const now = world.revocation({}, [ana], 2)
  const fold = foldOf([first, next, late, now])
  assert.deepEqual(standings(fold, [late, now]), ['disarmed', 'pending'])
  assert.equal(fold.governance.revocations.size, 0)
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

test('nothing falls back: a bundle whose newest version lost its signers denies', () => {
  const kept = world.nextPolicy([one], {}, [ben])
  const lost = world.nextPolicy([kept])
  const next = nextRoot(first, { ...without, keeps: [one.id] })
  const made = [first, one, kept, lost, next]
  const fold = foldOf(made)
  assert.match(String(agents(fold)), /version 3 lost its signers/)
  fold.put(world.nextPolicy([lost], {}, [ben], 2))
  assert.equal(agents(fold), 4)
})

test('the digest tells nodes apart that hold the version which lost its signers, and that do not', () => {
  const lost = world.nextPolicy([one])
  const next = nextRoot(first, { ...without, keeps: [one.id] })
  const [with_, without_] = [foldOf([first, one, next, lost]), foldOf([first, one, next])]
  assert.notDeepEqual(agents(with_), agents(without_))
  assert.notEqual(with_.governance.digest, without_.governance.digest)
})

test('below its floor a bundle denies until it is signed anew; above it a disarmed version is ignored', () => {
  const kept = world.nextPolicy([one], {}, [ben])
  const lost = world.nextPolicy([kept])
  const keeps = [one.id]
  const floor = (version: number) =>
    nextRoot(first, { ...without, keeps, floors: new Map([['agents', version]]) })
  assert.equal(agents(foldOf([first, one, kept, lost, floor(2)])), 2)
  const fold = foldOf([first, one, kept, lost, floor(4)])
  assert.match(String(agents(fold)), /asks for version 4 or later, and the newest is 2/)
  fold.put(world.nextPolicy([lost], {}, [ben], 2))
  assert.equal(agents(fold), 4)
  assert.match(String(agents(foldOf([first, floor(4)]))), /there is none/)
})

test('at its floor a bundle begins anew, also for who never saw the version before', () => {
  const next = nextRoot(first, { ...without, floors: new Map([['agents', 3]]) })
  const anew = world.nextPolicy([two], {}, [ben], 2)
  assert.equal(agents(foldOf([first, next, anew])), 3)
  const above = world.nextPolicy([anew], {}, [ben], 2)
  assert.equal(agents(foldOf([first, next, above])), 4)
  const further = world.nextPolicy([above], {}, [ben], 2)
  assert.equal(foldOf([first, next, further]).standing(further.id), 'pending')
})

test('a version that a root keeps needs none before it', () => {
  const next = nextRoot(first, { ...without, keeps: [two.id], floors: new Map([['agents', 1]]) })
  assert.equal(agents(foldOf([first, next, two])), 2)
})

test('a floor never sinks', () => {
  const high = nextRoot(first, { floors: new Map([['agents', 5]]) })
  const low = nextRoot(high, { floors: new Map([['agents', 1]]) })
  assert.match(String(agents(foldOf([first, one, high, low]))), /asks for version 5/)
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

test('a link is revoked by its own issuer, and by nobody else of the chain', () => {
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
})

test('a chain that begins with no issuer in role revokes nothing', () => {
  const fold = foldOf([first, world.revocation({ target, chain }, [person(1)])])
  assert.equal(fold.governance.revocations.size, 0)
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
