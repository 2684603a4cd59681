import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { link, person } from '../../scripts/vectors/tokens.ts'
import { utf8 } from '../../src/core/bytes.ts'
import { type Cid, cidOf, idOf } from '../../src/core/id.ts'
import type { Did } from '../../src/core/keys.ts'
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
const ends: readonly (Cid | Did)[] = [person(0).did, ...paths.slice(1).map(endOf)]

function endOf(path: readonly Uint8Array[]): Cid {
  return cidOf(path.at(-1) as Uint8Array)
}

const some: fc.Arbitrary<readonly Revocation[]> = fc
  .array(fc.constantFrom(...paths), { minLength: 1, maxLength: 60 })
  .map((chosen) =>
    chosen.map((path, i): Revocation => {
      const bytes = link(path.length)
      const target = { kind: 'link', cid: cidOf(bytes) } as const
      return { ...statement, id: idOf(utf8(`${i}`)), target, chain: [...path, bytes] }
    }),
  )

/** What is kept, and which links and issuers are over. */
function counted(order: readonly Revocation[]) {
  const quotas = new RevocationQuotas(MAX)
  const kept = new Set<string>()
  for (const each of order) {
    const covered = quotas.covers(each)
    kept.add(each.id)
    const gone = quotas.put(each)
    for (const { id } of gone) assert.ok(kept.delete(id))
    assert.equal(gone.includes(each), covered)
  }
  return { quotas, kept: [...kept].sort(), over: ends.map((end) => quotas.over(end)?.id ?? null) }
}

test('what is kept and what is over does not depend on the order of arrival', (t) => {
  fc.assert(
    fc.property(some, fc.infiniteStream(fc.nat()), (made, dice) => {
      const shuffled = made
        .map((each) => ({ each, at: Number(dice.next().value) }))
        .sort((a, b) => a.at - b.at)
        .map(({ each }) => each)
      const [one, other] = [counted(made), counted(shuffled)]
      assert.deepEqual(other.kept, one.kept)
      assert.deepEqual(other.over, one.over)
      // Nor on what has left before: only what is kept is passed on.
      assert.deepEqual(counted(made.filter(({ id }) => one.kept.includes(id))).over, one.over)
    }),
    { numRuns: 300 },
  )
  row(t, 129, '0 depend on the order')
})

test('what is not kept is below something that is over', () => {
  fc.assert(
    fc.property(some, (made) => {
      const { kept, quotas } = counted(made)
      for (const { id, chain } of made) {
        if (kept.includes(id)) continue
        const above = chain.length === 1 ? [person(0).did] : chain.slice(0, -1).map(cidOf)
        assert.ok(above.some((end) => quotas.over(end) !== null))
      }
    }),
  )
})
