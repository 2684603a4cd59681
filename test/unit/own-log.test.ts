/** Whose word on this node's own log is its own. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { logKeysOf } from '../../src/mesh/own-log.ts'
import { Memory } from './memory.ts'
import { offer, open, opened, world } from './sets.ts'
import { atlas, borealis, keyOf, nextRoot } from './statements.ts'

test('a log key counts from the first membership that names it, for ever', async () => {
  const memory = new Memory()
  const statements = await opened(world, memory)
  const keys = logKeysOf(statements, atlas.identity.did)
  assert.deepEqual([...keys], [])
  const [first, second] = [atlas.log.did, keyOf('another log').did]
  await offer(statements, world.member(atlas))
  await offer(statements, world.member(borealis))
  await offer(statements, world.member(atlas, { version: 2, log: second }))
  assert.deepEqual([...keys], [first, second])
  const again = logKeysOf(await open(memory), atlas.identity.did)
  assert.deepEqual([...again].toSorted(), [first, second].toSorted())
})

test('one counts once its membership is in force, and not before', async () => {
  const statements = await opened()
  const keys = logKeysOf(statements, atlas.identity.did)
  await offer(statements, world.member(atlas, {}, [keyOf('nobody')]))
  assert.deepEqual([...keys], [])
  await offer(statements, world.member(atlas, {}, undefined, 2))
  assert.deepEqual([...keys], [])
  await offer(statements, nextRoot(world.first))
  assert.deepEqual([...keys], [atlas.log.did])
})
