/**
 * Power loss and disk errors at operation after operation of a workload on real LevelDB: nothing that
 * was acknowledged is lost, and what cannot be kept is refused. Beside it, what LevelDB alone loses.
 */
import assert from 'node:assert/strict'
import { availableParallelism } from 'node:os'
import { before, test } from 'node:test'
import { row } from './row.ts'
import {
  type Engine,
  type Found,
  found,
  type Length,
  LONG,
  operations,
  type Run,
  skip,
  type Work,
  workload,
} from './shim.ts'

/** Each n-th operation: the long run takes them all. */
const STRIDE = LONG ? 1 : 9
/** The workload that begins another log file has ten times as many. */
const STRIDE_LONG = LONG ? 47 : 401

/** Of the long workload at least so many meet their operation. */
const LONG_MET = 2 / 3

/** The first operations of a workload, until something is acknowledged. */
const CREATION_OPERATIONS = 66

interface Result extends Run, Found {
  readonly work: Work
}

const counts = new Map<string, readonly [operations: number, syncs: number]>()

before(async () => {
  if (skip !== false) return
  for (const engine of ['store', 'plain', 'unsynced'] as const)
    for (const length of ['short', 'long'] as const)
      counts.set(`${engine} ${length}`, await operations(engine, length))
})

const countOf = (engine: Engine, length: Length, which: 0 | 1 = 0) =>
  counts.get(`${engine} ${length}`)?.[which] ?? 0

/** Runs them all, as many at once as there are processors. */
async function all(works: readonly Work[]): Promise<Result[]> {
  const left = [...works]
  const results: Result[] = []
  const worker = async () => {
    for (let work = left.shift(); work !== undefined; work = left.shift()) {
      const run = await workload(work)
      results.push({ ...run, ...(await found(run)), work })
    }
  }
  await Promise.all(Array.from({ length: availableParallelism() }, worker))
  return results
}

/** A fault at each operation that is looked at, of the short workload and of the long one. */
function swept(engine: Engine, faults: Work['faults']): Work[] {
  return (['short', 'long'] as const).flatMap((length) => {
    const stride = length === 'short' ? STRIDE : STRIDE_LONG
    const every = Array.from({ length: countOf(engine, length) }, (_, i) => 1 + i)
    // A creation that was cut short is begun anew, wherever it was.
    const all = length === 'short' && faults['MODE'] === 'kill' ? CREATION_OPERATIONS : 0
    const at = every.filter((n) => n <= all || n % stride === 1 % stride)
    return at.map((AT) => ({ engine, length, faults: { ...faults, AT, SEED: AT } }))
  })
}

const sum = (results: readonly Result[], of: (result: Result) => number) =>
  results.reduce((total, result) => total + of(result), 0)
const lost = (results: readonly Result[]) => sum(results, (result) => result.lost)
const kept = (results: readonly Result[]) => sum(results, ({ acknowledged }) => acknowledged.size)

/** Nothing was lost, every one of them opens again, and the faults did happen. */
function holds(results: readonly Result[]): string {
  for (const { work, lost, refused } of results)
    assert.deepEqual({ lost, refused }, { lost: 0, refused: null }, JSON.stringify(work))
  assert.ok(kept(results) > 10 * results.length, `${kept(results)} acknowledged`)
  return `0 lost of ${kept(results)} acknowledged, 0 refused, ${results.length} runs`
}

/**
 * How many met their operation. All of the short workload do. The long one has
 * a quarter more where LevelDB is done with a compaction before it is closed,
 * as it was in 6 of 15 runs: who did not meet its operation had fewer.
 */
function ended(results: readonly Result[]): number {
  const of = (which: Length) => results.filter(({ work }) => work.length === which)
  const met = (which: Length) => of(which).filter(({ killed }) => killed).length
  assert.equal(met('short'), of('short').length, 'each of the short workload was ended')
  for (const { killed, operations: had, work } of of('long'))
    assert.ok(killed || (had !== null && had[0] < Number(work.faults['AT'])), JSON.stringify(work))
  assert.ok(met('long') > of('long').length * LONG_MET, `${met('long')} of the long workload`)
  return met('short') + met('long')
}

/** LevelDB alone beside it: what it loses, and where it does not open. */
async function alone(works: readonly Work[]): Promise<string> {
  const plain = await all(works)
  const closed = plain.filter(({ refused }) => refused !== null).length
  const bad = plain.filter((each) => each.lost > 0).length
  const engine =
    works[0]?.engine === 'unsynced' ? 'LevelDB as it writes by itself' : 'LevelDB alone'
  return `${engine}: ${lost(plain)} of ${kept(plain)} lost, in ${bad} of ${plain.length} runs, ${closed} do not open`
}

/** A few of them: a baseline is no proof. */
const few = (works: readonly Work[]) => works.filter((_, i) => i % (LONG ? 4 : 2) === 0)

for (const mode of ['kill', 'drop', 'torn', 'garbage'])
  test(`${mode} at each operation loses nothing that was acknowledged`, { skip }, async (t) => {
    const results = await all(swept('store', { MODE: mode }))
    const says = `${mode}: ${holds(results)}, ${ended(results)} ended`
    if (mode === 'kill') row(t, 2, says)
    else if (mode === 'drop') row(t, 13, says)
    else row(t, 14, says)
    // What was written is the kernel's: a kill loses none of it.
    if (mode === 'kill') return
    for (const engine of ['plain', 'unsynced'] as const) {
      const beside = `${mode}: ${await alone(few(swept(engine, { MODE: mode })))}`
      if (mode === 'drop') row(t, 13, beside)
      else row(t, 14, beside)
    }
  })

