import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { signerOf } from '../../src/core/keys.ts'
import { type Candidate, elect } from '../../src/network/election.ts'

const [A, B] = [1, 2].map((n) => signerOf(new Uint8Array(32).fill(n)).did) as [
  ReturnType<typeof signerOf>['did'],
  ReturnType<typeof signerOf>['did'],
]
const mirrored = (direction: Candidate['direction']) =>
  direction === 'inbound' ? 'outbound' : 'inbound'

test('both ends keep the same of two connections, in whichever order they see the hellos', () => {
  const direction = fc.constantFrom('inbound' as const, 'outbound' as const)
  fc.assert(
    fc.property(direction, direction, fc.boolean(), fc.boolean(), (first, second, swap, turn) => {
      const at = (d: Candidate['direction'], order: number) => ({ boot: 'b', order, direction: d })
      const here = [at(first, 0), at(second, 1)] as const
      // Two connections of different directions may open in another order at the other end.
      const crossed = swap && first !== second
      const there = [
        at(mirrored(first), crossed ? 1 : 0),
        at(mirrored(second), crossed ? 0 : 1),
      ] as const
      const kept = here.indexOf(
        turn ? elect(here[0], here[1], A, B) : elect(here[1], here[0], A, B),
      )
      assert.equal(there.indexOf(elect(there[0], there[1], B, A)), kept)
    }),
  )
})

test('the connection of a newer process wins over any other', () => {
  for (const older of ['inbound', 'outbound'] as const)
    for (const newer of ['inbound', 'outbound'] as const) {
      const old = { boot: 'one', order: 3, direction: older }
      const young = { boot: 'two', order: 4, direction: newer }
      assert.equal(elect(old, young, A, B), young)
      assert.equal(elect(young, old, B, A), young)
    }
})
