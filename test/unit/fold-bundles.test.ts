/** Policy bundles in the fold: versions, conflicts, floors. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Fold } from '../../src/core/fold.ts'
import { row } from '../lab/row.ts'
import {
  ana,
  ben,
  cy,
  foldOf as folded,
  type Made,
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

test('fast-forward: a version without the one before it stays pending', (t) => {
  const lost = world.nextPolicy([two])
  const jump = world.nextPolicy([lost], { message: 'jump' })
  const huge = world.policy({ version: 1_000_000, previous: [one.id] })
  const other = world.policy({ bundle: 'other', version: 2, previous: [one.id] })
  const fold = foldOf([first, one, two, jump, huge, other])
  assert.deepEqual(standings(fold, [jump, huge, other]), ['pending', 'pending', 'pending'])
  assert.equal(agents(fold), 2)
  assert.deepEqual(fold.put(lost).toSorted(), [lost.id, jump.id].toSorted())
  assert.equal(agents(fold), 4)
  row(t, 62, 'a version without the one before it: 0 in force')
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

test('rollback is a new version: an older one that comes again changes nothing', (t) => {
  const fold = foldOf([first, two, one])
  assert.equal(agents(fold), 2)
  assert.deepEqual(fold.put(one), [])
  assert.equal(agents(fold), 2)
  row(t, 61, 'an older policy again: 0 accepted')
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

test('a conflict that an observing version follows still denies', (t) => {
  const b = world.nextPolicy([one], { message: 'also two' })
  const three = world.nextPolicy([two, b], { mode: 'observe' })
  assert.match(String(agents(foldOf([first, one, two, b, three]))), /are both version 2/)
  row(t, 144, '0 allows')
})

test('two drafts of one version conflict only once both have their signatures', (t) => {
  const strict = new World(rootOf({ roles: { ...rolesOf(people), policy: role(2, ana, ben) } }))
  const [a, b] = [strict.policy({}, [ana, ben]), strict.policy({ message: 'b' }, [ana])]
  const fold = new Fold(strict.mesh)
  for (const each of [strict.first, a, b]) fold.put(each)
  assert.equal(agents(fold), 1)
  fold.put(strict.policy({ message: 'b' }, [ana, ben]))
  assert.equal(typeof agents(fold), 'string')
  row(t, 128, 'a conflict only once both have their signatures')
})

test('a higher observing version stands in the shadow of the one in force', (t) => {
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
  row(t, 144, '0 allows')
})

test('nothing falls back: a bundle whose newest version lost its signers denies', (t) => {
  const kept = world.nextPolicy([one], {}, [ben])
  const lost = world.nextPolicy([kept])
  const next = nextRoot(first, { ...without, keeps: [one.id] })
  const made = [first, one, kept, lost, next]
  const fold = foldOf(made)
  assert.match(String(agents(fold)), /version 3 lost its signers/)
  fold.put(world.nextPolicy([lost], {}, [ben], 2))
  assert.equal(agents(fold), 4)
  row(t, 132, 'a bundle whose newest version lost its signers: 0 allows')
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
  const next = nextRoot(first, { ...without, keeps: [two.id] })
  assert.equal(agents(foldOf([first, next, two])), 2)
})

test('a floor never sinks', () => {
  const high = nextRoot(first, { floors: new Map([['agents', 5]]) })
  const low = nextRoot(high, { floors: new Map([['agents', 1]]) })
  assert.match(String(agents(foldOf([first, one, high, low]))), /asks for version 5/)
})

test('a floor of an earlier root is no word on what a later one disarms', () => {
  const kept = world.nextPolicy([one], {}, [ben])
  const lost = world.nextPolicy([kept])
  const early = nextRoot(first, { floors: new Map([['agents', 2]]) })
  const drops = nextRoot(early, { ...without, floors: new Map(), keeps: [one.id] })
  const made = [first, one, kept, lost, early, drops]
  assert.match(String(agents(foldOf(made))), /version 3 lost its signers/)
  const later = nextRoot(drops, { floors: new Map([['agents', 2]]) }, [ben, cy])
  assert.equal(agents(foldOf([...made, later])), 2)
})
