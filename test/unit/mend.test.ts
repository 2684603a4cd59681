/** Damaged records are put back from mirrors, whatever mirrors say; until all of the log is right again it stays sealed. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { toHex } from '../../src/core/bytes.ts'
import { MEND_RETRY_MS } from '../../src/core/limits.ts'
import { rootHash } from '../../src/core/merkle.ts'
import { MeshError } from '../../src/core/problems.ts'
import { Log } from '../../src/mesh/log.ts'
import type { LogAnswer, LogRequest } from '../../src/mesh/log-frames.ts'
import { LogReader } from '../../src/mesh/log-reader.ts'
import { Mend } from '../../src/mesh/mend.ts'
import { row } from '../lab/row.ts'
import { VirtualClock } from '../sim/clock.ts'
import { Disk, DiskStore } from '../sim/disk.ts'
import { atlas, borealis, corvus } from './statements.ts'

const self = atlas.identity.did
const [one, other] = [borealis.identity.did, corvus.identity.did]
const draft = (detail: string) => ({ type: 'system', event: 'test', detail })
type Copy = (request: Extract<LogRequest, { ask: 'copy' }>) => LogAnswer

async function world(mirrors: readonly Copy[] | null = null) {
  const disk = new Disk(new VirtualClock())
  const { clock } = disk
  const store = await DiskStore.open(disk)
  const log = await Log.open({ store, clock, node: self })
  log.openForAppends()
  await Promise.all(Array.from({ length: 600 }, (_, i) => log.append(draft(`${i}`))))
  const reader = new LogReader({ log, store })
  const copy = (await reader.range(0, 600)).map(({ bytes }) => bytes)
  const honest: Copy = ({ first, count }) => ({
    say: 'records',
    records: copy.slice(first, first + count),
  })
  const copies = new Map((mirrors ?? [honest]).map((each, i) => [i === 0 ? one : other, each]))
  const mended: (readonly number[])[] = []
  const mend = new Mend({
    ...{ clock, store, log },
    network: { peers: () => [...copies.keys()].map((peer) => ({ peer }) as never) },
    ask: async (peer, request) => {
      assert.ok(request.ask === 'copy' && request.epoch === 1)
      return (copies.get(peer) as Copy)(request)
    },
    mended: (indexes) => mended.push(indexes),
  })
  const stop = new AbortController()
  const running = mend.run(stop.signal)
  const end = async (ms = 2 * MEND_RETRY_MS) => {
    await clock.advance(ms)
    stop.abort()
    await clock.until(running)
  }
  return { clock, disk, store, log, reader, mend, mended, end, copy, honest, copies }
}

test('damaged records come back from a mirror, and the log goes on', async (t) => {
  const { disk, log, reader, mended, mend, end } = await world()
  const { tree } = log
  for (const index of [3, 256, 599]) disk.flipRecord(index)
  await assert.rejects(reader.at(256), { code: 'LOG_DAMAGED' })
  assert.match(log.unwritable() ?? '', /sealed/)
  await end()
  assert.equal(log.sealed, null)
  assert.deepEqual([mended, mend.mended], [[[3, 256, 599]], [3, 256, 599]])
  const { problems, rootHash: root } = await reader.verifyLog()
  assert.deepEqual([problems, root], [[], toHex(rootHash(tree))])
  assert.equal((await log.append(draft('and on'))).index, 600)
  row(t, 18, '0 wrong reads: 3 of 3 flipped records were refused, and came back from a mirror')
})

const HOSTILE: Readonly<Record<string, Copy>> = {
  'another record': ({ first }) => ({ say: 'records', records: [Buffer.from(`${first}`)] }),
  nothing: () => ({ say: 'refused', why: 'absent' }),
  'something else': () => ({ say: 'size', size: 600 }),
  'no answer': () => {
    throw new MeshError('TIMEOUT', 'no answer')
  },
}

for (const [what, copy] of Object.entries(HOSTILE))
  test(`where a mirror gives ${what} the log stays sealed, until another one helps`, async () => {
    const { disk, log, reader, mend, end, copies, honest, clock } = await world([copy])
    disk.flipRecord(7)
    await assert.rejects(reader.at(7))
    await clock.advance(3 * MEND_RETRY_MS)
    assert.notEqual(log.sealed, null)
    await assert.rejects(reader.at(7), { code: 'LOG_DAMAGED' })
    copies.set(other, honest)
    await end()
    assert.equal(log.sealed, null)
    assert.deepEqual(mend.mended, [7])
  })

test('what a mirror cannot mend stays sealed: a rollback, also when it comes after the damage', async () => {
  const { disk, log, reader, end, copies, honest } = await world([])
  disk.flipRecord(7)
  await assert.rejects(reader.at(7))
  assert.equal(log.mendable, true)
  log.seal('rollback: others hold another checkpoint')
  assert.match(log.sealed ?? '', /rollback/)
  assert.equal(log.mendable, false)
  log.seal('a record is damaged', true)
  assert.match(log.sealed ?? '', /rollback/)
  copies.set(one, honest)
  await end()
  assert.notEqual(log.sealed, null)
  assert.throws(() => log.unseal())
})

test('a disk on which nothing can be put back stays sealed', async () => {
  const { disk, store, log, reader, mend, end } = await world()
  store.mend = async () => {}
  disk.flipRecord(7)
  await assert.rejects(reader.at(7))
  await end()
  assert.notEqual(log.sealed, null)
  assert.deepEqual(mend.mended, [])
})
