/** What members read of a log over `/meshd/log/1`: all of it proves itself, and nothing beyond what is published is told. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { LOG_READS_PER_S } from '../../src/core/limits.ts'
import { leafHash, rootHash } from '../../src/core/merkle.ts'
import { verifyConsistency, verifyInclusion } from '../../src/core/proof.ts'
import { Log } from '../../src/mesh/log.ts'
import {
  formatLogRequest,
  type LogAnswer,
  type LogRequest,
  parseLogAnswer,
} from '../../src/mesh/log-frames.ts'
import { LogReader } from '../../src/mesh/log-reader.ts'
import { LogServer } from '../../src/mesh/log-server.ts'
import { VirtualClock } from '../sim/clock.ts'
import { Disk, DiskStore } from '../sim/disk.ts'
import { atlas, borealis } from './statements.ts'

const [self, peer] = [atlas.identity.did, borealis.identity.did]
const ABSENT = { say: 'refused', why: 'absent' }
const draft = { type: 'system', event: 'test', detail: 'x'.repeat(1_000) }

async function serverOf(records: number, published: number, shares = true) {
  const clock = new VirtualClock()
  const store = await DiskStore.open(new Disk(clock))
  const log = await Log.open({ store, clock, node: self })
  log.openForAppends()
  await Promise.all(Array.from({ length: records }, () => log.append(draft)))
  const server = new LogServer({
    ...{ clock, store, log, reader: new LogReader({ log, store }) },
    network: { handle: () => {} },
    publisher: { size: published },
    witness: { add: async () => ABSENT as LogAnswer },
    mirror: { take: async () => ABSENT as LogAnswer, give: async () => ABSENT as LogAnswer },
    shares: () => shares,
    cosigned: { newest: (node) => (node === self ? ({ note: 'a note\n' } as never) : null) },
    checkpoints: { newest: (node) => (node === peer ? ({ note: 'a head\n' } as never) : null) },
  })
  const ask = async (request: LogRequest): Promise<LogAnswer> => {
    const bytes = await server.answer(peer, formatLogRequest(request))
    assert.ok(bytes !== null)
    return parseLogAnswer(bytes)
  }
  return { clock, store, log, server, ask }
}

test('heads of other logs as they were heard last, in the order of the question', async () => {
  const { ask } = await serverOf(0, 0)
  assert.deepEqual(await ask({ ask: 'heads', nodes: [self, peer] }), {
    say: 'heads',
    notes: ['', 'a head\n'],
  })
})

test('proofs and records of the published part, each verified by who asked', async () => {
  const { ask, log } = await serverOf(300, 300)
  const record = await ask({ ask: 'records', epoch: 1, first: 7, count: 1 })
  const inclusion = await ask({ ask: 'inclusion', epoch: 1, index: 7, size: 300 })
  const consistency = await ask({ ask: 'consistency', epoch: 1, from: 256, to: 300 })
  assert.ok(record.say === 'records' && inclusion.say === 'proof' && consistency.say === 'proof')
  const leaf = leafHash(record.records[0] as Uint8Array)
  assert.ok(verifyInclusion(leaf, 7, 300, inclusion.hashes, rootHash(log.tree)))
  const tile = await ask({ ask: 'tile', epoch: 1, level: 0, index: 0 })
  assert.ok(tile.say === 'tile')
  assert.deepEqual(tile.tile.subarray(7 * 32, 8 * 32), leaf)
  const at = { size: 256, peaks: log.tree.peaks.slice(0, 1) }
  assert.ok(verifyConsistency(256, rootHash(at), 300, rootHash(log.tree), consistency.hashes))
})

test('of many records come as many as fit', async () => {
  const { ask } = await serverOf(300, 300)
  const answer = await ask({ ask: 'records', epoch: 1, first: 10, count: 256 })
  assert.ok(answer.say === 'records')
  assert.equal(answer.records.length, 256)
})

test('what is not published, not there, or of another epoch is absent', async () => {
  const { ask } = await serverOf(300, 260)
  const wrong: LogRequest[] = [
    { ask: 'records', epoch: 1, first: 259, count: 2 },
    { ask: 'records', epoch: 2, first: 0, count: 1 },
    { ask: 'records', epoch: 1, first: 2 ** 32 - 1, count: 256 },
    { ask: 'inclusion', epoch: 1, index: 0, size: 261 },
    { ask: 'inclusion', epoch: 1, index: 7, size: 7 },
    { ask: 'inclusion', epoch: 1, index: 2 ** 32 - 1, size: 2 ** 32 - 1 },
    { ask: 'consistency', epoch: 1, from: 0, to: 261 },
    { ask: 'consistency', epoch: 1, from: 8, to: 7 },
    { ask: 'tile', epoch: 1, level: 0, index: 1 },
    { ask: 'tile', epoch: 1, level: 3, index: 2 ** 32 - 1 },
    { ask: 'checkpoint', node: peer },
  ]
  for (const request of wrong) assert.deepEqual(await ask(request), ABSENT, JSON.stringify(request))
  assert.equal((await ask({ ask: 'checkpoint', node: self })).say, 'checkpoint')
})

test('what is no question gets no answer, and one member reads so much in a second', async () => {
  const { ask, server, clock } = await serverOf(3, 3)
  assert.equal(await server.answer(peer, new Uint8Array(9)), null)
  const one: LogRequest = { ask: 'inclusion', epoch: 1, index: 0, size: 3 }
  const all = await Promise.all(Array.from({ length: LOG_READS_PER_S + 1 }, () => ask(one)))
  assert.equal(all.filter(({ say }) => say === 'proof').length, LOG_READS_PER_S)
  assert.deepEqual(all.at(-1), { say: 'refused', why: 'often' })
  await clock.advance(1_000)
  assert.equal((await ask(one)).say, 'proof')
})

test('records are shown to those alone whom the operator lets look; what proves them to everybody', async () => {
  const { ask } = await serverOf(10, 10, false)
  assert.deepEqual(await ask({ ask: 'records', epoch: 1, first: 1, count: 1 }), ABSENT)
  assert.equal((await ask({ ask: 'inclusion', epoch: 1, index: 1, size: 10 })).say, 'proof')
})