test('an error at each operation loses nothing that was acknowledged, and the store goes on', {
  skip,
}, async (t) => {
  const results = await all(swept('store', { MODE: 'eio' }))
  const says = holds(results)
  const after = sum(results, ({ afterRefusal }) => afterRefusal)
  assert.ok(after > 0, 'it went on')
  const opened = results.filter(({ refusals }) => refusals > 0).length
  row(t, 24, `EIO once: ${says}, ${opened} opened again, ${after} acknowledged after`)
  row(t, 24, await alone(swept('plain', { MODE: 'eio' })))
})

test('a disk that is full for one operation, and has room again, loses nothing', {
  skip,
}, async (t) => {
  const works = swept('store', { MODE: 'enospc' }).filter((_, i) => i % 3 === 0)
  row(t, 22, `full once: ${holds(await all(works))}`)
  row(t, 22, await alone(few(swept('plain', { MODE: 'enospc' }))))
})

test('a disk that fails for ever keeps what it had', { skip }, async (t) => {
  for (const mode of ['eio', 'enospc']) {
    const works = swept('store', { MODE: mode, FOREVER: 1 })
    const results = await all(works.filter((_, i) => i % 3 === 0))
    for (const { work, lost, refused } of results)
      assert.deepEqual({ lost, refused }, { lost: 0, refused: null }, JSON.stringify(work))
    const says = `${mode} for ever: 0 lost of ${kept(results)} acknowledged, ${results.length} runs`
    if (mode === 'eio') row(t, 24, says)
    else {
      row(t, 23, says)
      row(t, 23, await alone(few(swept('plain', { MODE: mode, FOREVER: 1 }))))
    }
  }
})

/** One sync fails, and the power does, in the middle or at the end. */
function syncFails(engine: Engine): Work[] {
  const operations = countOf(engine, 'short')
  const stride = LONG ? 1 : 3
  const at = Array.from(
    { length: Math.ceil(countOf(engine, 'short', 1) / stride) },
    (_, i) => 1 + i * stride,
  )
  return at.flatMap((SYNC_AT) =>
    [operations, Math.floor(operations / 2)].map((AT) => ({
      ...{ engine, length: 'short' as const },
      faults: { SYNC_AT, AT, MODE: 'drop' },
    })),
  )
}

test('a sync that fails once, and a power loss after it, lose nothing', { skip }, async (t) => {
  const results = await all(syncFails('store'))
  for (const { work, lost, refused } of results)
    assert.deepEqual({ lost, refused }, { lost: 0, refused: null }, JSON.stringify(work))
  const after = sum(results, ({ afterRefusal }) => afterRefusal)
  row(
    t,
    25,
    `0 lost of ${kept(results)} acknowledged, ${after} after the error, ${results.length} runs`,
  )
  row(t, 25, await alone(syncFails('plain')))
})

test('a disk that lies of its syncs is found out wherever it lost something', {
  skip,
}, async (t) => {
  const faults = { MODE: 'drop', LIE: 1 }
  const results = await all(swept('store', faults))
  const silent = results.filter(({ lost, refused }) => lost > 0 && refused === null)
  assert.deepEqual(
    silent.map(({ work }) => work),
    [],
  )
  const noticed = results.filter(({ refused }) => refused !== null)
  for (const { refused } of noticed) assert.match(refused ?? '', /^LOG_DAMAGED /)
  assert.ok(noticed.length > results.length / 4, `${noticed.length} noticed`)
  row(t, 16, `0 undetected of ${results.length} power losses, ${noticed.length} refused to open`)
  const plain = await all(swept('plain', { ...faults, MODE: 'torn' }))
  const closed = plain.filter(({ refused }) => refused !== null).length
  row(
    t,
    16,
    `LevelDB alone misses ${lost(plain)} of ${kept(plain)} without a word, and does not open in ${closed} of ${plain.length} runs`,
  )
})

test('a kill while LevelDB makes room, and another one while it opens again, lose nothing', {
  skip,
}, async (t) => {
  let opens = 0
  let records = 0
  const times = LONG ? 60 : 6
  const operations = countOf('store', 'long')
  for (let i = 0; i < times; i += 1) {
    const work = { engine: 'store', length: 'long' } as const
    // Its last half: the write buffer is full, the database is closed and opened again.
    const at = Math.floor(operations * (0.6 + (0.39 * i) / times))
    const first = await workload({ ...work, faults: { MODE: 'kill', AT: at } })
    const again = { MODE: 'kill', AT: 1 + ((7 * i) % 40) }
    const second = await workload({ ...work, faults: again, directory: first.directory })
    const acknowledged = new Map([...first.acknowledged, ...second.acknowledged])
    const result = await found({ ...second, acknowledged })
    assert.deepEqual(result, { lost: 0, refused: null }, `killed at ${at}, then at ${again.AT}`)
    opens += 3
    records += acknowledged.size
  }
  row(
    t,
    5,
    `0 lost of ${records} acknowledged, ${opens} opens, each after a kill of the one before`,
  )
})
