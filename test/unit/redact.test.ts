/** Values that records only commit to are given up: from what is shown, from the disk, and by nobody unnoticed; the log proves what it proved. */
import assert from 'node:assert/strict'
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { atlas } from '../../scripts/vectors/tokens.ts'
import { discloseLeaf, REDACTABLE } from '../../src/core/disclosure.ts'
import { readExhibit } from '../../src/core/exhibit.ts'
import { formatJson, type JsonObject } from '../../src/core/json.ts'
import { leafHash, rootHash } from '../../src/core/merkle.ts'
import { verifyInclusion } from '../../src/core/proof.ts'
import { leafOf } from '../../src/core/terms.ts'
import { disclosedOf } from '../../src/mesh/disclosures.ts'
import { Log } from '../../src/mesh/log.ts'
import { LogReader } from '../../src/mesh/log-reader.ts'
import { type Redaction, redactRecords } from '../../src/mesh/redact.ts'
import { Database } from '../../src/storage/database.ts'
import { exhibitKey } from '../../src/storage/keyspace.ts'
import { row } from '../lab/row.ts'
import { type Durably, inMemory, onLevel } from '../ports/stores.ts'
import { VirtualClock } from '../sim/clock.ts'
import { canaryDecision, EXHIBIT } from './canaries.ts'

const NOTHING: Redaction = { record: null, principal: null, beforeMs: null, fields: [] }
const ALL = { ...NOTHING, beforeMs: Number.MAX_SAFE_INTEGER }

/** So unlike each other and all else that a compressed file shows them, too. */
const CANARIES = ['QxZvKjWyHq', 'JwPzXkVbGn', 'VgYqTjFmDr'] as const
const [ONE, TWO, THREE] = CANARIES

/** Three decisions, each asked with a canary of its own. */
async function world(durably: Durably) {
  const { store } = durably
  const clock = new VirtualClock(1)
  let salt = 0
  const committing = {
    fields: () => REDACTABLE,
    salt: () => {
      salt += 1
      return Buffer.alloc(32, salt)
    },
  }
  const log = await Log.open({ store, clock, node: atlas.did, committing })
  log.openForAppends()
  const drafts = CANARIES.map(canaryDecision)
  const records = await Promise.all(
    drafts.map(({ draft, exhibit }) => log.append(draft, () => [], exhibit)),
  )
  const reader = new LogReader({ store, log })
  const leafAt = async (index: number) => leafOf((await reader.at(index))?.bytes ?? Buffer.of())
  const shown = async (index: number) => {
    const leaf = await leafAt(index)
    return formatJson(discloseLeaf(leaf, await disclosedOf(reader, leaf)))
  }
  return { store, log, reader, records, drafts, leafAt, shown, ports: { log, reader } }
}

test('what is disclosed is shown as it was asked; redacted it is not, and the log proves the same', async () => {
  const { log, reader, records, shown, leafAt, ports, drafts } = await world(await inMemory())
  for (const [i, { draft }] of drafts.entries())
    assert.equal(JSON.parse(await shown(i)).request.args.digest, argsDigest(draft))
  const before = { tree: log.tree, leaf: await leafAt(1) }
  const [, second] = records
  const named = { ...NOTHING, record: second?.id ?? null }
  assert.deepEqual(await redactRecords(ports, named, null), { records: 1, values: 8 })
  assert.equal(log.tree.size, 3, 'a count changes nothing')
  await redactRecords(ports, named, 'by root: INC-9')
  assert.deepEqual(await leafAt(1), before.leaf)
  assert.equal(await shown(1), formatJson(before.leaf))
  assert.ok((await shown(0)).includes(ONE) && (await shown(2)).includes(THREE))
  const bytes = (await reader.at(1))?.bytes ?? Buffer.of()
  const proof = await reader.inclusion(1, 3)
  assert.ok(verifyInclusion(leafHash(bytes), 1, 3, proof, rootHash(before.tree)))
  const told = await leafAt(3)
  assert.deepEqual([told['type'], told['event']], ['system', 'redacted'])
  assert.match(String(told['detail']), /request\.args.* in record 1 of epoch 1; by root: INC-9/)
  assert.deepEqual(await redactRecords(ports, named, 'again'), { records: 0, values: 0 })
  assert.equal(log.tree.size, 4, 'nothing went, so nothing is told')
})

