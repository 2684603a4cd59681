/**
 * From a person to an orchestrator on one host to a sub-agent on another
 * (INTERFACE 13, J4): the child starts with proof of its parent, and not
 * without; whoever revokes the parent's execution ends the child.
 */
import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { after, before, test } from 'node:test'
import type { Host } from '../../src/cli/stage.ts'
import type { LineageView } from '../../src/client/lineage-types.ts'
import type { DecisionView, ListView, RecordView, View } from '../../src/client/types.ts'
import { eventually, Lab, UID } from './lab.ts'
import { run } from './typed.ts'

const MESHD = resolve(import.meta.dirname, '../../bin/meshd.js')
const lab = new Lab()
const PUSH = ['--action', 'tool:push', '--resource', 'repo:acme/web'] as const
const push = join(lab.dir, 'push.ucan')
let atlas: Host
let borealis: Host

before(async () => {
  ;[atlas, borealis] = (await lab.mesh(['atlas', 'borealis'])) as [Host, Host]
  const sub = (await borealis.do('key', 'create', 'sub', '--for', `uid=${UID}`, '-o', 'id')).trim()
  const job = join(lab.dir, 'job.ucan')
  await atlas.do(
    ...['artifact', 'issue', '--to', 'me', '--action', 'tool', '--resource', 'repo:acme/*'],
    ...['--ttl', '1h', '--depth', '2', '-f', job, '--yes'],
  )
  await atlas.do('artifact', 'hold', job)
  await atlas.do(
    ...['artifact', 'delegate', job, '--to', sub, '--action', 'tool:push'],
    ...['--resource', 'repo:acme/web', '--ttl', '20m', '-f', push, '--yes'],
  )
})

after(() => lab[Symbol.asyncDispose]())

/** Runs one on atlas, as the orchestrator; gives its id. */
async function orchestrated(...command: readonly string[]): Promise<string> {
  const said = await run(atlas, ['exec', ...PUSH, '--', ...command])
  assert.equal(said.status, 0, said.stderr)
  return (await newest(atlas)).id
}

async function newest(on: Host): Promise<RecordView> {
  const { items } = await on.ask<ListView<'RecordList', RecordView>>(
    ...['audit', 'list', '--type', 'decision', '--limit', '1'],
  )
  return items[0] ?? assert.fail('no decision')
}

const asSub = (cause: string, ...more: readonly string[]) => [
  ...['--artifact', push, '--cause', cause, ...PUSH, ...more],
]

const trace = async (on: Host, id: string, ...more: readonly string[]) =>
  (await on.ask<View<'Lineage', LineageView>>('lineage', ...more, id)).item

test('a child starts on another host with proof of its parent, and the trace shows both', async () => {
  const parent = await orchestrated('true')
  const said = await run(borealis, ['exec', ...asSub(parent), '--', 'true'])
  assert.equal(said.status, 0, said.stderr)
  const child = await newest(borealis)
  assert.deepEqual(child.leaf['ancestors'], [parent])
  const up = await trace(borealis, child.id, 'trace')
  assert.deepEqual(
    up.hops.map(({ id, verified, cause }) => [id, verified, cause]),
    [
      [child.id, true, parent],
      [parent, true, null],
    ],
  )
  const text = await borealis.do('lineage', 'trace', child.id)
  assert.match(text, /borealis .*ALLOW.*\n├─ authority .*\n└─ cause .*atlas .*ALLOW/)
  assert.match(text, /2 executions, 2 nodes; each receipt verified/)
  const down = await trace(atlas, parent, 'graph', '--down')
  assert.deepEqual(
    down.hops.map(({ id, verified, cause }) => [id, verified, cause]),
    [
      [parent, true, null],
      [child.id, true, parent],
    ],
  )
  await eventually(
    'both have ended well',
    async () => (await trace(atlas, child.id, 'trace')).hops,
    (hops) => hops.every(({ decision }) => decision?.outcome?.outcome === 'ok'),
  )
  const dot = await borealis.do('lineage', 'graph', child.id, '--format', 'dot')
  assert.match(dot, /"dec_\w{12}" -> "dec_\w{12}"/)
})

