/**
 * A node whose disk is not the one it had (FAULTS 20; design 5): restored from
 * an older copy, or begun anew after damage. It appends nothing, allows
 * nothing and says why, until an operator opens a new epoch of its log.
 */
import assert from 'node:assert/strict'
import { cpSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import type { Host } from '../../src/cli/stage.ts'
import type { PeerView } from '../../src/client/peer-types.ts'
import { authorize, eventually, grant, join as joins, Lab, status } from '../e2e/lab.ts'
import { row } from '../lab/row.ts'

const lab = new Lab()
let [atlas, borealis] = [] as Host[] as [Host, Host]
let data = ''

before(async () => {
  ;[atlas, borealis] = (await lab.mesh(['atlas', 'borealis'], '3s')) as [Host, Host]
  data = join(borealis.dir, 'data')
  await grant(borealis)
})

after(() => lab[Symbol.asyncDispose]())

/** Until atlas heard of all that borealis has recorded. */
async function published(): Promise<number> {
  const heard = async () => {
    const { item } = await atlas.ask<{ item: PeerView }>('peer', 'show', 'borealis')
    const { log } = await status(borealis)
    return { heard: item.heard, log }
  }
  const { log } = await eventually(
    'published',
    heard,
    (seen) => seen.heard?.epoch === seen.log.epoch && seen.heard.logSize === seen.log.size,
  )
  return log.size
}

async function decides(times: number): Promise<void> {
  for (let i = 0; i < times; i += 1) assert.equal((await authorize(borealis)).code, null)
}

/** It denies, names the rollback, and its log does not grow. */
async function stays(size: number): Promise<void> {
  const { notReady, ready, log } = await eventually(
    'the rollback',
    () => status(borealis),
    (view) => view.notReady.some((why) => why.includes('rollback: ')),
  )
  assert.match(notReady.join('\n'), new RegExp(`checkpoint of this log at size ${size}, here`))
  assert.equal(ready, false)
  for (let i = 0; i < 3; i += 1) assert.equal((await authorize(borealis)).decision, false)
  assert.equal((await status(borealis)).log.size, log.size)
  assert.equal((await borealis.run('status')).status, 6)
  const verified = await borealis.run('audit', 'verify')
  assert.match(verified.stdout + verified.stderr, /rollback: others hold a checkpoint/)
  assert.equal(verified.status, 3)
  const held = await borealis.run('audit', 'verify', '--peers')
  assert.match(held.stdout, /^✗ own log ends at .*; .*atlas.* (?:cosigned|holds) \d/m)
  assert.match(held.stdout, /^ {2}ROLLBACK (?:of \d+ records?|to before epoch \d) on this node/m)
  assert.equal(held.status, 3)
}

async function opened(epoch: number): Promise<void> {
  await atlas.do('peer', 'epoch', 'borealis', '--yes')
  await borealis.do('wait', '--for', 'ready', '--timeout', '20s')
  assert.equal((await status(borealis)).log.epoch, epoch)
  await borealis.do('audit', 'verify', '--peers')
}

test('restored from an older copy it continues nothing, and goes on in a new epoch', async (t) => {
  await decides(3)
  await published()
  await borealis.stop()
  const copy = join(borealis.dir, 'copy')
  cpSync(data, copy, { recursive: true })
  borealis.start()
  await borealis.answers()
  await borealis.do('wait', '--for', 'ready')
  await decides(5)
  const size = await published()
  await borealis.stop('SIGKILL')
  rmSync(data, { recursive: true })
  renameSync(copy, data)
  borealis.start()
  await borealis.answers()
  await stays(size)
  await opened(2)
  await decides(3)
  // It appended nothing to the log that others remember: nobody has anything against it.
  for (const each of [atlas, borealis]) assert.equal((await status(each)).governance.evidence, 0)
  row(t, 20, 'older copy: 0 allows, 0 appended, 0 contradictions; goes on in a new epoch')
})

test('with a damaged disk it does not start; begun anew with the same keys it is a rollback', async (t) => {
  const size = await published()
  await borealis.stop()
  const head = join(data, 'head')
  const bytes = readFileSync(head)
  for (const at of [20, 4096 + 20]) bytes[at] = (bytes[at] ?? 0) ^ 1
  writeFileSync(head, bytes)
  const refused = await borealis.run('start')
  assert.match(refused.stderr, /\[LOG_DAMAGED\]\nhint: .*new log epoch/)
  assert.equal(refused.status, 3)
  renameSync(data, join(borealis.dir, 'damaged'))
  borealis.start()
  await borealis.answers()
  // It is a member already: what it lacks is to be ready.
  await joins(atlas, borealis).catch(({ message }: Error) => assert.match(message, /rollback/))
  await stays(size)
  await opened(3)
  await grant(borealis)
  await decides(3)
  const digests = await Promise.all([atlas, borealis].map(status))
  assert.equal(new Set(digests.map(({ governance }) => governance.digest)).size, 1)
  row(t, 19, 'whole data directory gone: a rollback, 0 allows until a new epoch')
})
