/** What a mirror takes of another node's log, whatever it is sent; what it gives back, and to whom. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { textOf, utf8 } from '../../src/core/bytes.ts'
import { logOrigin, signCheckpoint } from '../../src/core/checkpoint.ts'
import type { Did } from '../../src/core/keys.ts'
import { MIRROR_PAUSE_MS } from '../../src/core/limits.ts'
import { append, EMPTY, leafHash, rootHash, type Tree } from '../../src/core/merkle.ts'
import { proveConsistency } from '../../src/core/proof.ts'
import { Checkpoints } from '../../src/mesh/checkpoints.ts'
import { Copies } from '../../src/mesh/copies.ts'
import type { LogAnswer } from '../../src/mesh/log-frames.ts'
import { Mirror } from '../../src/mesh/mirror.ts'
import type { MirrorRequest } from '../../src/mesh/mirror-frames.ts'
import { BEGINNING_MS, VirtualClock } from '../sim/clock.ts'
import { Memory } from './memory.ts'
import { nodesOf } from './merkle-model.ts'
import { atlas, borealis, corvus, foldOf, type Made, World } from './statements.ts'

const world = new World()
const expiresMs = BEGINNING_MS + 1e10
const members = [atlas, borealis, corvus].map((node) => world.member(node, { expiresMs }))
const peer = corvus.identity.did
const log = Array.from({ length: 300 }, (_, i) => utf8(`record ${i}`))
const refused = (why: string) => ({ say: 'refused', why })

async function mirrorOf(memory = new Memory(), more: readonly Made[] = []) {
  const clock = new VirtualClock()
  const { governance: known } = foldOf(world.mesh, [world.first, ...members, ...more])
  const governance = () => known
  const persist = memory.persist.bind(memory)
  const copiesOf = async (keys: readonly string[]) =>
    keys.map((key) => memory.space('copy').get(key) ?? null)
  const disk = {
    low: null as string | null,
    entries: memory.entries.bind(memory),
    copies: copiesOf,
  }
  const checkpoints = await Checkpoints.open({ store: memory as never, persist, governance })
  const copies = await Copies.open({ store: disk, persist })
  const willing = { mirrors: true }
  const mirror = new Mirror({
    ...{ clock, store: disk, copies, checkpoints, governance },
    mirrors: () => willing.mirrors,
  })
  /** After so long that nothing is too soon. */
  const take = async (request: MirrorRequest, by: Did = peer) => {
    await clock.advance(MIRROR_PAUSE_MS)
    return mirror.take(by, request)
  }
  const give = (first: number, count: number, by: Did = peer, epoch = 1) =>
    mirror.give(by, { ask: 'copy', epoch, first, count })
  return { clock, memory, disk, mirror, copies, checkpoints, take, give, willing }
}

function treeOf(records: readonly Uint8Array[]): Tree {
  return records.reduce((tree, record) => append(tree, leafHash(record)), EMPTY)
}

interface Head {
  readonly of?: readonly Uint8Array[]
  readonly signer?: typeof corvus.log
  readonly epoch?: number
}

function noteOf(size: number, { of = log, signer = corvus.log, epoch = 1 }: Head = {}): string {
  const origin = logOrigin(world.mesh, peer, epoch)
  return textOf(
    signCheckpoint({ origin, size, rootHash: rootHash(treeOf(of.slice(0, size))) }, signer),
  )
}

/** A piece as an honest log sends it. */
function piece(first: number, end: number, size = end, head: Head = {}): MirrorRequest {
  const { of = log, epoch = 1 } = head
  const proof = proveConsistency(end, size, nodesOf(of.slice(0, size).map(leafHash)))
  const records = of.slice(first, end)
  const note = noteOf(size, head)
  return { ask: 'mirror', epoch, first, least: 0, peaks: [], note, proof, records }
}

function holds(size: number, of = log): LogAnswer {
  return { say: 'holds', size, rootHash: rootHash(treeOf(of.slice(0, size))) }
}

test('pieces that follow each other are kept, and given back to their node alone', async () => {
  const { take, give, memory, mirror } = await mirrorOf()
  assert.deepEqual(await take(piece(0, 0, 300)), holds(0))
  assert.deepEqual(await take(piece(0, 100, 300)), holds(100))
  assert.deepEqual(await take(piece(100, 256, 300)), holds(256))
  assert.deepEqual(await take(piece(256, 300)), holds(300))
  assert.deepEqual(await give(90, 20), { say: 'records', records: log.slice(90, 110) })
  assert.deepEqual(await give(299, 20), { say: 'records', records: log.slice(299) })
  assert.deepEqual(await give(300, 20), refused('absent'))
  assert.deepEqual(await give(0, 20, borealis.identity.did), refused('absent'))
  assert.deepEqual(await give(0, 20, peer, 2), refused('absent'))
  const bytes = log.reduce((sum, { length }) => sum + length, 0)
  assert.deepEqual(mirror.held, { logs: 1, bytes })
  // After a start it goes on from there.
  const again = await mirrorOf(memory)
  assert.deepEqual(await again.take(piece(0, 0, 300)), holds(300))
  assert.deepEqual(again.mirror.held, { logs: 1, bytes })
})

test('who brings something else than what follows is told where the copy ends', async () => {
  const { take } = await mirrorOf()
  await take(piece(0, 50))
  for (const [first, end] of [
    [0, 10],
    [40, 60],
    [60, 70],
  ] as const)
    assert.deepEqual(await take(piece(first, end, 300)), holds(50))
})

