/** Who holds a link takes back one below it after the other (row 129). */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { link, person } from '../../scripts/vectors/tokens.ts'
import { utf8 } from '../../src/core/bytes.ts'
import { cidOf, sha256 } from '../../src/core/id.ts'
import { ISSUER_REVOCATIONS_MAX } from '../../src/core/limits.ts'
import { row } from '../lab/row.ts'
import { type Made, people, rolesOf, rootOf, World } from './statements.ts'
import { digestsOf, failsWith, type Node, pull, Street } from './street.ts'

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

const ascending = flood.toSorted((a, b) => (a.id < b.id ? -1 : 1))
const kept = ascending.slice(0, ISSUER_REVOCATIONS_MAX + 1).map(({ id }) => id)
const onDisk = ({ memory }: Node) => [...memory.space('statement').keys()].sort()

test('a flood of links taken back ends: all nodes keep the same few, on disk too, and hold each other’s states', async (t) => {
  const street = new Street()
  // Each knows some that the other will never keep.
  const a = await street.open('a', world, ascending.slice(30))
  const b = await street.open('b', world, ascending.slice(0, ISSUER_REVOCATIONS_MAX))
  assert.equal(a.statements.governance.size, ISSUER_REVOCATIONS_MAX + 2)
  for (const [one, other] of [
    [b, a],
    [a, b],
  ] as const) {
    await pull(street, one, other)
    await street.clock.settle()
  }
  assert.equal(digestsOf(a, b), 1)
  for (const node of [a, b]) {
    assert.deepEqual(onDisk(node), [world.first.id, ...kept].sort())
    assert.notEqual(node.statements.governance.revocations.link(cidOf(link(0))), null)
  }

  const late = ascending.at(-1)
  assert.ok(late !== undefined)
  const { verdict } = a.statements.offer(late.bytes, b.did, 'push')
  assert.deepEqual(verdict, { verdict: 'ignore', why: 'seen' })
  await assert.rejects(a.statements.submit(late.bytes), failsWith('TOO_MANY'))
  row(t, 129, `${MANY} links taken back: ${kept.length} kept, the same on every node`)
  row(t, 32, `${MANY} revocations of one issuer: ${kept.length} kept, the rest refused`)
})

for (const [shape, make] of Object.entries(SHAPES))
  test(`a flood of another shape ends, too: ${shape}`, async (t) => {
    const street = new Street()
    const a = await street.open('a', world)
    for (let i = 0; i < MANY; i += 1)
      await a.statements.offer(make(i).bytes, people[0]?.did ?? null, 'push').done
    assert.equal(a.statements.governance.size, ISSUER_REVOCATIONS_MAX + 2)
    assert.equal(onDisk(a).length, ISSUER_REVOCATIONS_MAX + 2)
    assert.notEqual(a.statements.governance.revocations.link(cidOf(link(0))), null)
    row(t, 129, `${MANY} times ${shape}: ${ISSUER_REVOCATIONS_MAX + 1} kept`)
  })
