/**
 * One script on LevelDB and on its twin in memory, with the same faults at the
 * same batches: what is refused, what is there afterwards and what is not must
 * be the same, or the simulator tells of a disk that nobody has.
 *
 * Accepted differences:
 *
 * - A batch that failed and is there all the same (a ghost): LevelDB decides by
 *   itself whether it is; here both are told.
 * - The twin loses whole batches when a tail is torn off. LevelDB may lose a part
 *   of one, which its checksums make the loss of the whole.
 * - LevelDB's store reads the published head when it opens, and refuses one that is
 *   no checkpoint; the twin gives back what it was given.
 * - How long anything takes, and the words of an error; not its code.
 */
import assert from 'node:assert/strict'
import { readdirSync, statSync, truncateSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { Level } from 'level'
import { textOf, toHex, utf8 } from '../../src/core/bytes.ts'
import { logOrigin, signCheckpoint } from '../../src/core/checkpoint.ts'
import { idOf } from '../../src/core/id.ts'
import { rootHash } from '../../src/core/merkle.ts'
import { MeshError } from '../../src/core/problems.ts'
import type { Batch, Store } from '../../src/mesh/ports.ts'
import { Dice } from '../sim/clock.ts'
import type { WriteFault } from '../sim/disk.ts'
import { atlas } from '../unit/statements.ts'
import { batchOf, type Durably, inMemory, onLevel, put, texts } from './stores.ts'

const SCRIPTS = 8
const STEPS = 24
const KEYS = ['a', 'b', 'c', 'd']

/** What LevelDB's own `batch` ends in. */
const written = Reflect.get(Level.prototype, '_batch')
const mend = () => Reflect.set(Level.prototype, '_batch', written)

/** The next batch fails before it is written, or after. */
function failNext(fault: WriteFault): void {
  Reflect.set(Level.prototype, '_batch', async function (this: object, ...args: unknown[]) {
    mend()
    if (fault === 'there') await Reflect.apply(written, this, args)
    throw new Error('IO error: as the test asked')
  })
}

/** Both stores, and what injects a fault into each. */
interface Pair {
  readonly both: readonly (Durably & { fail(fault: WriteFault): void })[]
  /** The newest acknowledged batch is torn off the disk, while both are closed. */
  tear(): void
}

async function pair(): Promise<Pair> {
  const [level, memory] = [await onLevel(), await inMemory()]
  const fail = (fault: WriteFault) => void memory.disk.faults.push(fault)
  let logBytes = 0
  const log = () => {
    const db = join(level.directory, 'db')
    const paths = readdirSync(db).filter((name) => name.endsWith('.log'))
    return join(db, paths.toSorted().at(-1) ?? '')
  }
  return {
    both: [Object.assign(level, { fail: failNext }), Object.assign(memory, { fail })],
    tear: () => {
      const path = log()
      logBytes = statSync(path).size
      truncateSync(path, Math.max(0, logBytes - 1))
      memory.disk.tear(1)
    },
  }
}

/** Everything that a store can be asked. */
async function shown(store: Store) {
  const { tree, epoch, head, least } = store
  const records = await store.records(0, tree.size)
  const entries = await store.entries('statement')
  const [first] = records
  return {
    ...{ size: tree.size, rootHash: toHex(rootHash(tree)), epoch, least },
    head: head === null ? null : textOf(head),
    records: records.map(textOf),
    entries: [...entries].map(([key, value]) => [key, textOf(value)]),
    a: (await store.get('statement', 'a')) === null ? null : 'there',
    first: first === undefined ? null : await store.locate(idOf(first)),
  }
}

/** As it is published: of all that the log has. */
function headOf({ tree, epoch }: Store): Uint8Array {
  const origin = logOrigin(idOf(utf8('mesh')), atlas.identity.did, epoch)
  return signCheckpoint({ origin, size: tree.size, rootHash: rootHash(tree) }, atlas.log)
}

/** What came of it: nothing, or the code of the failure. */
async function tried(run: () => Promise<unknown>): Promise<string> {
  try {
    await run()
    return 'done'
  } catch (error) {
    assert.ok(error instanceof MeshError, String(error))
    return error.code
  }
}

type Step = (durably: Pair['both'][number]) => Promise<string>

/** A step that is the same for both: everything is drawn before. */
function drawStep(dice: Dice, at: number): Step {
  const kind = dice.integer(10)
  const count = 1 + dice.integer(4)
  const puts = KEYS.filter(() => dice.unit() < 0.4).map((key) =>
    put(key, dice.unit() < 0.3 ? null : `value ${at}`),
  )
  const anew = dice.unit() < 0.15
  const batch = (store: Store): Batch =>
    batchOf(store, texts(count, 100 * at), puts, anew ? store.epoch + 1 : store.epoch)
  if (kind < 5) return ({ store }) => tried(() => store.persist(batch(store)))
  if (kind < 8) {
    const fault = kind === 5 ? 'there' : 'gone'
    return async (durably) => {
      const { store } = durably
      durably.fail(fault)
      const failed = await tried(() => store.persist(batch(store)))
      // What follows a failure fails, until it is opened again.
      const after = [
        await tried(async () => store.get('statement', 'a')),
        await tried(async () => store.records(0, 0)),
        await tried(async () => store.persist(batchOf(store, []))),
      ]
      return [failed, ...after, await tried(() => store.reopen())].join(' ')
    }
  }
  if (kind === 8) return ({ store }) => tried(() => store.keepHead(headOf(store)))
  return (durably) => tried(() => durably.again())
}

for (let seed = 1; seed <= SCRIPTS; seed += 1)
  test(`script ${seed}: LevelDB and its twin do the same under the same faults`, async () => {
    const dice = new Dice(seed)
    const { both, tear } = await pair()
    try {
      for (let at = 0; at < STEPS; at += 1) {
        const step = drawStep(dice, at)
        const [real, twin] = [
          await step(both[0] as Pair['both'][0]),
          await step(both[1] as Pair['both'][0]),
        ]
        assert.equal(twin, real, `step ${at}`)
        const [there, told] = await Promise.all(both.map(({ store }) => shown(store)))
        assert.deepEqual(told, there, `step ${at}, ${real}`)
      }
      // A tail that was acknowledged and is gone is never taken for all that there was.
      for (const durably of both) {
        await durably.store.persist(batchOf(durably.store, ['acknowledged']))
        await durably.store.close()
      }
      tear()
      for (const durably of both)
        assert.equal(await tried(() => durably.again()), 'LOG_DAMAGED', durably.name)
    } finally {
      mend()
      for (const durably of both) await durably.remove().catch(() => {})
    }
  })
