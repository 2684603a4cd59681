/**
 * Two real daemons, looked through like an auditor would: with filters, over
 * both logs, counted, and carried over an air gap.
 */
import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { Host } from '../../src/cli/stage.ts'
import type {
  MeshRecordListView,
  RecordListView,
  RecordStatsView,
} from '../../src/client/search-types.ts'
import { eventually } from './lab.ts'

const UID = process.getuid?.() ?? 0
const dir = mkdtempSync(join(tmpdir(), 'meshd-e2e-'))
const [atlas, borealis] = ['atlas', 'borealis'].map(
  (name) => new Host({ name, dir: join(dir, name), keyStore: join(dir, 'operator') }),
) as [Host, Host]

const ask = (on: Host, ...words: string[]) =>
  on.run('authorize', '--action', words[0] ?? '', '--resource', words[1] ?? '', '--json')
const list = (on: Host, ...words: string[]) => on.ask<RecordListView>('audit', 'list', ...words)

after(async () => {
  await Promise.all([atlas, borealis].map((each) => each.stop('SIGKILL')))
  rmSync(dir, { recursive: true, force: true })
})

before(async () => {
  await atlas.do('init', '--mesh', 'prod')
  for (const each of [atlas, borealis]) each.start()
  await Promise.all([atlas, borealis].map((each) => each.answers()))
  const line = (await atlas.do('invite', 'create', '--name', 'borealis', '-o', 'id')).trim()
  await borealis.do('peer', 'join', line)
  await borealis.do('wait', '--for', 'ready')
  const grant = ['--action', 'job:deploy', '--resource', 'env:staging', '--ttl', '1h', '--hold']
  await borealis.do('key', 'create', 'me', '--for', `uid=${UID}`)
  for (const each of [atlas, borealis]) {
    await each.do('artifact', 'issue', '--to', 'me', ...grant, '--yes')
    for (let i = 0; i < 3; i += 1) await ask(each, 'job:deploy', 'env:staging')
    await ask(each, 'job:deploy', 'env:prod')
  }
})

test('filters find what has all of them, and pages go on where the last one ended', async () => {
  const of = async (...words: string[]) => (await list(atlas, ...words)).items
  assert.equal((await of('--outcome', 'allow')).length, 3)
  assert.equal((await of('--principal', 'me', '--type', 'decision')).length, 4)
  const [denied] = await of('--resource', 'env:prod', '--outcome', 'deny')
  assert.equal(
    (await of('--code', String(denied?.leaf['code']), '--action', 'job:deploy')).length,
    1,
  )
  const artifact = String((await of('--outcome', 'allow'))[0]?.leaf['artifact'])
  assert.ok((await of('--artifact', artifact)).length >= 4)
  assert.deepEqual(await of('--until', '2020-01-01T00:00:00Z'), [])
  const first = await list(atlas, '--outcome', 'allow', '--limit', '2')
  const rest = await list(atlas, '--outcome', 'allow', '--limit', '2', '--before', `${first.next}`)
  assert.deepEqual([first.items.length, rest.items.length, rest.next], [2, 1, null])
  const wrong = await atlas.run('audit', 'list', '--code', 'NONSENSE')
  assert.equal(wrong.status, 64)
})

test('counts are those of the records', async () => {
  const view = await atlas.ask<{ item: RecordStatsView }>(
    ...['audit', 'stats', '--by', 'outcome,action', '--type', 'decision'],
  )
  assert.deepEqual(view.item.groups[0], { values: ['allow', 'job:deploy'], count: 3 })
  assert.equal(view.item.counted, 4)
  assert.match(await atlas.do('audit', 'stats'), /ALLOW/)
})

test('another node shows its records once its operator says so, and each is proven', async () => {
  const mesh = () => atlas.ask<MeshRecordListView>('audit', 'list', '--mesh', '--type', 'decision')
  const before = await mesh()
  assert.match(before.nodes.find(({ name }) => name === 'borealis')?.why ?? '', /audit\.share/)
  appendShare(borealis, 'members')
  await borealis.do('config', 'reload')
  const from = ({ items }: MeshRecordListView, name: string) =>
    items.filter(({ node }) => node.name === name)
  // What is not published yet can be proven to nobody.
  const view = await eventually('shown', mesh, (seen) => from(seen, 'borealis').length === 4)
  assert.equal(from(view, 'atlas').length, 4)
  assert.ok(from(view, 'borealis').every(({ state }) => state !== 'durable'))
  await borealis.stop('SIGKILL')
  const alone = await mesh()
  assert.notEqual(alone.nodes.find(({ name }) => name === 'borealis')?.why, null)
  assert.match((await atlas.run('audit', 'list', '--mesh')).stderr, /1 of 2 nodes answered/)
})

test('what one node learned while the other was cut off is carried by hand', async () => {
  await atlas.do('freeze', 'action:job', '-m', 'INC-1', '--yes', '--wait=none')
  const file = join(dir, 'prod.mesh')
  await atlas.do('mesh', 'export', '-f', file)
  await atlas.stop()
  borealis.start()
  await borealis.answers()
  const took = await borealis.do('mesh', 'import', file)
  assert.match(took, /1 new/)
  assert.match(took, /0 refused/)
  assert.match(took, /as .* had it/)
  assert.match(await borealis.do('mesh', 'import', file), /0 new/)
  const bytes = readFileSync(file)
  writeFileSync(file, bytes.with(bytes.length >> 1, (bytes[bytes.length >> 1] ?? 0) ^ 1))
  assert.equal((await borealis.run('mesh', 'import', file)).status, 3)
})

test('nothing young is pruned, and nothing that nobody witnessed', async () => {
  const young = await borealis.run('audit', 'prune', '--before', '1d', '--yes')
  assert.match(young.stderr, /audit\.retention/)
  assert.match(await borealis.do('audit', 'prune', '--before', '500d', '--yes'), /no whole chunk/)
})

function appendShare(of: Host, share: string): void {
  const path = of.env['MESHD_CONFIG'] ?? ''
  const text = readFileSync(path, 'utf8')
  writeFileSync(path, text.replace('audit: {', `audit: { share: ${share},`))
}
