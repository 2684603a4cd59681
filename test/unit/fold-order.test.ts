/** The fold against the order of arrival, floods, and size. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { link, person } from '../../scripts/vectors/tokens.ts'
import { utf8 } from '../../src/core/bytes.ts'
import { Fold } from '../../src/core/fold.ts'
import type { Governance } from '../../src/core/governance.ts'
import { cidOf, idOf, sha256 } from '../../src/core/id.ts'
import { ISSUER_REVOCATIONS_MAX, TIME_S_MAX } from '../../src/core/limits.ts'
import type { Revocation } from '../../src/core/statement/revocation.ts'
import { row } from '../lab/row.ts'
import {
  ana,
  atlas,
  ben,
  borealis,
  corvus,
  cy,
  forked,
  keyOf,
  type Made,
  nextRoot,
  people,
  rolesOf,
  rootOf,
  World,
} from './statements.ts'

const world = new World(
  rootOf({ roles: { ...rolesOf(people), issuer: { keys: [person(0).did], threshold: 1 } } }),
)
const { first } = world

/** Roots, forks of them, versions in conflict, disarmed ones, freezes of one version: all that could depend on order. */
function everything(): readonly Made[] {
  const one = world.policy()
  const two = world.nextPolicy([one])
  const twin = world.nextPolicy([one], { message: 'twin' }, [cy])
  const three = world.nextPolicy([two, twin], {}, [ben])
  const late = world.nextPolicy([three], { message: 'late' })
  const { roles } = first.statement
  const dropsAna = { ...rolesOf([ben, cy]), issuer: roles.issuer }
  const member = world.member(corvus, {}, [ben])
  const witnesses = [atlas.identity.did, corvus.identity.did]
  const second = nextRoot(first, { roles: dropsAna, witnesses, keeps: [one.id, member.id] })
  const lied = forked(world, corvus)
  const third = nextRoot(second, { floors: new Map([['agents', 3]]), lifts: [lied.id] })
  const own = { target: { kind: 'link', cid: cidOf(link(1)) }, chain: [link(0), link(1)] } as const
  return [
    ...[first, second, third, nextRoot(second, { message: 'fork' }, [ben, cy])],
    ...[one, two, twin, three, late, world.nextPolicy([late], { mode: 'observe' }, [cy], 2)],
    ...[world.member(atlas), world.member(atlas, { version: 2 }), member],
    ...[world.freeze(), world.freeze({ frozen: false }), world.freeze({ version: 2 }, [cy])],
    ...[
      world.revocation(),
      world.revocation({ message: 'again' }, [ben]),
      world.revocation(own, [person(1)]),
    ],
    ...[world.epoch(borealis), world.epoch(borealis, { overrules: true }, [ben], 2)],
    ...[lied, world.epoch(corvus, {}, [ben], 2), forked(world, corvus, 7, 2)],
    ...[forked(world, atlas, 3), forked(world, atlas, 4), forked(world, borealis)],
  ]
}

/** All that governance says, without its identity: of a log that it has two histories, however that was shown. */
function told({ revocations, evidence, distrusted, ...rest }: Governance) {
  const did = keyOf('planner').did
  return {
    ...rest,
    evidence: [...evidence].map(([origin, { lifted }]) => [origin, lifted]),
    distrusted: [...distrusted].map(([node, { origin }]) => [node, origin]),
    freezes: [...rest.freezes],
    members: [...rest.members],
    size: revocations.size,
    revoked: [revocations.did('principal', did), revocations.link(cidOf(link(1)))],
  }
}

test('equal sets give equal governance and one digest, whatever the order of arrival', () => {
  const made = everything()
  const known = fc.shuffledSubarray([...made], { minLength: 1 })
  fc.assert(
    fc.property(known, fc.infiniteStream(fc.nat()), (some, dice) => {
      const folded = new Fold(world.mesh)
      for (const each of some) folded.put(each)
      const again = new Fold(world.mesh)
      const order = some
        .map((each) => ({ each, at: Number(dice.next().value) }))
        .sort((a, b) => a.at - b.at)
      for (const { each } of order) {
        again.put(each)
        // To read in between must not matter either.
        assert.ok(again.governance.digest.length === 64)
      }
      assert.deepEqual(told(again.governance), told(folded.governance))
      for (const { id, statement } of some) {
        // Of several that prove the same, one gave way to the other: what is told of them above is alike.
        if (statement.type !== 'evidence') assert.equal(again.standing(id), folded.standing(id))
      }
    }),
    { numRuns: 150 },
  )
})

test('signatures that come one by one, in any order, end where all of them at once do', () => {
  const roles = rolesOf(people, 3)
  const strict = new World(rootOf({ roles }))
  const signed = (signers: readonly (typeof ana)[]) => [
    strict.policy({}, signers),
    nextRoot(strict.first, { message: 'next' }, signers),
  ]
  const steps = [[ana], [ana, ben], [ana, ben, cy]].flatMap(signed)
  fc.assert(
    fc.property(fc.shuffledSubarray(steps, { minLength: 6, maxLength: 6 }), (order) => {
      const fold = new Fold(strict.mesh)
      fold.put(strict.first)
      const most = new Map<string, Made>()
      for (const each of order) {
        const before = most.get(each.id)?.envelope.signatures.length ?? 0
        if (each.envelope.signatures.length > before) most.set(each.id, each)
        fold.put(most.get(each.id) ?? each)
      }
      assert.equal(fold.governance.size, 3)
      assert.equal(fold.governance.root?.version, 2)
    }),
  )
})

