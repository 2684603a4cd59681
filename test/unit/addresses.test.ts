/** Address records: whose word counts, which of two, and what is kept. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { textOf, utf8 } from '../../src/core/bytes.ts'
import type { Did } from '../../src/core/keys.ts'
import { ADDRESS_SEQ_MAX } from '../../src/core/limits.ts'
import { Malformed } from '../../src/core/malformed.ts'
import { formatPeerId } from '../../src/core/peer-id.ts'
import { openAddressRecord, signAddressRecord } from '../../src/mesh/address-record.ts'
import { Addresses } from '../../src/mesh/addresses.ts'
import { VirtualClock } from '../sim/clock.ts'
import { Memory } from './memory.ts'
import { atlas, borealis, corvus, type NodeKeys, World } from './statements.ts'

const world = new World()

const at = (node: NodeKeys, host: string) =>
  `/ip4/${host}/tcp/4717/p2p/${formatPeerId(node.identity.did)}`

function recordOf(node: NodeKeys, seq: number, host = '10.0.0.1') {
  const record = { node: node.identity.did, addresses: [at(node, host)], seq }
  return signAddressRecord(record, node.identity)
}

async function open(
  node: NodeKeys,
  members: readonly NodeKeys[],
  memory = new Memory(),
  clock = new VirtualClock(),
) {
  const listening: string[] = []
  const dialled = new Map<Did, readonly string[]>()
  const known = new Map(
    members.map((each) => [each.identity.did, world.member(each).statement] as const),
  )
  const addresses = await Addresses.open({
    store: memory,
    persist: (puts) => memory.persist(puts),
    network: {
      addresses: () => listening,
      remember: (peer, where) => dialled.set(peer, where),
      forget: (peer) => dialled.delete(peer),
    },
    clock,
    node: node.identity,
    governance: () => ({ members: known }),
  })
  return { addresses, listening, dialled, memory, clock }
}

test('a record is read as what was signed, and only its node can sign it', () => {
  const bytes = recordOf(borealis, 7)
  assert.deepEqual(openAddressRecord(bytes), {
    node: borealis.identity.did,
    addresses: [at(borealis, '10.0.0.1')],
    seq: 7,
  })
  const text = textOf(bytes)
  const foreign = { node: atlas.identity.did, addresses: [at(borealis, '10.0.0.1')], seq: 7 }
  const bad = [
    utf8(text.replace('"seq":7', '"seq":8')),
    utf8(text.replace('10.0.0.1', '10.0.0.2')),
    utf8(text.replace('{"record"', '{ "record"')),
    signAddressRecord({ ...foreign, addresses: [] }, borealis.identity),
    signAddressRecord(foreign, atlas.identity),
  ]
  for (const each of bad) assert.throws(() => openAddressRecord(each), Malformed)
})

test('of two records the one with the higher number counts, in either order', async () => {
  const [old, young] = [recordOf(borealis, 7), recordOf(borealis, 8, '10.0.0.2')]
  for (const order of [
    [old, young],
    [young, old],
  ] as const) {
    const { addresses, dialled } = await open(atlas, [atlas, borealis])
    addresses.start()
    for (const each of order) addresses.offer(each)
    assert.deepEqual(addresses.of(borealis.identity.did), [at(borealis, '10.0.0.2')])
    assert.deepEqual(dialled.get(borealis.identity.did), [at(borealis, '10.0.0.2')])
    assert.equal(addresses.offer(young), false, 'no news twice')
  }
})

test('records of strangers, and what does not hold, are no news and not dialled', async () => {
  const { addresses, dialled } = await open(atlas, [atlas, borealis])
  addresses.start()
  assert.equal(addresses.offer(recordOf(corvus, 7)), false)
  assert.equal(addresses.offer(utf8('{}')), false)
  assert.equal(addresses.offer(new Uint8Array(100_000)), false)
  assert.equal(dialled.size, 0)
  assert.equal([...addresses.all()].length, 1)
})

test('equal records are equal hashes, whatever the order of arrival', async () => {
  const all = [atlas, borealis, corvus]
  const one = await open(atlas, all)
  const other = await open(borealis, all)
  const [a, b] = [one.addresses.own(), other.addresses.own()]
  const c = recordOf(corvus, 3)
  for (const each of [b, c]) assert.ok(one.addresses.offer(each))
  assert.notEqual(one.addresses.hash, other.addresses.hash)
  for (const each of [c, a]) assert.ok(other.addresses.offer(each))
  assert.equal(one.addresses.hash, other.addresses.hash)
  assert.match(one.addresses.hash, /^[0-9a-f]{64}$/)
})

test('the own record grows with each change, over restarts and after an old image', async () => {
  const memory = new Memory()
  const clock = new VirtualClock()
  const first = await open(atlas, [atlas], memory, clock)
  first.listening.push(at(atlas, '10.0.0.1'))
  first.addresses.start()
  const before = openAddressRecord(first.addresses.own())
  assert.deepEqual(openAddressRecord(first.addresses.own()), before, 'no change, no new record')

  const second = await open(atlas, [atlas], memory, clock)
  assert.deepEqual(openAddressRecord(second.addresses.own()), before, 'before it listens')
  second.listening.push(at(atlas, '10.0.0.2'))
  second.addresses.start()
  const after = openAddressRecord(second.addresses.own())
  assert.ok(after.seq > before.seq)

  const restored = await open(atlas, [atlas], new Memory(), clock)
  clock.stepWall(-1_000_000)
  restored.listening.push(at(atlas, '10.0.0.3'))
  restored.addresses.start()
  assert.ok(restored.addresses.offer(second.addresses.own()), 'others knew a later life')
  const last = openAddressRecord(restored.addresses.own())
  assert.ok(last.seq > after.seq)
  assert.deepEqual(last.addresses, [at(atlas, '10.0.0.3')])
})

test('a node that was removed is not dialled until it says something newer', async () => {
  const { addresses, dialled, memory } = await open(atlas, [atlas, borealis])
  addresses.start()
  const did = borealis.identity.did
  addresses.offer(recordOf(borealis, 7))
  await addresses.contact(did, [at(borealis, '10.0.0.9')])
  await addresses.remove(did)
  assert.ok(!dialled.has(did))
  assert.deepEqual(addresses.of(did), [])
  assert.equal([...addresses.all()].length, 2, 'it is passed on all the same')

  const again = await open(atlas, [atlas, borealis], memory)
  again.addresses.start()
  assert.ok(!again.dialled.has(did), 'nor after a restart')
  assert.equal(again.addresses.offer(recordOf(borealis, 7)), false)
  assert.ok(again.addresses.offer(recordOf(borealis, 8)))
  assert.deepEqual(again.dialled.get(did), [at(borealis, '10.0.0.1')])
})

test('where an operator joined is dialled again after a restart', async () => {
  const first = await open(atlas, [atlas])
  const did = borealis.identity.did
  await first.addresses.contact(did, [at(borealis, '10.0.0.9')])
  const second = await open(atlas, [atlas], first.memory)
  second.addresses.start()
  assert.deepEqual(second.dialled.get(did), [at(borealis, '10.0.0.9')])
})

test('the last number there is, said by a thief of the node’s own key, stops nothing', async () => {
  const { addresses, listening } = await open(atlas, [atlas])
  addresses.start()
  assert.equal(addresses.offer(recordOf(atlas, ADDRESS_SEQ_MAX)), true)
  listening.push(at(atlas, '10.0.0.9'))
  assert.deepEqual(addresses.own(), recordOf(atlas, ADDRESS_SEQ_MAX))
  assert.throws(() => openAddressRecord(recordOf(atlas, ADDRESS_SEQ_MAX + 1)), Malformed)
})

test('record after record of one node is written as fast as the disk takes it, and the newest last', async () => {
  const { addresses, memory } = await open(atlas, [atlas, borealis])
  memory.hold()
  for (let seq = 1; seq <= 50; seq++) addresses.offer(recordOf(borealis, seq))
  const before = memory.batches
  memory.release()
  await new Promise(setImmediate)
  assert.equal(memory.batches - before, 2)
  const key = `record/${borealis.identity.did}`
  assert.deepEqual(memory.space('peer').get(key), recordOf(borealis, 50))
})
