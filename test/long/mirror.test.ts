/**
 * Three real daemons that hold copies of each other's logs. One whose data
 * directory is an older copy, or a new one, gets its log back from a mirror and
 * goes on in its epoch; nothing is lost, and nobody has anything against it.
 */
import assert from 'node:assert/strict'
import { cpSync, renameSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import type { Host } from '../../src/cli/stage.ts'
import type { RecordView } from '../../src/client/types.ts'
import { authorize, eventually, grant, join as joins, Lab, status } from '../e2e/lab.ts'
import { row } from '../lab/row.ts'

const lab = new Lab()
const MIRROR = { MESHD_AUDIT_MIRROR: '1' }
let hosts: readonly Host[] = []
let borealis: Host
let data = ''

before(async () => {
  hosts = await lab.mesh(['atlas', 'borealis', 'cygnus'], '3s', async (host) => {
    host.start(MIRROR)
    await host.answers()
  })
  borealis = hosts[1] as Host
  data = join(borealis.dir, 'data')
  await grant(borealis)
})

after(() => lab[Symbol.asyncDispose]())

async function decides(times: number): Promise<readonly string[]> {
  const ids: string[] = []
  for (let i = 0; i < times; i += 1) {
    const { code, id } = await authorize(borealis)
    assert.equal(code, null)
    ids.push(String(id))
  }
  return ids
}

async function record(id: string): Promise<RecordView> {
  return (await borealis.ask<{ item: RecordView }>('audit', 'show', id)).item
}

/** Until all that it has recorded is mirrored. */
async function mirrored(): Promise<number> {
  const { log } = await eventually(
    'all is mirrored',
    () => status(borealis),
    (view) => view.log.mirrored === view.log.size,
    20_000,
  )
  return log.size
}

/** The log is whole: longer than it was, in its epoch, with all of these in it. */
async function goesOn(size: number, ids: readonly string[]): Promise<void> {
  await borealis.do('wait', '--for', 'ready', '--timeout', '60s')
  const { log } = await status(borealis)
  assert.equal(log.epoch, 1)
  assert.ok(log.size > size, `${log.size} of ${size}`)
  for (const id of ids) assert.equal((await record(id)).epoch, 1)
  await borealis.do('audit', 'verify')
  for (const each of hosts) assert.equal((await status(each)).governance.evidence, 0)
}

test('a decision becomes mirrored, and every view says so', async () => {
  const [id = ''] = await decides(1)
  await borealis.do('wait', '--for', 'mirrored=last', '--timeout', '20s')
  const { state, mirrors } = await record(id)
  assert.equal(state, 'mirrored')
  assert.ok((mirrors?.holding ?? 0) >= 1)
  assert.equal(mirrors?.wanted, 1)
  assert.match(await borealis.do('explain', 'last'), /witnessed [23] of 3 · mirrored [12] of 1/)
  assert.match(await borealis.do('doctor'), /records mirrored, by \d of 1 members/)
})

test('restored from an older copy the log goes on in its epoch, with nothing lost', async (t) => {
  await borealis.stop()
  const copy = join(borealis.dir, 'copy')
  cpSync(data, copy, { recursive: true })
  borealis.start(MIRROR)
  await borealis.do('wait', '--for', 'ready', '--timeout', '30s')
  const ids = await decides(5)
  const size = await mirrored()
  await borealis.stop('SIGKILL')
  rmSync(data, { recursive: true })
  renameSync(copy, data)
  borealis.start(MIRROR)
  await goesOn(size, ids)
  assert.match(borealis.log(), /came back from a mirror/)
  assert.match(await borealis.do('doctor'), /came back from/)
  row(t, 20, `0 contradictions: ${ids.length} of ${ids.length} decisions came back, in epoch 1`)
  await decides(3)
})

test('begun anew with the same keys it gets all of its log back', async (t) => {
  const ids = await decides(2)
  const size = await mirrored()
  await borealis.stop('SIGKILL')
  renameSync(data, join(borealis.dir, 'lost'))
  borealis.start(MIRROR)
  await borealis.answers()
  // It is a member already, and waits for its log.
  await joins(hosts[0] as Host, borealis).catch(() => {})
  await goesOn(size, ids)
  row(t, 19, `${size} of ${size} records came back after the data directory was lost`)
  // What it held for callers is gone with the disk, and is granted anew.
  await grant(borealis)
  await decides(2)
})
