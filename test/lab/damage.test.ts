/**
 * One bit of any file of a data directory flips, or a file is gone: what is read is right, or refused.
 * Beside it, what LevelDB alone makes of the same.
 */
import assert from 'node:assert/strict'
import { cpSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { before, test } from 'node:test'
import { Level } from 'level'
import { textOf } from '../../src/core/bytes.ts'
import { MeshError } from '../../src/core/problems.ts'
import { createStore } from '../../src/storage/create.ts'
import { LevelStore } from '../../src/storage/level.ts'
import { batchOf, put, RESERVE, texts } from '../ports/stores.ts'
import { row } from './row.ts'
import { LONG, scratch } from './shim.ts'

/** Each n-th byte. */
const STRIDE = LONG ? 13 : 97
const RECORDS = 300
const good = join(scratch, 'good')
const copy = join(scratch, 'copy')

/** Records in a table, and more of them in the log. */
before(async () => {
  const made = await createStore(good, RESERVE)
  for (let i = 0; i < 10; i += 1)
    await made.persist(batchOf(made, texts(15, 15 * i), [put(`key ${i}`, `value ${i}`)]))
  await made.close()
  const store = await LevelStore.open(good, RESERVE)
  for (let i = 10; i < 20; i += 1)
    await store.persist(batchOf(store, texts(15, 15 * i), [put(`key ${i}`, `value ${i}`)]))
  await store.close()
})

type Outcome = 'right' | 'refused' | 'wrong'

/** What a start finds in the copy. */
async function opened(): Promise<Outcome> {
  let store: LevelStore | null = null
  try {
    store = await LevelStore.open(copy, RESERVE)
    const records = (await store.records(0, store.tree.size)).map(textOf)
    const entries = await store.entries('statement')
    const whole = records.length === RECORDS && entries.size === 20
    return whole && records.every((text, i) => text === `record ${i}`) ? 'right' : 'wrong'
  } catch (error) {
    if (error instanceof MeshError) return 'refused'
    throw error
  } finally {
    await store?.close()
  }
}

/** The same bytes under LevelDB alone. */
async function openedPlain(entries: ReadonlyMap<string, string>): Promise<Outcome> {
  const db = new Level<string, string>(join(copy, 'db'), HEX)
  try {
    await db.open()
    const found = new Map(await db.iterator().all())
    const same = [...entries].every(([key, value]) => found.get(key) === value)
    return same && found.size === entries.size ? 'right' : 'wrong'
  } catch {
    return 'refused'
  } finally {
    await db.close().catch(() => {})
  }
}

const HEX = { keyEncoding: 'hex', valueEncoding: 'hex' } as const

async function entriesOf(): Promise<Map<string, string>> {
  cpSync(good, copy, { recursive: true })
  const db = new Level<string, string>(join(copy, 'db'), HEX)
  await db.open()
  const entries = new Map(await db.iterator().all())
  await db.close()
  rmSync(copy, { recursive: true })
  return entries
}

function flip(path: string, at: number): void {
  const bytes = readFileSync(path)
  bytes[at] = (bytes[at] ?? 0) ^ 1
  writeFileSync(path, bytes)
}

/** Every file with such a name, each n-th byte of it: what was found, by the store and by LevelDB alone. */
async function flips(name: RegExp, stride: number) {
  const entries = await entriesOf()
  const ours = { right: 0, refused: 0, wrong: 0 }
  const plain = { right: 0, refused: 0, wrong: 0 }
  const files = readdirSync(good, { recursive: true, encoding: 'utf8' }).filter((file) =>
    name.test(file),
  )
  assert.ok(files.length > 0, `there is a ${name}`)
  for (const file of files)
    for (let at = 0; at < readFileSync(join(good, file)).length; at += stride)
      for (const [counts, open] of [
        [ours, opened],
        [plain, () => openedPlain(entries)],
      ] as const) {
        rmSync(copy, { recursive: true, force: true })
        cpSync(good, copy, { recursive: true })
        flip(join(copy, file), at)
        const outcome = await open()
        counts[outcome] += 1
        if (counts === ours) assert.notEqual(outcome, 'wrong', `${file} at ${at}`)
      }
  rmSync(copy, { recursive: true, force: true })
  const all = ours.right + ours.refused
  assert.ok(all > 0, `${name} has bytes`)
  return `0 silent of ${all} flips, ${ours.refused} refused; LevelDB alone: ${plain.wrong} silent`
}

test('a flip in a log of LevelDB is never silent', async (t) => {
  row(t, 17, `log: ${await flips(/^db\/\d+\.log$/, STRIDE)}`)
})

test('a flip in a table, the manifest or CURRENT is never silent', async (t) => {
  row(t, 18, `tables: ${await flips(/^db\/\d+\.ldb$/, STRIDE)}`)
  row(t, 18, `MANIFEST: ${await flips(/^db\/MANIFEST/, LONG ? 1 : 7)}`)
  row(t, 18, `CURRENT: ${await flips(/^db\/CURRENT$/, LONG ? 1 : 2)}`)
})

test('a flip in the head file is never silent', async (t) => {
  row(t, 18, `head: ${await flips(/^head$/, LONG ? 7 : 311)}`)
})

test('any file that is gone is noticed, and nothing is made in its place', async (t) => {
  const entries = await entriesOf()
  const files = readdirSync(good, { recursive: true, encoding: 'utf8' })
  // What LevelDB writes for people, its lock, and the room that is given up are not the node's memory.
  const kept = files.filter((file) => !/^(?:db\/(?:LOG|LOG\.old|LOCK)|reserve)$/.test(file))
  let [refused, lost] = [0, 0]
  for (const file of kept) {
    const without = () => {
      rmSync(copy, { recursive: true, force: true })
      cpSync(good, copy, { recursive: true })
      rmSync(join(copy, file), { recursive: true })
    }
    without()
    const outcome = await opened()
    assert.notEqual(outcome, 'wrong', `without ${file}`)
    if (outcome === 'refused') refused += 1
    without()
    if ((await openedPlain(entries)) === 'wrong') lost += 1
  }
  assert.ok(refused >= 5, `${refused} refused`)
  rmSync(copy, { recursive: true, force: true })
  row(
    t,
    19,
    `${kept.length} files, each gone once: ${refused} refused, 0 silent; LevelDB alone: ${lost} silent`,
  )
})
