/**
 * What runs on one node is seen and ended from another: `meshd revoke` there
 * ends `meshd exec` here and the record of its end says why; `meshd ps` and
 * `meshd kill`, here and over the mesh.
 */
import assert from 'node:assert/strict'
import { readFileSync, writeFileSync } from 'node:fs'
import { after, before, test } from 'node:test'
import type { Host } from '../../src/cli/stage.ts'
import type {
  ExecutionListView,
  MeshExecutionListView,
  MeshRunningView,
} from '../../src/client/execution-types.ts'
import type { ListView, RecordView } from '../../src/client/types.ts'
import { shortId } from '../../src/core/id.ts'
import { allDead, begun } from './family.ts'
import { eventually, grant, Lab } from './lab.ts'

/** The goal: an end within two seconds of a revocation elsewhere. */
const ENDS_MS = 2_000

const lab = new Lab()
let atlas: Host
let borealis: Host
let artifact: string

before(async () => {
  ;[atlas, borealis] = (await lab.mesh(['atlas', 'borealis'])) as [Host, Host]
  artifact = await grant(borealis)
  const config = borealis.env['MESHD_CONFIG'] ?? ''
  const text = readFileSync(config, 'utf8')
  writeFileSync(config, text.replace('audit: {', 'audit: { share: members,'))
  await borealis.do('config', 'reload')
})

after(() => lab[Symbol.asyncDispose]())

async function outcome(of: string): Promise<RecordView['leaf']> {
  const { items } = await borealis.ask<ListView<'RecordList', RecordView>>(
    ...['audit', 'list', '--type', 'outcome', '--execution', of],
  )
  return items[0]?.leaf ?? assert.fail('no outcome')
}

/** The execution that runs on borealis, as asked there, once it has told its process. */
async function running() {
  const { items } = await eventually(
    'it runs',
    () => borealis.ask<ExecutionListView>('ps'),
    (list) => list.items.length === 1 && list.items[0]?.process !== null,
  )
  const [item] = items
  assert.ok(item !== undefined && item.process !== null)
  assert.match(item.process.command, /^sleep 60$/)
  return { ...item, pid: item.process.pid }
}

async function seenFromAtlas(id: string): Promise<MeshRunningView> {
  const list = await eventually(
    'it is seen',
    () => atlas.ask<MeshExecutionListView>('ps', '--mesh'),
    ({ items }) => items.some((each) => each.id === id),
  )
  return list.items.find((each) => each.id === id) ?? assert.fail('gone')
}

test('kill ends what runs on another node, and one that runs here, and says how it ended', async () => {
  const [, first] = begun(borealis, ['sleep', '60'])
  const there = await running()
  const seen = await seenFromAtlas(there.id)
  assert.deepEqual(
    [seen.node.name, seen.process, seen.action, seen.resource, seen.state],
    ['borealis', there.process, 'job:deploy', 'env:staging', 'running'],
  )
  const unknown = await atlas.run('kill', there.id, '-m', 'INC-9', '--yes')
  assert.deepEqual([unknown.status, /does not run here/.test(unknown.stderr)], [4, true])
  const killed = await atlas.do('kill', there.id, '--mesh', '-m', 'INC-9', '--yes')
  assert.match(killed, /rev_\w+ {2}dec_\w+ {2}runs no longer on borealis/)
  assert.equal((await first).status, 143)

  const [, second] = begun(borealis, ['sleep', '60'])
  const here = await running()
  const said = await borealis.do('kill', here.id, '-m', 'INC-9', '--yes')
  assert.match(said, /ended: stopped, exit status 143/)
  assert.match((await second).stderr, /STOPPED dec_\w+ {2}REVOKED rev_\w+ "INC-9"/)
  const left = await borealis.ask<ExecutionListView>('ps')
  assert.deepEqual(left.items, [])
})

test('what runs here ends within two seconds of a revocation elsewhere, and its record says so', async () => {
  const [, ended] = begun(borealis, ['sleep', '60'])
  const { id, pid } = await running()
  const revoked = await atlas.do(
    'revoke',
    artifact,
    '-m',
    'INC-9',
    '--yes',
    '--wait=none',
    '-o',
    'id',
  )
  await allDead([pid], ENDS_MS)
  const said = await ended
  assert.equal(said.status, 143)
  const leaf = await outcome(id)
  const stop = leaf['stop'] as { readonly code: string; readonly detail: string }
  assert.deepEqual([leaf['outcome'], leaf['status'], stop.code], ['stopped', 143, 'REVOKED'])
  assert.ok(stop.detail.includes(shortId('rev', revoked.trim())), stop.detail)
})
