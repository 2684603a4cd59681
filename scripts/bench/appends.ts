/** Appends to the node's log against plain LevelDB with the same group commit. */
import { Level } from 'level'
import { signerOf } from '../../src/core/keys.ts'
import { systemClock } from '../../src/daemon/system.ts'
import { Log } from '../../src/mesh/log.ts'
import { createStore } from '../../src/storage/create.ts'
import { GroupCommit } from './floor-server.ts'
import { openHypercore } from './hypercore.ts'
import { type Lab, openLab } from './lab.ts'
import { atLeast, median, perSecond, type Row, type Section } from './table.ts'

const WRITERS = [1, 8, 64] as const
const RUN_MS = 1_000
const ROUNDS = 5
const RESERVE_BYTES = 1024 * 1024
/** With what the log adds, about the 573 bytes of a decision's record. */
const DETAIL = 'x'.repeat(340)

export async function appends(): Promise<Section> {
  await using lab = openLab()
  const db = new Level<string, Uint8Array>(lab.folder('plain'), { valueEncoding: 'view' })
  await db.open()
  const plain = new GroupCommit(db)
  const store = await createStore(lab.folder('log'), { bytes: RESERVE_BYTES })
  const node = signerOf(new Uint8Array(32).fill(1)).did
  const log = await Log.open({ store, clock: systemClock(), node })
  log.openForAppends()
  const record = new Uint8Array(573).fill(97)
  const rows: Row[] = []
  for (const writers of WRITERS) {
    const [ours, floor] = await inTurns(
      writers,
      () => log.append({ type: 'system', event: 'bench', detail: DETAIL }),
      () => plain.append(record),
    )
    const ratio = ours / floor
    rows.push({
      what: `${writers} ${writers === 1 ? 'writer' : 'writers'}`,
      ours: perSecond(ours),
      floor: perSecond(floor),
      ratio,
      goal: atLeast(0.5, ratio),
    })
  }
  rows.push(
    ...(await beside(
      lab,
      () => log.append({ type: 'system', event: 'bench', detail: DETAIL }),
      record,
    )),
  )
  await log.close()
  await store.close()
  await db.close()
  return {
    title: 'Appends',
    how: `Writers that each wait for durability before the next record; the median of ${ROUNDS} runs of ${RUN_MS / 1000} s, in turns with the floor. Ours: canonical JSON, leaf hash, peaks, tiles and a head file beside the batch. Floor: LevelDB alone, records of 573 bytes, synced batches of at most 128.`,
    rows,
  }
}

/** Told, not promised: it answers before anything is on the disk. */
async function beside(
  lab: Lab,
  ours: () => Promise<unknown>,
  record: Uint8Array,
): Promise<readonly Row[]> {
  const core = await openHypercore(lab.folder('hypercore'))
  const rows: Row[] = []
  for (const writers of WRITERS) {
    const [own, theirs] = await inTurns(writers, ours, () => core.append(record))
    rows.push({
      what: `${writers} beside hypercore 11, which does not sync`,
      ...{ ours: perSecond(own), floor: perSecond(theirs), ratio: own / theirs, goal: null },
    })
  }
  await core.close()
  return rows
}

/** Both, one after the other, so that a busy moment of the machine meets both. */
async function inTurns(
  writers: number,
  ours: () => Promise<unknown>,
  floor: () => Promise<unknown>,
): Promise<[number, number]> {
  const rates: [number, number][] = []
  for (let round = 0; round < ROUNDS; round += 1)
    rates.push([await rate(writers, ours), await rate(writers, floor)])
  return [median(rates.map(([first]) => first)), median(rates.map(([, second]) => second))]
}

async function rate(writers: number, append: () => Promise<unknown>): Promise<number> {
  const untilMs = performance.now() + RUN_MS
  let count = 0
  await Promise.all(
    Array.from({ length: writers }, async () => {
      for (; performance.now() < untilMs; count += 1) await append()
    }),
  )
  return (count / RUN_MS) * 1000
}
