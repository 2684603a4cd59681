/** Three real daemons vouch for each other's logs: a decision is witnessed within three seconds, and is said to be. */
import assert from 'node:assert/strict'
import { cpSync, readFileSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { after, before, test } from 'node:test'
import type { Host } from '../../src/cli/stage.ts'
import type { RecordView } from '../../src/client/types.ts'
import { authorize, eventually, grant, Lab, status } from './lab.ts'

const STARTER = resolve(import.meta.dirname, '../../config/starter-policy')
const lab = new Lab()
let [atlas, borealis, cygnus] = [] as Host[] as [Host, Host, Host]

before(async () => {
  const hosts = await lab.mesh(['atlas', 'borealis', 'cygnus'])
  ;[atlas, borealis, cygnus] = hosts as [Host, Host, Host]
  await grant(borealis)
})

after(() => lab[Symbol.asyncDispose]())

async function record(on: Host, id: string | null): Promise<RecordView> {
  return (await on.ask<{ item: RecordView }>('audit', 'show', String(id))).item
}

test('a decision becomes witnessed within three seconds', async () => {
  const { id, code } = await authorize(borealis)
  assert.equal(code, null)
  const decidedMs = performance.now()
  await borealis.do('wait', '--for', 'witnessed=last', '--timeout', '3s')
  const ms = performance.now() - decidedMs
  assert.ok(ms < 3_000, `${ms} ms`)
  assert.equal((await record(borealis, id)).state, 'witnessed')
  assert.match(
    await borealis.do('explain', 'last'),
    /record \d+ of borealis · durable · published · witnessed [23] of 3/,
  )
})

test('a policy that demands a witnessed record waits for it', async () => {
  const dir = join(lab.dir, 'careful')
  cpSync(STARTER, dir, { recursive: true })
  const file = join(dir, 'starter.cedar')
  const text = readFileSync(file, 'utf8')
  writeFileSync(file, text.replace('@id("granted")', '@id("granted") @require("witnessed")'))
  await atlas.do('policy', 'publish', dir, '-m', 'leave a trace first', '--yes')
  await borealis.do('wait', '--for', 'policy=starter@2')
  const { code, id } = await authorize(borealis)
  assert.equal(code, null)
  assert.equal((await record(borealis, id)).state, 'witnessed')
})

test('every node shows who cosigned which log', async () => {
  const peers = await eventually(
    'everybody knows of everybody',
    async () => (await status(cygnus)).peers,
    (all) => all.every(({ witnessed }) => (witnessed?.by.length ?? 0) >= 2),
  )
  assert.equal(peers.length, 3)
  assert.match(await cygnus.do('mesh', 'status'), /atlas borealis/)
})

/** Denied since nobody vouches for it, and the deny supersedes the allow in the log. */
async function deniedUnwitnessed(on: Host): Promise<string | null> {
  const { code, detail, id } = await authorize(on)
  assert.equal(code, 'DEADLINE', detail ?? '')
  assert.match(detail ?? '', /too few witnesses cosigned it/)
  assert.notEqual((await record(on, id)).leaf['supersedes'], null)
  return id
}

test('with one witness away records are witnessed; with two they are not, and are when they are back', async () => {
  await atlas.stop('SIGKILL')
  await authorize(borealis)
  await borealis.do('wait', '--for', 'witnessed=last', '--timeout', '5s')
  await cygnus.stop('SIGKILL')
  const id = await deniedUnwitnessed(borealis)
  const waited = await borealis.run('wait', '--for', `witnessed=${id}`, '--timeout', '3s')
  assert.equal(waited.status, 124)
  assert.notEqual((await record(borealis, id)).state, 'witnessed')
  // A witness that starts vouches for nothing before the others told it what it may have forgotten.
  for (const host of [atlas, cygnus]) host.start()
  await borealis.do('wait', '--for', `witnessed=${id}`, '--timeout', '20s')
  assert.equal((await record(borealis, id)).state, 'witnessed')
})
