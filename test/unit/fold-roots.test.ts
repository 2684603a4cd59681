/** The chain of trust roots, as the fold follows it. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { checkStanding } from '../../src/core/checks/governance.ts'
import { Fold } from '../../src/core/fold.ts'
import { needsOf } from '../../src/core/needs.ts'
import { row } from '../lab/row.ts'
import {
  ana,
  atlas,
  ben,
  corvus,
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

/** Why a member denies whatever it is asked; null where it does not. */
function denied(fold: Fold, nowMs = NOW_MS + 1): string | null {
  return (
    checkStanding({ ...fold.governance, arriving: [] }, atlas.identity.did, nowMs)?.detail ?? null
  )
}

const one = world.policy()
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

test('k-1 signatures of the last root, or of the new one, make no root', (t) => {
  const dan = keyOf('dan')
  const roles = { ...rolesOf(people), root: role(2, cy, dan) }
  for (const signers of [[ana], [ana, ben], [cy, dan], [cy]]) {
    const next = nextRoot(first, { roles }, signers)
    const fold = foldOf([first, next])
    assert.equal(fold.standing(next.id), 'pending')
    assert.ok(needsOf(next.statement, next.envelope, fold.governance).missing > 0)
  }
  for (const signers of [
    [ana, cy, dan],
    [ana, ben, cy, dan],
  ]) {
    const next = nextRoot(first, { roles }, signers)
    assert.equal(foldOf([first, next]).standing(next.id), 'effective')
  }
  row(t, 65, 'k - 1 signatures: 0 roots accepted')
})

test('of a root each version whose keys have to sign it says what it still needs', () => {
  const roles = { ...rolesOf(people), root: role(2, cy, keyOf('dan')) }
  const next = nextRoot(first, { roles }, [ana, ben])
  const { threshold } = first.statement.roles.root
  assert.deepEqual(needsOf(next.statement, next.envelope, foldOf([first, next]).governance), {
    role: 'root',
    threshold: 2,
    missing: 2,
    each: [
      { root: 1, threshold, missing: 0 },
      { root: 2, threshold: 2, missing: 2 },
    ],
  })
})

test('no root is skipped, and none follows one that is not effective', (t) => {
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
  row(t, 66, 'gap and skipped version: 0 accepted')
})

test('keys that make themselves the root, whatever they follow and say, make none', (t) => {
  const [mallory, mira] = [keyOf('mallory'), keyOf('mira')]
  const theirs = { roles: rolesOf([mallory, mira]) }
  const second = nextRoot(first)
  const usurpers = [
    nextRoot(first, theirs, [mallory, mira]),
    // With one of the two who would have to sign.
    nextRoot(first, theirs, [mallory, mira, ana]),
    nextRoot(second, theirs, [mallory, mira]),
    // As version 1 again: another mesh. As one that follows a root nobody has.
    rootOf(theirs, [mallory, mira]),
    nextRoot(nextRoot(rootOf(theirs, [mallory, mira])), theirs, [mallory, mira]),
  ]
  const fold = foldOf([first, ...usurpers, second])
  assert.deepEqual(
    standings(fold, usurpers),
    usurpers.map(() => 'pending'),
  )
  assert.equal(fold.governance.root?.id, second.id)
  // What they sign later is nobody's.
  assert.equal(foldOf([first, ...usurpers, world.revocation({}, [mallory])]).governance.size, 1)
  row(t, 66, `self-signed: 0 of ${usurpers.length} accepted`)
})

test('a root in the middle that has expired leads on to the next, and the last one that has denies all', (t) => {
  const middle = nextRoot(first, { expiresMs: NOW_MS + 1 })
  const last = nextRoot(middle, { expiresMs: NOW_MS + 2 * DAY_MS })
  const member = world.member(atlas)
  const [led, stuck] = [foldOf([first, member, middle, last]), foldOf([first, member, middle])]
  assert.equal(led.governance.root?.version, 3)
  assert.equal(denied(led), null)
  assert.equal(denied(led, NOW_MS + 2 * DAY_MS - 1), null)
  assert.match(denied(led, NOW_MS + 2 * DAY_MS) ?? '', /trust root v3 expired/)
  assert.match(denied(stuck) ?? '', /trust root v2 expired/)
  // It does not fall back to the first, which has not.
  assert.equal(stuck.governance.root?.version, 2)
  row(t, 66, 'expired in the middle: led on to the next; expired at the end: all denied')
})

test('a rolled-back root changes nothing', (t) => {
  const second = nextRoot(first)
  const fold = foldOf([first, second])
  const { digest } = fold.governance
  assert.deepEqual(fold.put(first), [])
  assert.equal(fold.governance.root?.version, 2)
  assert.equal(fold.governance.digest, digest)
  row(t, 61, 'an older root again: 0 accepted')
})

test('two effective roots of one version are disputed until one is pinned', (t) => {
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

  const member = world.member(atlas)
  assert.match(denied(foldOf([first, member, a, b])) ?? '', /2 trust roots of one version/)
  assert.equal(denied(foldOf([first, member, a, b], [a])), null)
  row(t, 66, 'two roots of one version: all denied until one is pinned')
})

test('a new witness must be a member when the root takes effect', (t) => {
  const member = world.member(corvus)
  const next = nextRoot(first, {
    witnesses: [corvus.identity.did],
    lease: { ...first.statement.lease, read: 1, write: 1 },
  })
  const fold = foldOf([first, next])
  assert.equal(fold.standing(next.id), 'pending')
  assert.deepEqual(fold.put(member).toSorted(), [member.id, next.id].toSorted())
  assert.equal(fold.governance.root?.id, next.id)
  row(t, 114, '0 accepted')
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
})

test('what a dropped key signs later is disarmed, whatever root it names', (t) => {
  const next = nextRoot(first, without)
  const late = world.revocation()
  const now = world.revocation({}, [ana], 2)
  const fold = foldOf([first, next, late, now])
  assert.deepEqual(standings(fold, [late, now]), ['disarmed', 'pending'])
  assert.equal(fold.governance.revocations.size, 0)
  row(t, 131, 'back-dated by a removed key: disarmed, whatever root it names')
})
