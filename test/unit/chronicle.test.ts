import assert from 'node:assert/strict'
import { test } from 'node:test'
import { CHRONICLE_PAUSE_MS, PENDING_PER_SIGNER_MAX } from '../../src/core/limits.ts'
import { parseRecord } from '../../src/core/record.ts'
import { Chronicle } from '../../src/mesh/chronicle.ts'
import { Log } from '../../src/mesh/log.ts'
import { Statements } from '../../src/mesh/statements.ts'
import { VirtualClock } from '../sim/clock.ts'
import { Disk, DiskStore } from '../sim/disk.ts'
import { ana, atlas, ben, cy, keyOf, people, role, rolesOf, rootOf, World } from './statements.ts'

const world = new World(rootOf({ roles: { ...rolesOf(people), policy: role(2, ana, ben, cy) } }))
const peer = keyOf('a peer').did
const freeze = (n: number) =>
  world.freeze({ scope: { kind: 'principal', did: keyOf(`p${n}`).did } })

/** One start of a node, its log closed until the boot check is over. */
async function start(disk: Disk) {
  const { clock } = disk
  const store = await DiskStore.open(disk)
  const log = await Log.open({ store, clock, node: atlas.identity.did })
  const persist = (puts: Parameters<Log['persist']>[0]) => log.persist(puts)
  const statements = await Statements.open({ store, persist, policy: { check: () => [] } })
  await statements.pin(world.mesh)
  const chronicle = Chronicle.open({ statements, store, clock, log })
  const over = new AbortController()
  const running = chronicle.run(over.signal)
  return {
    store,
    log,
    statements,
    chronicle,
    async learn(bytes: Uint8Array, from = peer) {
      await clock.until(statements.offer(bytes, from, 'gossip').done)
    },
    /** What the log tells, in its order. */
    async told() {
      const records = await store.records(0, log.tree.size)
      return records
        .map(parseRecord)
        .flatMap((each) =>
          each.type === 'statement'
            ? [`${each.kind} ${each.state} ${each.summary.slice(0, 30)}`]
            : [],
        )
    },
    async stop() {
      over.abort()
      await clock.advance(2_000)
      await running
      await log.close()
      await store.close()
    },
  }
}

test('those of a burst share one batch, after the statements', async () => {
  const disk = new Disk(new VirtualClock())
  const node = await start(disk)
  node.log.openForAppends()
  for (const each of [world.first, freeze(0), freeze(1), freeze(2)]) await node.learn(each.bytes)
  const { commit } = disk.state
  assert.equal(node.log.tree.size, 0)
  await disk.clock.advance(CHRONICLE_PAUSE_MS)
  assert.deepEqual([node.log.tree.size, disk.state.commit], [4, commit + 1])
  await node.stop()
})

const expected = [
  'root effective root prod@1',
  'member effective member atlas@1 did:key:z6Mk',
  'freeze effective principal:did:key:z6Mk',
]
const shortened = (told: readonly string[]) =>
  told.map((line, at) => line.slice(0, (expected[at] ?? line).length))

test('what was learned before the log takes records is told in order, once it does', async () => {
  const disk = new Disk(new VirtualClock())
  const node = await start(disk)
  for (const { bytes } of [world.first, world.member(atlas), freeze(1)]) await node.learn(bytes)
  await disk.clock.advance(5_000)
  assert.equal(node.chronicle.waiting, 3)
  assert.deepEqual(await node.told(), [])
  node.log.openForAppends()
  await disk.clock.advance(5_000)
  assert.equal(node.chronicle.waiting, 0)
  assert.deepEqual(shortened(await node.told()), expected)
  await node.stop()
})

test('what gave way before it was told of leaves nothing behind', async () => {
  const disk = new Disk(new VirtualClock())
  const node = await start(disk)
  await node.learn(world.first.bytes)
  for (let n = 0; n < PENDING_PER_SIGNER_MAX + 5; n++) {
    const { bytes } = world.policy({ message: `draft ${n}` }, [ana])
    // Of each the larger ids give way, to its own signer's others.
    await disk.clock.until(node.statements.submit(bytes)).catch(() => {})
  }
  node.log.openForAppends()
  await disk.clock.advance(5_000)
  assert.equal(node.chronicle.waiting, 0)
  assert.equal((await node.told()).length, 1 + PENDING_PER_SIGNER_MAX)
  const cursors = await node.store.entries('governance')
  assert.deepEqual(
    [...cursors.keys()].filter((key) => key.startsWith('unlogged/')),
    [],
  )
  await node.stop()
})

test('what waited through a restart is told by the next start, and only once', async () => {
  const disk = new Disk(new VirtualClock())
  const first = await start(disk)
  for (const { bytes } of [world.first, world.member(atlas)]) await first.learn(bytes)
  await first.stop()
  for (let n = 0; n < 2; n++) {
    const node = await start(disk)
    node.log.openForAppends()
    await node.learn(freeze(1).bytes)
    await disk.clock.advance(5_000)
    assert.deepEqual(shortened(await node.told()), expected)
    await node.stop()
  }
})

for (const fault of ['gone', 'there'] as const)
  test(`a record whose write failed and is ${fault} is told exactly once`, async () => {
    const disk = new Disk(new VirtualClock())
    const node = await start(disk)
    for (const { bytes } of [world.first, world.member(atlas), freeze(1)]) await node.learn(bytes)
    disk.faults.push(fault)
    node.log.openForAppends()
    await disk.clock.advance(60_000)
    assert.deepEqual(shortened(await node.told()), expected)
    assert.equal(node.chronicle.waiting, 0)
    await node.stop()
  })

test('what is pending is told when it gets its force, and earlier only for a local caller', async () => {
  const disk = new Disk(new VirtualClock())
  const node = await start(disk)
  node.log.openForAppends()
  await node.learn(world.first.bytes)
  await node.learn(world.policy({}, [ana]).bytes)
  await disk.clock.advance(2_000)
  assert.deepEqual(shortened(await node.told()), expected.slice(0, 1))
  const local = world.policy({ bundle: 'ci' }, [ana])
  await disk.clock.until(node.statements.submit(local.bytes))
  await node.learn(world.policy({}, [ben]).bytes)
  await disk.clock.advance(2_000)
  assert.deepEqual((await node.told()).slice(1), [
    'policy pending policy ci@1 (enforce)',
    'policy effective policy agents@1 (enforce)',
  ])
  await node.stop()
})
