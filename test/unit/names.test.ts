/** What keys are called. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { atlas, person } from '../../scripts/vectors/tokens.ts'
import type { Governed } from '../../src/core/presented.ts'
import { Names } from '../../src/daemon/names.ts'
import { world } from './deciding.ts'
import { governance } from './judgements.ts'

test('a name is a member’s, or a kept key’s; the function is the same until one of them changes', async () => {
  const { wallet } = await world()
  let now: Governed = governance()
  const names = new Names(() => now, wallet)
  const bob = wallet.key('bob')?.signer.did ?? assert.fail()
  const first = names.of
  assert.deepEqual([bob, atlas.did, person(7).did].map(first), ['bob', 'atlas', null])
  now = { ...now }
  assert.equal(names.of, first, 'the same members')
  const { signer } = await wallet.createKey('frank', null)
  assert.notEqual(names.of, first)
  assert.equal(names.of(signer.did), 'frank')
  assert.equal(first(signer.did), null)
  now = governance({ members: [] })
  assert.equal(names.of(atlas.did), null)
  assert.equal(names.of(bob), 'bob')
})
