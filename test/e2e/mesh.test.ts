/**
 * Three real daemons, typed at like a person would: joined by invite and by
 * approval, killed without warning, started again. What was acknowledged is
 * there, what was missed arrives, what is revoked stops.
 */
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { Host } from '../../src/cli/stage.ts'
import type { DecisionView, RecordView, StatusView } from '../../src/client/types.ts'
import { eventually } from './lab.ts'
import { run } from './typed.ts'

const UID = process.getuid?.() ?? 0
const ASK = ['--action', 'job:deploy', '--resource', 'env:staging'] as const

const dir = mkdtempSync(join(tmpdir(), 'meshd-e2e-'))
const host = (name: string) =>
  new Host({ name, dir: join(dir, name), keyStore: join(dir, 'operator') })
const [atlas, borealis, cygnus] = [host('atlas'), host('borealis'), host('cygnus')]
const hosts = [atlas, borealis, cygnus]

after(async () => {
  await Promise.all(hosts.map((each) => each.stop('SIGKILL')))
  rmSync(dir, { recursive: true, force: true })
})

async function status(of: Host): Promise<StatusView> {
  const said = await of.run('status', '--json')
  return (JSON.parse(said.stdout) as { item: StatusView }).item
}

async function authorize(on: Host): Promise<DecisionView> {
  const said = await on.run('authorize', ...ASK, '--json')
  return (JSON.parse(said.stdout) as { item: DecisionView }).item
}

before(async () => {
  await atlas.do('init', '--mesh', 'prod', '--staleness', '5s')
  for (const each of hosts) each.start()
  await Promise.all(hosts.map((each) => each.answers()))
})

test('a node without a mesh answers, and denies', async () => {
  const said = await borealis.run('authorize', ...ASK, '--json')
  assert.equal(said.status, 2, said.stderr)
  assert.equal((await borealis.run('status')).status, 6)
})

test('an invite admits at once, and works only once', async () => {
  const line = (await atlas.do('invite', 'create', '--name', 'borealis', '-o', 'id')).trim()
  const joined = await borealis.do('peer', 'join', line)
  assert.match(joined, /admitted/)
  const again = await cygnus.run('peer', 'join', line)
  assert.notEqual(again.status, 0)
})

test('without an invite a node is pending until an admitter approves it', async () => {
  const [address = ''] = (await status(atlas)).listen
  const { mesh } = await status(atlas)
  const joined = await cygnus.do('peer', 'join', address, '--mesh', mesh?.id ?? '')
  assert.match(joined, /PENDING/)
  const { node } = await status(cygnus)
  await atlas.do('peer', 'approve', node.did, '--yes')
  await cygnus.do('wait', '--for', 'ready')
})

test('three witnesses hold the lease together', async () => {
  await atlas.do('wait', '--for', 'peers=2')
  await atlas.do('root', 'rotate', '--witnesses', 'atlas,borealis,cygnus', '--yes')
  for (const each of hosts) await each.do('wait', '--for', 'ready')
  const { lease } = await status(cygnus)
  assert.deepEqual([lease.held, lease.need, lease.of], [true, 2, 3])
})

test('a held artifact allows, and everything is in the log', async () => {
  await cygnus.do('key', 'create', 'deployer', '--for', `uid=${UID}`)
  const grant = ['--to', 'deployer', '--action', 'job:deploy', '--resource', 'env:staging']
  await cygnus.do('artifact', 'issue', ...grant, '--ttl', '1h', '--hold', '--yes')
  const decision = await authorize(cygnus)
  assert.equal(decision.code, null, decision.detail ?? '')
  assert.match(await cygnus.do('explain', 'last'), /12 audit/)
  await cygnus.do('audit', 'verify')
})

test('exec runs what is allowed and gives its status, and 126 for what is not', async () => {
  const ran = await run(cygnus, ['exec', ...ASK, '--', 'sh', '-c', 'exit 7'])
  assert.equal(ran.status, 7, ran.stderr)
  const denied = await run(cygnus, [
    'exec',
    '--action',
    'job:deploy',
    '--resource',
    'env:prod',
    '--',
    'true',
  ])
  assert.equal(denied.status, 126)
  assert.match(denied.stderr, /DENY/)
})

test('kill -9 loses nothing that was acknowledged', async () => {
  const decisions: string[] = []
  for (let i = 0; i < 20; i += 1) decisions.push((await authorize(cygnus)).id ?? '')
  await cygnus.stop('SIGKILL')
  cygnus.start()
  await cygnus.do('wait', '--for', 'ready')
  const view = await cygnus.ask<{ items: RecordView[] }>('audit', 'list', '--limit', '1000')
  const kept = new Set(view.items.map(({ id }) => id))
  for (const id of decisions) assert.ok(kept.has(id), `${id} is gone`)
  await cygnus.do('audit', 'verify')
})

test('what a node missed while it was down arrives when it is back, and denies', async () => {
  await borealis.stop('SIGKILL')
  await atlas.do('freeze', 'action:job', '-m', 'INC-1', '--yes', '--wait=committed')
  borealis.start()
  await borealis.do('wait', '--for', 'ready')
  const digests = await Promise.all(
    hosts.map(async (each) => (await status(each)).governance.digest),
  )
  assert.equal(new Set(digests).size, 1)
  assert.equal((await authorize(cygnus)).code, 'FROZEN')
  await atlas.do('unfreeze', 'action:job', '--yes', '--wait=all')
  assert.equal((await authorize(cygnus)).code, null)
})

test('a revocation ends the running child on another node', async () => {
  const before = await newestAllow(cygnus)
  const child = run(cygnus, ['exec', ...ASK, '--', 'sleep', '60'])
  const begun = () => newestAllow(cygnus)
  const { id } = await eventually('the child is allowed', begun, (last) => last.id !== before.id)
  await atlas.do('revoke', id, '-m', 'wrong branch', '--yes', '--wait=all')
  const ended = await child
  assert.equal(ended.status, 143, ended.stderr)
  assert.match(ended.stderr, /STOPPED dec_\w+ {2}REVOKED/)
})

test('SIGTERM answers what is in flight and ends within five seconds', async () => {
  const startedMs = performance.now()
  assert.equal(await borealis.stop(), 0)
  assert.ok(performance.now() - startedMs < 5000)
})

async function newestAllow(on: Host): Promise<RecordView> {
  const { items } = await on.ask<{ items: RecordView[] }>('audit', 'list', '--limit', '20')
  const found = items.find(({ leaf }) => leaf['effect'] === 'allow')
  assert.ok(found !== undefined)
  return found
}