test('what is not proven to be under the head is refused, and nothing of it is kept', async () => {
  const other = log.map((record, i) => (i === 120 ? utf8('another') : record))
  const cases: readonly [MirrorRequest, string][] = [
    [{ ...piece(50, 150, 300), records: other.slice(50, 150) }, 'proof'],
    [{ ...piece(50, 150, 300), records: log.slice(51, 151) }, 'proof'],
    [{ ...piece(50, 150, 300), records: log.slice(50, 149) }, 'proof'],
    [{ ...piece(50, 150, 300), proof: [] }, 'proof'],
    [{ ...piece(50, 150, 300), note: noteOf(299) }, 'proof'],
    [piece(50, 150, 300, { of: other.map((_, i) => utf8(`other ${i}`)) }), 'proof'],
    [{ ...piece(50, 150), records: log.slice(50, 151) }, 'malformed'],
    [piece(50, 150, 300, { signer: borealis.log }), 'signature'],
    [{ ...piece(50, 150, 300), note: 'no note\n' }, 'signature'],
    [{ ...piece(50, 150, 300), epoch: 2 }, 'origin'],
    [piece(50, 150, 300, { epoch: 2 }), 'signature'],
  ]
  const { take, give, copies } = await mirrorOf()
  await take(piece(0, 50))
  for (const [request, why] of cases) assert.deepEqual(await take(request), refused(why), why)
  assert.equal(copies.get(`${peer}/1`)?.tree.size, 50)
  assert.deepEqual(await give(50, 1), refused('absent'))
  assert.deepEqual(await take(piece(50, 150, 300)), holds(150))
})

test('a record with any bit changed is refused', async () => {
  const { take } = await mirrorOf()
  const good = piece(0, 20, 33)
  const change = fc.tuple(fc.nat(19), fc.nat(7), fc.nat(7))
  await fc.assert(
    fc.asyncProperty(change, async ([at, byte, bit]) => {
      const records = good.records.map((record, i) => {
        if (i !== at) return record
        return record.with(byte, (record[byte] as number) ^ (1 << bit))
      })
      const answer = await take({ ...good, records })
      assert.ok(answer.say === 'refused' && ['proof', 'often'].includes(answer.why))
    }),
    { numRuns: 100 },
  )
  assert.equal((await (await mirrorOf()).take(good)).say, 'holds')
})

test('no copies where they are not wanted, of no stranger, and none on a disk that is low', async () => {
  const { take, disk, willing } = await mirrorOf()
  assert.deepEqual(await take(piece(0, 50), borealis.identity.did), refused('signature'))
  disk.low = 'the disk is low'
  assert.deepEqual(await take(piece(0, 50)), refused('unready'))
  disk.low = null
  willing.mirrors = false
  assert.deepEqual(await take(piece(0, 50)), refused('absent'))
  willing.mirrors = true
  const frozen = world.freeze({ scope: { kind: 'node', did: peer } })
  const without = await mirrorOf(new Memory(), [frozen])
  assert.deepEqual(await without.take(piece(0, 50)), refused('origin'))
})

test('pieces in a row are taken at a pace; what the disk does not take is not held', async () => {
  const { take, mirror, memory } = await mirrorOf()
  await take(piece(0, 50))
  assert.deepEqual(await mirror.take(peer, piece(50, 60)), refused('often'))
  memory.fail('gone')
  assert.deepEqual(await take(piece(50, 60)), refused('unready'))
  memory.fail(null)
  assert.deepEqual(await take(piece(50, 60)), holds(60))
})

test('what a log pruned is given up; who holds nothing begins behind it', async () => {
  const { take, give, copies, memory } = await mirrorOf()
  await take(piece(0, 256, 300))
  const later = { ...piece(256, 300), least: 200 }
  assert.deepEqual(await take(later), holds(300))
  assert.deepEqual(await give(199, 9), refused('absent'))
  assert.deepEqual(await give(200, 2), { say: 'records', records: log.slice(200, 202) })
  assert.equal(memory.space('copy').size, 100)
  const bytes = log.slice(200).reduce((sum, { length }) => sum + length, 0)
  assert.equal(copies.get(`${peer}/1`)?.bytes, bytes)

  const fresh = await mirrorOf()
  const { peaks } = treeOf(log.slice(0, 200))
  const begins = { ...piece(200, 256, 300), least: 200, peaks }
  assert.deepEqual(await fresh.take({ ...begins, peaks: peaks.toReversed() }), refused('proof'))
  assert.deepEqual(await fresh.take(begins), holds(256))
  assert.deepEqual(await fresh.give(200, 1), { say: 'records', records: log.slice(200, 201) })
  // Who ends in what is pruned begins anew.
  const behind = await mirrorOf()
  await behind.take(piece(0, 50, 300))
  assert.deepEqual(await behind.take(begins), holds(0))
  assert.deepEqual(await behind.take(begins), holds(256))
})

test('a log that is retired makes room for the next one of its node', async () => {
  const memory = new Memory()
  await (await mirrorOf(memory)).take(piece(0, 50))
  const epoch = world.epoch(corvus)
  const { take, copies } = await mirrorOf(memory, [epoch])
  assert.deepEqual(await take(piece(0, 60)), refused('origin'))
  const next = { epoch: 2 }
  assert.deepEqual(await take(piece(0, 20, 20, next)), holds(20))
  assert.deepEqual(copies.names(), [`${peer}/2`])
  assert.equal(memory.space('copy').size, 20)
})
