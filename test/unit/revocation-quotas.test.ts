import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { link, person } from '../../scripts/vectors/tokens.ts'
import { utf8 } from '../../src/core/bytes.ts'
import { cidOf, idOf } from '../../src/core/id.ts'
import { RevocationQuotas } from '../../src/core/revocation-quotas.ts'
import type { Revocation } from '../../src/core/statement/revocation.ts'
import { row } from '../lab/row.ts'
import { World } from './statements.ts'

const MAX = 4
const { statement } = new World().revocation()
const fork = { nonce: new Uint8Array(12).fill(1) }
/** What hangs below what: one link below two others, two below one. */
const paths: readonly (readonly Uint8Array[])[] = [
  [],
  [link(0)],
  [link(0), link(1)],
  [link(0), link(1, fork)],
  [link(0, fork), link(1)],
  [link(0), link(1), link(2)],
]
const some: fc.Arbitrary<readonly Revocation[]> = fc
  .array(fc.constantFrom(...paths), { minLength: 1, maxLength: 60 })
  .map((chosen) =>
    chosen.map((path, i): Revocation => {
      const bytes = link(path.length)
      const target = { kind: 'link', cid: cidOf(bytes) } as const
      return { ...statement, id: idOf(utf8(`${i}`)), target, chain: [...path, bytes] }
    }),
  )

/** What is kept, and what stands in the digest for it. */
function counted(order: readonly Revocation[]) {
  const quotas = new RevocationQuotas(MAX)
  const kept = new Map<string, Revocation>()
  const named = new Set<string>()
  for (const each of order) {
    if (quotas.covers(each)) continue
    kept.set(each.id, each)
    named.add(each.id)
    const over = quotas.put(each)
    if (over === null) continue
    for (const id of over.proof) named.delete(id)
    for (const key of over.instead) assert.ok(named.delete(key))
    named.add(over.key)
  }
  return { quotas, kept: [...kept.values()], named: [...named].sort() }
}

test('what stands in the digest does not depend on the order of arrival, whichever are kept', (t) => {
  fc.assert(
    fc.property(some, fc.infiniteStream(fc.nat()), (made, dice) => {
      const shuffled = made
        .map((each) => ({ each, at: Number(dice.next().value) }))
        .sort((a, b) => a.at - b.at)
        .map(({ each }) => each)
      const [one, other] = [counted(made), counted(shuffled)]
      assert.deepEqual(other.named, one.named)
      // Nor on what was left out before: only what is kept is passed on, and read again at a start.
      assert.deepEqual(counted(one.kept).named, one.named)
      const both = new Map([...other.kept, ...one.kept].map((each) => [each.id, each]))
      assert.deepEqual(counted([...both.values()]).named, one.named)
    }),
    { numRuns: 300 },
  )
  row(t, 129, '0 depend on the order')
})

test('of what is below a link one more is kept than there may be, and the rest is below something that is over', () => {
  fc.assert(
    fc.property(some, (made) => {
      const { kept, quotas } = counted(made)
      const ids = new Set(kept.map(({ id }) => id))
      for (const path of paths.slice(1)) {
        const below = kept.filter(({ chain }) => path.every((link, at) => chain[at] === link))
        const proper = below.filter(({ chain }) => chain.length > path.length)
        assert.ok(proper.length <= (MAX >> (path.length - 1)) + 1)
      }
      for (const { id, chain } of made) {
        if (ids.has(id)) continue
        const above = chain.length === 1 ? [person(0).did] : chain.slice(0, -1).map(cidOf)
        assert.ok(above.some((end) => quotas.over(end) !== null))
      }
    }),
  )
})
