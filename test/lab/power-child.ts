/**
 * A recorded workload on the storage layer, for a disk that fails: makes a store, appends, closes, opens
 * again, appends once more. The long one fills more than a write buffer. Says each index once it is durable:
 *
 *     12 bafyrei…      index, record id
 *     F                one append was refused, and is tried again
 *
 * `plain` does the same with LevelDB alone, as a program does that knows nothing of its traps, and
 * `unsynced` without asking for a sync, as LevelDB writes by itself.
 */
import { existsSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { Level } from 'level'
import type { Did } from '../../src/core/keys.ts'
import { Log } from '../../src/mesh/log.ts'
import type { Clock } from '../../src/mesh/ports.ts'
import { createStore } from '../../src/storage/create.ts'
import { FILES, LevelStore } from '../../src/storage/level.ts'

const NODE = 'did:key:z6MkhaXgBZDvotDkL5257faiztiGiC2QtKLGpbnnEGta2doK' as Did
/** A disk that fails for ever is given up after so many refusals. */
const REFUSALS_MAX = 40
const WRITERS = 8
const SMALL = { rounds: 6, bytes: 150 }
const AMOUNTS = { short: [SMALL, SMALL], long: [{ rounds: 26, bytes: 44_000 }, SMALL] }

const [directory = '', engine = '', length = ''] = process.argv.slice(2)
const amounts = length === 'long' ? AMOUNTS.long : AMOUNTS.short
const say = (line: string) => writeSync(1, `${line}\n`)

const clock: Clock = {
  wallMs: () => Date.now(),
  monotonicMs: () => performance.now(),
  bootMs: () => performance.now(),
  // A disk is opened again at once: the run is short.
  sleep: () => new Promise((resolve) => setImmediate(resolve)),
}

let refusals = 0

/** Each round is one group of appends, so that every run has the same operations. */
async function append(log: Log, { rounds, bytes }: typeof SMALL): Promise<void> {
  for (let round = 0; round < rounds && refusals < REFUSALS_MAX; round += 1)
    await Promise.all(Array.from({ length: WRITERS }, (_, writer) => one(log, writer, bytes)))
}

async function one(log: Log, writer: number, bytes: number): Promise<void> {
  const draft = { type: 'system', event: 'test', detail: 'x'.repeat(bytes) }
  const nonce = new Uint8Array([writer])
  while (refusals < REFUSALS_MAX)
    try {
      const puts = (key: string) => [{ space: 'nonce', key, value: nonce }] as const
      const { id, index } = await log.append(draft, puts)
      say(`${index} ${id}`)
      return
    } catch {
      // Nothing was promised; whether it is there is looked at in the end.
      refusals += 1
      say('F')
      // Until the store is open again, or is not.
      await log.probe()
    }
}

async function onStore(): Promise<void> {
  const reserve = { bytes: 4096, marginBytes: 0, free: () => 1 << 30 }
  for (const amount of amounts) {
    const made = existsSync(join(directory, FILES.marker))
    const store = await (made
      ? LevelStore.open(directory, reserve)
      : createStore(directory, reserve))
    const log = await Log.open({ store, clock, node: NODE })
    log.openForAppends()
    await append(log, amount)
    await log.close()
    await store.close()
  }
}

async function onPlain(): Promise<void> {
  let index = 0
  for (const { rounds, bytes } of amounts) {
    const db = new Level<string, string>(join(directory, FILES.database))
    await db.open()
    for (let round = 0; round < rounds; round += 1) {
      const first = index
      const values = Array.from({ length: WRITERS }, (_, i) => `${first + i} ${'x'.repeat(bytes)}`)
      const puts = values.map((value, i) => ({
        ...{ type: 'put' as const, key: String(first + i).padStart(9, '0'), value },
      }))
      try {
        await db.batch(puts, { sync: engine === 'plain' })
        for (let i = 0; i < WRITERS; i += 1) say(`${first + i} ${first + i}`)
      } catch {
        say('F')
      }
      index += WRITERS
    }
    await db.close().catch(() => {})
  }
}

await (engine === 'store' ? onStore() : onPlain())