test('one field goes with what would give it away, and the others are still shown', async () => {
  const { shown, ports, store } = await world(await inMemory())
  await redactRecords(ports, { ...ALL, fields: ['caller'] }, 'x')
  assert.match(await shown(0), /"caller":\{"sha256"/)
  assert.match(await shown(0), /"facts":\{"sha256".*"resource":\{"id":"QxZvKjWyHq"/s)
  const [kept] = await store.exhibits(0, 1)
  assert.equal(
    readExhibit(kept ?? Buffer.of()).size,
    3,
    'the invocation says nothing of the caller',
  )
  await redactRecords(ports, { ...ALL, fields: ['args'] }, 'x')
  const [left] = await store.exhibits(0, 1)
  const names = [...readExhibit(left ?? Buffer.of()).keys()]
  assert.equal(names.length, 2, `the link and the resource: ${names}`)
})

test('by principal: those that name it, also where only the disclosure does', async () => {
  const { ports, drafts, shown } = await world(await inMemory())
  const caller = drafts[0]?.draft['caller'] as JsonObject
  const of = { ...NOTHING, principal: caller['principal'] as never }
  assert.equal((await redactRecords(ports, of, 'x')).records, 3)
  assert.ok(!(await shown(2)).includes(THREE))
  const nobody = { ...NOTHING, principal: atlas.did }
  assert.equal((await redactRecords(ports, nobody, 'x')).records, 0)
})

test('what the disk changed is shown to nobody, and redacted whole', async () => {
  const durably = await inMemory()
  const { shown, leafAt, ports, log } = await world(durably)
  const [exhibit] = await durably.store.exhibits(0, 1)
  const changed = Buffer.from(exhibit ?? Buffer.of())
  changed[changed.length - 3] = (changed[changed.length - 3] ?? 0) ^ 1
  const put = { epoch: log.epoch, index: 0, bytes: changed }
  await log.append({ type: 'system', event: 'x', detail: '' }, () => [], null, [put])
  assert.equal(await shown(0), formatJson(await leafAt(0)))
  await redactRecords(ports, ALL, 'x')
  assert.deepEqual(await durably.store.exhibits(0, 1), [null])
})

/** A file that goes while it is looked for has told nothing yet: it is looked at again. */
function has(file: string, text: string): boolean {
  try {
    return readFileSync(file).includes(text)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return true
    throw error
  }
}

test('no file of the database holds a value that was redacted', async (t) => {
  const durably = await onLevel()
  try {
    const { ports, store, records } = await world(durably)
    const database = join(durably.directory, 'db')
    const holds = (text: string) =>
      readdirSync(database).some((file) => has(join(database, file), text))
    assert.ok(holds(ONE) && holds(TWO) && holds(THREE))
    await redactRecords(ports, { ...NOTHING, record: records[1]?.id ?? null }, 'x')
    // Compaction goes on behind the answer.
    while (holds(TWO)) await new Promise((done) => setTimeout(done, 10))
    assert.ok(holds(ONE) && holds(THREE), 'files are read as they are')
    assert.equal(store.tree.size, 4)
    const again = await durably.again()
    assert.equal(readExhibit((await again.exhibits(1, 1))[0] ?? Buffer.of()).size, 1)
  } finally {
    await durably.remove()
  }
  row(t, 102, '0 hits in the database')
})

test('what was written and deleted before any of it became a file leaves the files, too', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'meshd-forget-'))
  const database = await Database.open(directory, true)
  try {
    const key = exhibitKey(1, 7)
    await database.write([{ type: 'put', key, value: Buffer.from(ONE) }], true)
    await database.write([{ type: 'del', key }], true)
    await database.forget([key])
    const files = readdirSync(directory).map((file) => readFileSync(join(directory, file)))
    assert.ok(files.length > 0 && !files.some((bytes) => bytes.includes(ONE)))
  } finally {
    await database.close()
    rmSync(directory, { recursive: true })
  }
})

test('a log that was retired meanwhile takes nothing for the old one', async () => {
  const { log } = await world(await inMemory())
  const put = { epoch: log.epoch + 1, index: 0, bytes: null }
  await assert.rejects(
    log.append({ type: 'system', event: 'x', detail: '' }, () => [], null, [put]),
    /retired meanwhile/,
  )
})

function argsDigest(draft: JsonObject): string {
  return JSON.parse(formatJson(draft)).request.args.digest
}

test('an exhibit without a disclosure is left as it is', async () => {
  const { store } = await inMemory()
  const log = await Log.open({ store, clock: new VirtualClock(1), node: atlas.did })
  log.openForAppends()
  await log.append(canaryDecision('canary').draft, () => [], EXHIBIT)
  const ports = { log, reader: new LogReader({ store, log }) }
  assert.equal((await redactRecords(ports, ALL, 'x')).records, 0)
  assert.deepEqual(await store.exhibits(0, 1), [EXHIBIT])
})
