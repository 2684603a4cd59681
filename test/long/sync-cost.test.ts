import assert from 'node:assert/strict'
import { test } from 'node:test'
import { SyncWorld } from '../sim/sync-world.ts'
import { World } from '../unit/statements.ts'

const mesh = new World()
const revocations = (from: number, to: number) =>
  Array.from({ length: to - from }, (_, n) => mesh.revocation({ message: `number ${from + n}` }))

test('one missing among 20,000 takes at most 5 round trips and 64 KiB', async (t) => {
  const world = new SyncWorld({ gossip: false })
  const all = revocations(0, 20_000)
  const [a, b] = [await world.open('a', all.slice(1)), await world.open('b', all)]
  world.connect(a, b)
  await world.agree(10_000)
  assert.equal(world.digests, 1)
  const cost = [...a.costs, ...b.costs].find(({ rounds }) => rounds > 1)
  assert.ok(cost !== undefined)
  const bytes = cost.sentBytes + cost.receivedBytes
  t.diagnostic(`${cost.rounds} rounds, ${bytes} bytes`)
  assert.ok(cost.rounds <= 5 && bytes < 65_536, `${cost.rounds} rounds, ${bytes} bytes`)
  await world.stop()
})