test('what an execution starts names it as its cause, without a word', async () => {
  await orchestrated(process.execPath, MESHD, 'exec', ...PUSH, '--', 'true')
  const records = await atlas.ask<ListView<'RecordList', RecordView>>(
    ...['audit', 'list', '--type', 'decision', '--limit', '2'],
  )
  const [child, parent] = records.items
  assert.deepEqual(child?.leaf['ancestors'], [parent?.id])
})

test('a cause that nobody has, that was denied, or that somebody else held is no cause', async () => {
  const unknown = `sha256:${'ab'.repeat(32)}`
  const denied = await run(atlas, ['exec', '--action', 'job:x', '--resource', 'a:b', '--', 'true'])
  assert.equal(denied.status, 126)
  for (const [cause, why] of [
    [unknown, /cannot be fetched: of 2 nodes in reach none has it/],
    [(await newest(atlas)).id, /allow: it was denied/],
  ] as const) {
    const said = await run(borealis, ['exec', ...asSub(cause), '--', 'true'])
    assert.equal(said.status, 126)
    assert.match(said.stderr, /LINEAGE_BROKEN/)
    assert.match(said.stderr, why)
  }
  const bad = await run(borealis, ['authorize', ...asSub('dec_12345678')])
  assert.equal(bad.status, 64)
})

test('a revoked parent ends the child that runs elsewhere, and no other starts', async () => {
  const parent = await orchestrated('true')
  const child = run(borealis, ['exec', ...asSub(parent), '--', 'sleep', '60'])
  const cause = () => newest(borealis)
  await eventually('it runs', cause, ({ leaf }) => {
    const ancestors = leaf['ancestors']
    return Array.isArray(ancestors) && ancestors[0] === parent
  })
  const beganMs = performance.now()
  await atlas.do('revoke', parent, '-m', 'INC-4', '--yes', '--wait=committed')
  const ended = await child
  const tookMs = performance.now() - beganMs
  assert.equal(ended.status, 143, ended.stderr)
  assert.match(ended.stderr, /STOPPED dec_\w+ {2}REVOKED rev_\S+ "INC-4"/)
  assert.ok(tookMs < 2_000, `${tookMs} ms`)
  const again = await run(borealis, ['exec', ...asSub(parent), '--', 'true'])
  assert.match(again.stderr, /LINEAGE_BROKEN .*standing: rev_\S+ "INC-4"/)
})

test('with the parent’s node away a receipt that was brought along still proves it, and nothing else does', async () => {
  const parent = await orchestrated('true')
  const file = join(lab.dir, 'parent.receipt')
  await eventually(
    'it is witnessed',
    () => atlas.run('audit', 'prove', parent, '-f', file),
    ({ status }) => status === 0,
  )
  await atlas.stop('SIGKILL')
  const without = await run(borealis, ['exec', ...asSub(parent), '--', 'true'])
  assert.equal(without.status, 126)
  assert.match(without.stderr, /LINEAGE_BROKEN .*cannot be fetched/)
  const ask = ['authorize', ...asSub(parent, '--receipt', file), '--json'] as const
  const said = await run(borealis, ask)
  assert.equal(said.status, 0, said.stdout + said.stderr)
  const { id } = (JSON.parse(said.stdout) as View<'Decision', DecisionView>).item
  const traced = await borealis.run('lineage', 'trace', id ?? '', '--json')
  const { hops } = (JSON.parse(traced.stdout) as View<'Lineage', LineageView>).item
  // Its own record waits for the second witness: nothing of it is shown without.
  assert.deepEqual([hops[0]?.verified, hops[0]?.decision], [false, null])
  assert.match(hops[0]?.why ?? '', /no quorum has cosigned it yet/)
  assert.equal(traced.status, 6)
  writeFileSync(file, 'a receipt')
  const bad = await run(borealis, ask)
  assert.equal(bad.status, 3)
})

test('what was denied without a receipt, with a false one, and allowed with a good one is judged the same again', async () => {
  const [evidence, root] = ['lineage.evidence', 'root.json'].map((name) => join(lab.dir, name))
  await borealis.do('audit', 'export', '-f', evidence as string)
  await borealis.do('root', 'show', '-f', root as string)
  const { stdout } = await borealis.run(
    ...['verify', evidence as string, '--trust', root as string, '--replay'],
  )
  assert.match(stdout, /^replayed (\d+) decisions: \1 same$/m)
})
