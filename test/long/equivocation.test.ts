/**
 * One identity on two machines (FAULTS 21; S4, S9). Where nobody sees both,
 * each signs a history of its own; when they meet again, whoever hears of both
 * has the evidence, and nothing rests on the node, everywhere, until root keys
 * lift it. Where they run side by side, one of them is stopped at once.
 */
import assert from 'node:assert/strict'
import { cpSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import type { Host } from '../../src/cli/stage.ts'
import type { PeerView } from '../../src/client/peer-types.ts'
import type { DecisionView, RecordView } from '../../src/client/types.ts'
import { authorize, eventually, grant, join as joins, Lab, status } from '../e2e/lab.ts'
import { row } from '../lab/row.ts'

const lab = new Lab()
let [atlas, borealis, cygnus, clone] = [] as Host[] as [Host, Host, Host, Host]

before(async () => {
  ;[atlas, borealis] = (await lab.mesh(['atlas', 'borealis'])) as [Host, Host]
  ;[cygnus, clone] = [lab.host('cygnus'), lab.host('clone')]
  cygnus.start()
  await cygnus.answers()
  await joins(atlas, cygnus)
  await cygnus.do('wait', '--for', 'ready', '--timeout', '20s')
  await grant(cygnus)
})

after(() => lab[Symbol.asyncDispose]())

const peer = async (on: Host) => (await on.ask<{ item: PeerView }>('peer', 'show', 'cygnus')).item

/** Its disk and keys as they are now, to another host. It is down meanwhile. */
function copy(from: Host, to: Host): void {
  for (const each of ['data', 'keys']) {
    rmSync(join(to.dir, each), { recursive: true, force: true })
    cpSync(join(from.dir, each), join(to.dir, each), { recursive: true })
  }
}

/** It decides, and that node alone hears how its log grows. */
async function writes(host: Host, decisions: number, hearer: Host): Promise<void> {
  host.start()
  await host.answers()
  await host.do('wait', '--for', 'ready', '--timeout', '20s')
  for (let i = 0; i < decisions; i += 1) assert.equal((await authorize(host)).code, null)
  const { log } = await status(host)
  const heard = async () => (await peer(hearer)).heard?.logSize ?? 0
  await eventually('it is heard', heard, (size) => size >= log.size)
}

test('two histories, told to two nodes that do not meet, are not noticed by either', async () => {
  await cygnus.stop()
  copy(cygnus, clone)
  await borealis.do('peer', 'isolate', '--yes')
  await writes(cygnus, 2, atlas)
  await cygnus.stop()
  await atlas.do('peer', 'isolate', '--yes')
  await borealis.do('peer', 'isolate', '--off')
  await writes(clone, 5, borealis)
  for (const each of [atlas, borealis]) assert.equal((await status(each)).governance.evidence, 0)
})

test('once they meet, every node holds the evidence within seconds, and shows it', async (t) => {
  await atlas.do('peer', 'isolate', '--off')
  const beganMs = performance.now()
  const ids = new Set<string>()
  for (const each of [atlas, borealis]) {
    const distrusted = ({ state }: PeerView) => state === 'distrusted'
    const { evidence } = await eventually('evidence', () => peer(each), distrusted, 20_000)
    for (const { id } of evidence) ids.add(id)
    assert.equal((await status(each)).governance.evidence, 1)
    assert.match(await each.do('mesh', 'status'), / 1 evidence/)
    assert.match(await each.do('peer', 'list'), /cygnus +distrusted/)
    assert.match(await each.do('peer', 'show', 'cygnus'), /evidence +evd_\w+ +log epoch 1 has two/)
    const doctor = await each.run('doctor')
    assert.match(doctor.stdout, /cygnus is distrusted/)
    const held = await each.run('audit', 'verify', '--peers')
    assert.match(held.stdout, /^! cygnus showed two histories of its own log$/m)
  }
  assert.equal(ids.size, 1)
  row(
    t,
    21,
    `apart: all have the evidence ${((performance.now() - beganMs) / 1000).toFixed(1)} s after they meet`,
  )
  const told = await atlas.ask<{ items: RecordView[] }>('audit', 'list', '--type', 'statement')
  assert.ok(told.items.some(({ leaf }) => leaf['kind'] === 'evidence'))
})

test('it allows nothing, told why or left alone, and the others go on without it', async () => {
  const denies = ({ code }: DecisionView) =>
    code === 'NODE_SUSPENDED' || code === 'GOVERNANCE_STALE'
  await eventually('it denies', () => authorize(clone), denies)
  cygnus.start()
  await cygnus.answers()
  for (let i = 0; i < 3; i += 1) assert.equal((await authorize(cygnus)).decision, false)
  await grant(atlas)
  assert.equal((await authorize(atlas)).code, null)
})

test('root keys lift it, a new epoch begins, and the evidence stays to be seen', async () => {
  await Promise.all([cygnus.stop(), clone.stop()])
  const [{ id = '' } = {}] = (await peer(atlas)).evidence
  await atlas.do('root', 'rotate', '--lift', id, '-m', 'the clone is destroyed', '--yes')
  assert.equal((await peer(atlas)).state, 'distrusted', 'its log would go on')
  await atlas.do('peer', 'epoch', 'cygnus', '--yes')
  cygnus.start()
  await cygnus.do('wait', '--for', 'ready', '--timeout', '30s')
  assert.equal((await status(cygnus)).log.epoch, 2)
  assert.equal((await authorize(cygnus)).code, null)
  const { state, evidence } = await peer(borealis)
  assert.equal(state, 'member')
  assert.deepEqual(
    evidence.map((each) => [each.id, each.lifted]),
    [[id, true]],
  )
  assert.match(await borealis.do('peer', 'show', 'cygnus'), /lifted/)
})

test('of two side by side one at most goes on', async (t) => {
  await cygnus.stop()
  copy(cygnus, clone)
  const both = [cygnus, clone]
  for (const each of both) each.start()
  for (const each of both) await each.answers()
  const stopped = async () => {
    // Started in the same millisecond they have recorded the same, and nothing contradicts anything yet.
    for (const each of both) await authorize(each)
    const views = await Promise.all(both.map(status))
    return views.flatMap(({ notReady }) => notReady).join()
  }
  const beganMs = performance.now()
  await eventually('caught', stopped, (why) => /rollback: |distrusted/.test(why), 20_000)
  row(t, 21, `side by side: caught after ${((performance.now() - beganMs) / 1000).toFixed(1)} s`)
})
