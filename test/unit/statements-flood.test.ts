/** Who holds a link takes back one below it after the other (row 129). */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { link, person } from '../../scripts/vectors/tokens.ts'
import { utf8 } from '../../src/core/bytes.ts'
import { cidOf, sha256 } from '../../src/core/id.ts'
import { ISSUER_REVOCATIONS_MAX } from '../../src/core/limits.ts'
import { row } from '../lab/row.ts'
import { type Made, nextRoot, people, rolesOf, rootOf, World } from './statements.ts'
import { digestsOf, failsWith, lastCost, type Node, pull, Street } from './street.ts'

const issuer = { keys: [person(0).did], threshold: 1 }
const world = new World(rootOf({ roles: { ...rolesOf(people), issuer } }))
const MANY = ISSUER_REVOCATIONS_MAX + 60

const flood = Array.from({ length: MANY }, (_, i) => {
  const last = link(1, { nonce: sha256(utf8(`${i}`)).subarray(0, 12) })
  const target = { kind: 'link', cid: cidOf(last) } as const
  return world.revocation({ target, chain: [link(0), last] }, [person(1)])
})
/** The same link again and again; and links below some of his own, by who holds those. */
const again = link(1)
const SHAPES: Readonly<Record<string, (i: number) => Made>> = {
  'one link, again and again': (i) =>
    world.revocation(
      {
        ...{ target: { kind: 'link', cid: cidOf(again) }, chain: [link(0), again] },
        message: `${i}`,
      },
      [person(1)],
    ),
  'links below forty of his own': (i) => {
    const own = link(1, { nonce: sha256(utf8(`own ${i % 40}`)).subarray(0, 12) })
    const last = link(2, { nonce: sha256(utf8(`${i}`)).subarray(0, 12) })
    const target = { kind: 'link', cid: cidOf(last) } as const
    return world.revocation({ target, chain: [link(0), own, last] }, [person(2)])
  },
}

const KEPT = ISSUER_REVOCATIONS_MAX + 1
const onDisk = ({ memory }: Node) => [...memory.space('statement').keys()].sort()
const isOver = ({ statements }: Node) =>
  statements.governance.revocations.link(cidOf(link(0))) !== null

test('a flood of links taken back ends: all nodes name it alike whichever they keep, and hold each other’s states', async (t) => {
  const street = new Street()
  const [first, last] = [flood.slice(0, MANY - 20), flood.slice(MANY - KEPT)]
  const a = await street.open('a', world, first)
  const b = await street.open('b', world, last)
  // One who knew less than there may be, and some that neither of them kept.
  const c = await street.open('c', world, flood.slice(KEPT + 10))
  assert.equal(digestsOf(a, b), 1)
  assert.equal(a.statements.trees.envelopes.rootHash, b.statements.trees.envelopes.rootHash)
  assert.deepEqual([isOver(c), digestsOf(a, c)], [false, 2])
  await pull(street, c, a)
  await street.clock.settle()
  assert.deepEqual([isOver(c), digestsOf(a, b, c)], [true, 1])
  for (const node of [a, b, c]) {
    assert.equal(onDisk(node).length, 1 + KEPT)
    assert.equal(node.statements.governance.size, 2)
    assert.ok(isOver(node))
  }
  // They differ in nothing that they would have to exchange.
  await pull(street, a, b)
  assert.equal(lastCost(a).rounds, 1)

  const late = flood.at(-1)
  assert.ok(late !== undefined)
  const { verdict } = a.statements.offer(late.bytes, b.did, 'push')
  assert.deepEqual(verdict, { verdict: 'ignore', why: 'seen' })
  await assert.rejects(a.statements.submit(late.bytes), failsWith('TOO_MANY'))
  row(t, 129, `${MANY} links taken back: ${KEPT} kept, one name for them on every node`)
  row(t, 32, `${MANY} revocations of one issuer: ${KEPT} kept, the rest refused`)
})

test('a peer that says more are over than it shows is not believed, and the next one is', async () => {
  const street = new Street()
  const [a, liar] = [await street.open('a', world), await street.open('liar', world, flood)]
  const honest = await street.open('honest', world, flood)
  liar.lie = (answer) =>
    answer.say === 'proof' ? { ...answer, more: false, blobs: answer.blobs.slice(0, 3) } : answer
  await assert.rejects(pull(street, a, liar), failsWith('INVALID_ANSWER'))
  assert.ok(!isOver(a))
  await pull(street, a, honest)
  assert.ok(isOver(a))
})

for (const [order, come] of [
  ['as they were made', flood],
  ['by falling ids', flood.toSorted((a, b) => (a.id < b.id ? 1 : -1))],
  ['by rising ids', flood.toSorted((a, b) => (a.id < b.id ? -1 : 1))],
] as const)
  test(`a thousand and one are ever taken, so no log tells of more: ${order}`, async (t) => {
    const { statements } = await new Street().open('a', world)
    let told = 0
    statements.onChange(({ note }) => {
      if (note !== null) told += 1
    })
    for (const { bytes } of come) await statements.offer(bytes, null, 'push').done
    assert.equal(told, KEPT)
    row(t, 129, `${MANY} links taken back, ${order}: the log tells of ${told}`)
  })

test('what was taken back before a flood stays so, wherever it was known', async () => {
  const street = new Street()
  const [early] = flood
  assert.ok(early?.statement.target.kind === 'link')
  const { cid } = early.statement.target
  const a = await street.open('a', world, flood)
  const late = await street.open('late', world)
  await pull(street, late, a)
  for (const { statements } of [a, late])
    assert.equal(statements.governance.revocations.link(cid)?.id, early.id)
})

test('a new root that disarms the flood takes what it proved out of the digest, and nothing else', async () => {
  const street = new Street()
  const a = await street.open('a', world, flood)
  const b = await street.open('b', world, flood.toReversed())
  const [keeps] = [flood[0]?.id ?? world.first.id]
  const next = nextRoot(world.first, {
    roles: { ...world.first.statement.roles, issuer: { keys: [person(3).did], threshold: 1 } },
    keeps: [keeps],
  })
  for (const node of [a, b]) await node.statements.offer(next.bytes, null, 'local').done
  await pull(street, b, a)
  await pull(street, a, b)
  assert.equal(digestsOf(a, b), 1)
  assert.ok(!isOver(a))
  assert.equal(a.statements.governance.size, 3, 'two roots, and what is kept')
  assert.equal(a.statements.get(keeps)?.state, 'effective')
  assert.equal(b.statements.get(keeps)?.state, 'effective')
})

for (const [shape, make] of Object.entries(SHAPES))
  test(`a flood of another shape ends, too: ${shape}`, async (t) => {
    const street = new Street()
    const a = await street.open('a', world)
    for (let i = 0; i < MANY; i += 1)
      await a.statements.offer(make(i).bytes, people[0]?.did ?? null, 'push').done
    assert.equal(a.statements.governance.size, 2)
    assert.equal(onDisk(a).length, 1 + KEPT)
    assert.ok(isOver(a))
    row(t, 129, `${MANY} times ${shape}: ${KEPT} kept`)
  })
