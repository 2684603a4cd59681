import assert from 'node:assert/strict'
import { test } from 'node:test'
import { textOf, utf8 } from '../../src/core/bytes.ts'
import { logOrigin, signCheckpoint } from '../../src/core/checkpoint.ts'
import type { Governance } from '../../src/core/governance.ts'
import { sha256 } from '../../src/core/id.ts'
import type { Did, Signer } from '../../src/core/keys.ts'
import type { Epoch } from '../../src/core/statement/epoch.ts'
import type { Member } from '../../src/core/statement/member.ts'
import { Checkpoints, type KnownCheckpoint } from '../../src/mesh/checkpoints.ts'
import type { Put, Store } from '../../src/mesh/ports.ts'
import { MESH, SIGNERS } from '../sim/lease-roots.ts'

const [node, log] = SIGNERS as unknown as [Signer, Signer]

/** A disk that takes its time: what was handed to it is on it once `sync` ran. */
function diskOf(kept = new Map<string, Uint8Array>()) {
  const waiting: { puts: readonly Put[]; done: () => void }[] = []
  let writes = 0
  const epochs = new Map<Did, Epoch>()
  const governance = {
    mesh: MESH,
    members: new Map([[node.did, { log: log.did } as Member]]),
    epochs,
  } as unknown as Governance
  return {
    kept,
    epochs,
    writes: () => writes,
    open: () =>
      Checkpoints.open({
        store: { entries: async () => kept } as unknown as Store,
        persist: (puts) => new Promise((done) => waiting.push({ puts, done })),
        governance: () => governance,
      }),
    sync: async () => {
      for (const { puts, done } of waiting.splice(0)) {
        writes += 1
        for (const { key, value } of puts) if (value !== null) kept.set(key, value)
        done()
      }
      await new Promise((resolve) => setImmediate(resolve))
    },
  }
}

function noteOf(size: number, epoch = 1, content = String(size), signer = log): string {
  const origin = logOrigin(MESH, node.did, epoch)
  return textOf(signCheckpoint({ origin, size, rootHash: sha256(utf8(content)) }, signer))
}

test('a checkpoint is known only once it is durable', async () => {
  const disk = diskOf()
  const checkpoints = await disk.open()
  const offered = checkpoints.offer(node.did, noteOf(3))
  assert.equal(checkpoints.newest(node.did), null)
  await disk.sync()
  await offered
  assert.equal(checkpoints.newest(node.did)?.checkpoint.size, 3)
  assert.deepEqual([...disk.kept.keys()], [`${node.did}/1`])
})

test('the newest is kept over restarts, and nothing older takes its place', async () => {
  const disk = diskOf()
  const checkpoints = await disk.open()
  for (const size of [2, 5, 4]) {
    void checkpoints.offer(node.did, noteOf(size))
    await disk.sync()
  }
  assert.equal(checkpoints.newest(node.did)?.checkpoint.size, 5)
  const again = await disk.open()
  assert.deepEqual(again.newest(node.did), checkpoints.newest(node.did))
})

test('of many that come while the disk is busy the largest alone is written', async () => {
  const disk = diskOf()
  const checkpoints = await disk.open()
  const sizes = [5, 3, 6, ...Array.from({ length: 50 }, (_, n) => 40 - n).filter((n) => n > 6), 7]
  const offers = sizes.map((size) => checkpoints.offer(node.did, noteOf(size)))
  await disk.sync()
  await disk.sync()
  await Promise.all(offers)
  assert.deepEqual([disk.writes(), checkpoints.newest(node.did)?.checkpoint.size], [2, 40])
  assert.equal(textOf(disk.kept.get(`${node.did}/1`) as Uint8Array), noteOf(40))
})

test('one that contradicts another which is still on its way is found out', async () => {
  const disk = diskOf()
  const checkpoints = await disk.open()
  const found: string[] = []
  checkpoints.onContradiction((_, other) => found.push(other.note))
  const offers = [noteOf(3), noteOf(3, 1, 'another')].map((note) =>
    checkpoints.offer(node.did, note),
  )
  assert.deepEqual(found, [])
  await disk.sync()
  await Promise.all(offers)
  assert.deepEqual(found, [noteOf(3, 1, 'another')])
})

test('two on their way to the disk at once leave the larger one', async () => {
  const disk = diskOf()
  const checkpoints = await disk.open()
  const offers = [5, 3, 7].map((size) => checkpoints.offer(node.did, noteOf(size)))
  await disk.sync()
  await disk.sync()
  await Promise.all(offers)
  assert.equal(checkpoints.newest(node.did)?.checkpoint.size, 7)
  assert.equal(textOf(disk.kept.get(`${node.did}/1`) as Uint8Array), noteOf(7))
})

test('two of one size and different trees contradict each other; the first stays', async () => {
  const disk = diskOf()
  const checkpoints = await disk.open()
  const found: [KnownCheckpoint, KnownCheckpoint][] = []
  checkpoints.onContradiction((known, other) => found.push([known, other]))
  for (const note of [noteOf(3), noteOf(3), noteOf(3, 1, 'another')]) {
    void checkpoints.offer(node.did, note)
    await disk.sync()
  }
  assert.deepEqual(
    found.map((pair) => pair.map(({ note }) => note)),
    [[noteOf(3), noteOf(3, 1, 'another')]],
  )
  assert.equal(checkpoints.newest(node.did)?.note, noteOf(3))
})

test('one that a log left behind is still held against what it says later of that size', async () => {
  const disk = diskOf()
  const checkpoints = await disk.open()
  const found: string[] = []
  checkpoints.onContradiction((_, other) => found.push(other.note))
  for (const note of [noteOf(3), noteOf(9), noteOf(3), noteOf(5), noteOf(3, 1, 'a clone')]) {
    void checkpoints.offer(node.did, note)
    await disk.sync()
  }
  assert.deepEqual(found, [noteOf(3, 1, 'a clone')])
  assert.equal(checkpoints.newest(node.did)?.note, noteOf(9))
})

test('what the log key of the node did not sign, or for an epoch nobody declared, is not kept', async () => {
  const disk = diskOf()
  const checkpoints = await disk.open()
  const stranger = SIGNERS[2] as Signer
  const notes = [noteOf(3, 1, '3', stranger), noteOf(3, 2), 'no note', noteOf(3).slice(0, -3)]
  for (const note of notes) await checkpoints.offer(node.did, note)
  await checkpoints.offer(stranger.did, noteOf(3))
  await disk.sync()
  assert.equal(disk.kept.size, 0)

  disk.epochs.set(node.did, { epoch: 2 } as Epoch)
  void checkpoints.offer(node.did, noteOf(1, 2))
  void checkpoints.offer(node.did, noteOf(9, 1))
  await disk.sync()
  assert.deepEqual([checkpoints.newest(node.did)?.epoch, disk.kept.size], [2, 2])
})
