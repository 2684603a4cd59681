import assert from 'node:assert/strict'
import { test } from 'node:test'
import { MeshError } from '../../src/core/problems.ts'
import { Log } from '../../src/mesh/log.ts'
import { Statements } from '../../src/mesh/statements.ts'
import {
  ana,
  atlas,
  ben,
  cy,
  keyOf,
  type Made,
  people,
  role,
  rolesOf,
  rootOf,
  World,
} from '../unit/statements.ts'
import { VirtualClock } from './clock.ts'
import { Disk, DiskStore } from './disk.ts'

const world = new World(rootOf({ roles: { ...rolesOf(people), revoker: role(2, ana, ben, cy) } }))
const peer = keyOf('a peer').did

/** Fifty freezes, each by two keys that arrive apart, or both at once. */
const offers: readonly Made[] = Array.from({ length: 50 }, (_, n) => {
  const scope = { kind: 'principal', did: keyOf(`p${n}`).did } as const
  return [[ana], [ben], [ana, cy]].map((signers) => world.freeze({ scope }, signers))
}).flat()

async function start(disk: Disk) {
  const store = await DiskStore.open(disk)
  const log = await Log.open({ store, clock: disk.clock, node: atlas.identity.did })
  const persist = (puts: Parameters<Log['persist']>[0]) => log.persist(puts)
  const statements = await Statements.open({ store, persist, policy: { check: () => [] } })
  const stop = async () => {
    await disk.clock.until(log.close())
    await store.close()
  }
  return { statements, stop }
}

test('whatever writes fail, and are there or gone, a restart finds what governs and no more (S7, S17)', async () => {
  let failed = 0
  for (let seed = 1; seed <= 60; seed++) {
    const clock = new VirtualClock(seed)
    const { dice } = clock
    const disk = new Disk(clock)
    disk.delayMs = 3
    const node = await start(disk)
    await clock.until(node.statements.pin(world.mesh))
    await clock.until(node.statements.offer(world.first.bytes, peer, 'sync').done)
    for (let n = 0; n < 60; n++) {
      const one = offers[dice.integer(offers.length)]
      assert.ok(one !== undefined)
      node.statements.offer(one.bytes, peer, 'gossip').done.catch((error) => {
        assert.ok(error instanceof MeshError)
        failed += 1
      })
      if (dice.integer(8) === 0) disk.faults.push(dice.integer(2) === 0 ? 'gone' : 'there')
      // Some arrive while others are on their way to the disk.
      if (dice.integer(3) === 0) await clock.advance(dice.integer(10))
    }
    await clock.advance(120_000)
    disk.faults.length = 0
    // Whatever the last fault left behind, the next write that succeeds says what is right.
    await clock.until(node.statements.offer(world.member(atlas).bytes, peer, 'sync').done)
    await node.stop()
    const again = await start(disk)
    const { governance, trees } = node.statements
    assert.equal(again.statements.governance.digest, governance.digest, `seed ${seed}`)
    assert.equal(again.statements.trees.envelopes.rootHash, trees.envelopes.rootHash)
    assert.equal(again.statements.trees.waiting.rootHash, trees.waiting.rootHash)
    await again.stop()
  }
  assert.ok(failed > 0)
})
