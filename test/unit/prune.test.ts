/** Giving up old records: only what is old, witnessed and whole, after the log has told of it; and the log still proves all of it. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { utf8 } from '../../src/core/bytes.ts'
import { INDEX_RECORDS } from '../../src/core/limits.ts'
import { leafHash, rootHash } from '../../src/core/merkle.ts'
import { verifyInclusion } from '../../src/core/proof.ts'
import { parseRecord } from '../../src/core/record.ts'
import { Log } from '../../src/mesh/log.ts'
import { LogReader } from '../../src/mesh/log-reader.ts'
import { planPrune, prune } from '../../src/mesh/prune.ts'
import { searchRecords } from '../../src/mesh/record-search.ts'
import { Scrub } from '../../src/mesh/scrub.ts'
import { batchOf, inMemory } from '../ports/stores.ts'
import { VirtualClock } from '../sim/clock.ts'
import { atlas } from './statements.ts'

const BEGAN_MS = 1_795_528_800_000
const CHUNK = INDEX_RECORDS
const SIZE = 4 * CHUNK + 100
const at = (index: number) => BEGAN_MS + index * 1000
const textAt = (index: number) =>
  `{"epoch":1,"index":${index},"time":"${new Date(at(index)).toISOString()}","type":"system"}`

/** One record a second; of some the clock was wrong. */
async function world(witnessed = SIZE, odd: ReadonlyMap<number, number> = new Map()) {
  const { store } = await inMemory()
  const texts = Array.from({ length: SIZE }, (_, i) =>
    textAt(i).replace(new Date(at(i)).toISOString(), new Date(odd.get(i) ?? at(i)).toISOString()),
  )
  await store.persist(batchOf(store, texts))
  const clock = new VirtualClock(1)
  const log = await Log.open({ store, clock, node: atlas.identity.did })
  log.openForAppends()
  const reader = new LogReader({ store, log })
  return {
    store,
    clock,
    log,
    reader,
    texts,
    ports: { log, reader, witnessedSize: () => witnessed },
  }
}

const planned = async (of: Awaited<ReturnType<typeof world>>, beforeMs: number) =>
  (await planPrune(of.ports, beforeMs)).to

test('whole chunks of what is older, and nothing that is not witnessed', async () => {
  assert.equal(await planned(await world(), at(2 * CHUNK + 5)), 2 * CHUNK)
  assert.equal(await planned(await world(), at(2 * CHUNK)), 2 * CHUNK)
  assert.equal(await planned(await world(), at(2 * CHUNK - 1)), CHUNK)
  assert.equal(await planned(await world(), at(SIZE)), 4 * CHUNK)
  assert.equal(await planned(await world(CHUNK + 999), at(SIZE)), CHUNK)
  for (const each of [await world(CHUNK - 1), await world(0)])
    assert.equal(await planned(each, at(SIZE)), 0)
  assert.equal(await planned(await world(), at(0)), 0)
})

test('one young record among the old ones, for a clock that was wrong, keeps its chunk and all behind it', async () => {
  const odd = await world(SIZE, new Map([[CHUNK + 7, at(9_999)]]))
  assert.equal(await planned(odd, at(3 * CHUNK)), CHUNK)
})

test('an index that is wrong prunes nothing young: each record is looked at', async () => {
  const of = await world()
  const plan = { from: 0, to: 2 * CHUNK, witnessed: SIZE }
  await assert.rejects(prune(of.ports, plan, at(CHUNK), 0), { code: 'CONFLICT' })
  assert.equal(of.store.least, 0)
})

test('the log tells of it, and proves what went as before', async () => {
  const { reader, log, ports, store, texts, clock } = await world()
  const plan = await planPrune(ports, at(2 * CHUNK))
  const proof = await reader.inclusion(5)
  assert.ok(
    verifyInclusion(leafHash(utf8(texts[5] as string)), 5, SIZE, proof, rootHash(store.tree)),
  )
  await clock.until(prune(ports, plan, at(2 * CHUNK), 86_400_000))
  assert.equal(reader.least, 2 * CHUNK)
  const [told] = await reader.newest(null, 1)
  const record = parseRecord(told?.bytes ?? new Uint8Array())
  assert.ok(record.type === 'system' && record.event === 'pruned')
  assert.match(record.detail, /^records 0 to 2047 of epoch 1, older than 2026-/)
  const leaf = leafHash(utf8(texts[5] as string))
  const size = log.tree.size
  assert.ok(verifyInclusion(leaf, 5, size, await reader.inclusion(5), rootHash(store.tree)))
  const verified = await reader.verifyLog()
  assert.deepEqual([verified.problems, verified.verified, verified.pruned], [[], size, 2 * CHUNK])
  const scrub = Scrub.open({ log: log, store, clock })
  const stop = new AbortController()
  const running = scrub.run(stop.signal)
  await clock.advance(5_000)
  assert.deepEqual([scrub.percent, log.sealed], [100, null])
  stop.abort()
  await clock.until(running)
})

test('whoever asks for it is told that it was pruned, and a search ends where the log begins now', async () => {
  const { reader, ports, clock, texts } = await world()
  const [third] = await reader.range(3, 1)
  await clock.until(prune(ports, await planPrune(ports, at(CHUNK)), at(CHUNK), 0))
  const pruned = { code: 'NOT_FOUND', message: /pruned/ }
  await assert.rejects(reader.find(third?.id as never), pruned)
  await assert.rejects(reader.range(0, 3), pruned)
  const filter = { terms: {}, sinceMs: at(0), untilMs: at(CHUNK + 1) }
  const signal = new AbortController().signal
  const { found, next, stopped } = await searchRecords(reader, {
    ...{ filter, before: SIZE, limit: 10, signal },
  })
  assert.deepEqual(
    found.map(({ leaf }) => leaf['index']),
    [CHUNK + 1, CHUNK],
  )
  assert.deepEqual([next, stopped, texts.length], [null, false, SIZE])
})