test('the changes that put tells of are those of the standings', () => {
  fc.assert(
    fc.property(fc.shuffledSubarray([...everything()]), (some) => {
      const fold = new Fold(world.mesh)
      for (const [i, each] of some.entries()) {
        const before = some.slice(0, i + 1).map(({ id }) => fold.standing(id))
        const changed = fold.put(each)
        const expected = some
          .slice(0, i + 1)
          .filter(({ id }, at) => fold.standing(id) !== before[at])
        assert.deepEqual(changed.toSorted(), expected.map(({ id }) => id).toSorted())
      }
    }),
    { numRuns: 50 },
  )
})

/** Revocations of links below a path, by who made them; unsigned, for the fold counts what was verified. */
function takenBack(count: number, path: readonly Uint8Array[], by: number, name = 'own') {
  const made = world.revocation({}, [person(by)])
  const last = Array.from({ length: Math.min(count, 20) }, (_, i) =>
    link(by, { nonce: sha256(utf8(`${name} ${i}`)).subarray(0, 12) }),
  )
  return Array.from({ length: count }, (_, i): Made<Revocation> => {
    const id = idOf(utf8(`${name} ${i}`))
    const bytes = last[i % last.length] as Uint8Array
    const target = { kind: 'link', cid: cidOf(bytes) } as const
    return { ...made, id, statement: { ...made.statement, id, target, chain: [...path, bytes] } }
  })
}

const MAX = ISSUER_REVOCATIONS_MAX
const below = cidOf(link(0))

test('a link below which more is taken back than there may be counts as revoked, alike in every order', () => {
  const own = takenBack(MAX + 50, [link(0)], 1)
  const digests = new Set<string>()
  for (const order of [own, own.toReversed(), own.toSorted((a, b) => (a.id < b.id ? 1 : -1))]) {
    const fold = new Fold(world.mesh)
    fold.put(first)
    for (const each of order.slice(0, MAX)) fold.put(each)
    assert.equal(fold.governance.revocations.link(below), null)
    for (const each of order.slice(MAX)) fold.put(each)
    const { revocations, size, digest } = fold.governance
    const found = revocations.link(below)
    assert.equal(found?.id, order[MAX]?.id)
    assert.equal(found?.untilMs, TIME_S_MAX * 1000)
    // No more is kept than shows it, however many come.
    assert.deepEqual([revocations.size, size], [MAX + 1, 2])
    const kept = [...fold.all()].map(({ statement: { id } }) => id)
    assert.deepEqual(
      kept,
      [first, ...order.slice(0, MAX + 1)].map(({ id }) => id),
    )
    assert.ok(order.every(({ statement }) => revocations.covers(statement)))
    const [[, proof] = []] = fold.conclusions
    assert.deepEqual(proof, kept.slice(1))
    digests.add(digest)
  }
  assert.equal(digests.size, 1)
})

test('one of those to whom a link was passed on cannot use it up; several can, alike in every order', () => {
  const flood = takenBack(MAX, [link(0), link(1)], 2, 'a')
  const second = { nonce: new Uint8Array(12).fill(9) }
  const other = takenBack(MAX, [link(0), link(1, second)], 2, 'b')
  const orders = [
    [...flood, ...other],
    [...other, ...flood].toReversed(),
    flood.flatMap((each, i) => [each, other[i] as Made<Revocation>]),
  ]
  const told = new Set<string>()
  for (const order of orders) {
    const fold = new Fold(world.mesh)
    fold.put(first)
    for (const each of flood) fold.put(each)
    const { revocations } = fold.governance
    assert.deepEqual(
      [revocations.link(cidOf(link(1))) !== null, revocations.link(below)],
      [true, null],
    )

    const both = new Fold(world.mesh)
    both.put(first)
    for (const each of order) both.put(each)
    const { size, digest, revocations: all } = both.governance
    assert.equal(size, 2)
    assert.notEqual(all.link(below), null)
    told.add(digest)
  }
  assert.equal(told.size, 1)
})

test('an issuer in role that takes back too much of its own counts as revoked', () => {
  const fold = new Fold(world.mesh)
  fold.put(first)
  for (const each of takenBack(MAX + 1, [], 0)) fold.put(each)
  const { revocations } = fold.governance
  assert.notEqual(revocations.did('issuer', person(0).did), null)
  assert.equal(revocations.did('issuer', person(1).did), null)
})

test('20,000 revocations are folded one by one, each with its digest', (t) => {
  const made = world.revocation()
  const fold = new Fold(world.mesh)
  fold.put(first)
  const digests = new Set<string>()
  for (let i = 0; i < 20_000; i++) {
    const id = idOf(utf8(`revocation ${i}`))
    const target = { kind: 'execution', record: id } as const
    fold.put({ ...made, statement: { ...made.statement, id, target } })
    digests.add(fold.governance.digest)
  }
  assert.equal(digests.size, 20_000)
  assert.equal(fold.governance.revocations.size, 20_000)
  const next = nextRoot(first, { roles: { ...first.statement.roles, ...rolesOf([ben, cy]) } })
  assert.equal(fold.put(next).length, 20_001)
  assert.equal(fold.governance.revocations.size, 0)
  row(t, 77, '20,000 folded')
})
