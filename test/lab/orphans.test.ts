/**
 * Nothing of a guarded command outlives its authorization (FAULTS 140, 141): it
 * ignores TERM, it daemonises, `meshd exec` itself is killed, or its descendants
 * start on another node while what they descend from is revoked.
 */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import type { Host } from '../../src/cli/stage.ts'
import type { ListView, RecordView } from '../../src/client/types.ts'
import { CHILD_GRACE_MS, EXECUTION_SILENCE_MS } from '../../src/core/limits.ts'
import { allDead, begun } from '../e2e/family.ts'
import { eventually, grant, Lab } from '../e2e/lab.ts'
import { run } from '../e2e/typed.ts'
import { row } from './row.ts'

/** What is left of the stop, and of a busy machine. */
const SLACK_MS = 5_000

const lab = new Lab()
let [atlas, borealis] = [] as Host[] as [Host, Host]

before(async () => {
  ;[atlas, borealis] = (await lab.mesh(['atlas', 'borealis'])) as [Host, Host]
  await grant(atlas)
})

after(() => lab[Symbol.asyncDispose]())

let files = 0

/** Runs a script that writes so many pids to its first argument. */
async function family(script: string, count: number) {
  files += 1
  const file = join(lab.dir, `pids-${files}`)
  const [child, ended] = begun(atlas, ['sh', '-c', script, 'sh', file])
  const read = async () => {
    try {
      return readFileSync(file, 'utf8').trim().split('\n').map(Number)
    } catch {
      return [] // Not there yet.
    }
  }
  const pids = await eventually('it runs', read, ({ length }) => length === count, 20_000)
  return { child, ended, pids }
}

const IGNORES = `trap '' TERM; echo $$ >> $1; while :; do sleep 1; done`
const DAEMONISES = `setsid sh -c 'echo $$ >> '$1'; exec sleep 600' & echo $$ >> $1; wait`
const BOTH = `setsid sh -c 'trap "" TERM; echo $$ >> '$1'; sleep 600' & echo $$ >> $1; wait`

const CASES: readonly (readonly [what: string, script: string, count: number])[] = [
  ['ignores TERM', IGNORES, 1],
  ['daemonises', DAEMONISES, 2],
  ['daemonises and ignores TERM', BOTH, 2],
]

async function freezing<T>(during: () => Promise<T>): Promise<T> {
  await atlas.do('freeze', 'action:job', '-m', 'INC-2', '--yes', '--wait=all')
  const result = await during()
  await atlas.do('unfreeze', 'action:job', '--yes', '--wait=all')
  return result
}

for (const [what, script, count] of CASES)
  test(`a child that ${what} is ended with all that it started`, async (t) => {
    const { ended, pids } = await family(script, count)
    const beganMs = performance.now()
    await freezing(() => allDead(pids, CHILD_GRACE_MS + SLACK_MS))
    assert.match((await ended).stderr, /STOPPED dec_\w+ {2}FROZEN/)
    const tookMs = Math.round(performance.now() - beganMs)
    row(t, 141, `0 orphans of ${pids.length} that ${what}, after ${tookMs} ms`)
  })

interface Outcome {
  readonly leaf: { readonly outcome?: unknown }
}

async function unknownOutcomes(): Promise<number> {
  const { items } = await atlas.ask<ListView<'RecordList', Outcome>>(
    ...['audit', 'list', '--type', 'outcome'],
  )
  return items.filter(({ leaf }) => leaf.outcome === 'unknown').length
}

test('a meshd exec that is killed leaves nobody behind, and an outcome that is unknown', async (t) => {
  const known = await unknownOutcomes()
  const { child, ended, pids } = await family(DAEMONISES, 2)
  assert.ok(child.kill('SIGKILL'))
  await allDead(pids, CHILD_GRACE_MS + SLACK_MS)
  await ended
  const found = await eventually(
    'the outcome',
    unknownOutcomes,
    (count) => count > known,
    EXECUTION_SILENCE_MS + 2 * SLACK_MS,
  )
  assert.equal(found, known + 1)
  row(t, 141, '0 orphans of 2 whose meshd exec was killed; 1 outcome unknown')
})

test('descendants that start elsewhere while their parent is revoked all end, and no other starts', async (t) => {
  const PUSH = ['--action', 'tool:push', '--resource', 'repo:acme/web'] as const
  const sub = (
    await borealis.do('key', 'create', 'sub', '--for', `uid=${process.getuid?.()}`, '-o', 'id')
  ).trim()
  const [job, push] = [join(lab.dir, 'job.ucan'), join(lab.dir, 'push.ucan')]
  await atlas.do(
    ...['artifact', 'issue', '--to', 'me', '--action', 'tool', '--resource', 'repo:acme/*'],
    ...['--ttl', '1h', '--depth', '2', '-f', job, '--yes'],
  )
  await atlas.do('artifact', 'hold', job)
  await atlas.do(
    ...['artifact', 'delegate', job, '--to', sub, '--action', 'tool:push'],
    ...['--resource', 'repo:acme/web', '--ttl', '20m', '-f', push, '--yes'],
  )
  assert.equal((await run(atlas, ['exec', ...PUSH, '--', 'true'])).status, 0)
  const { items } = await atlas.ask<ListView<'RecordList', RecordView>>(
    ...['audit', 'list', '--type', 'decision', '--limit', '1'],
  )
  const cause = items[0]?.id ?? ''
  const starts = () =>
    run(borealis, ['exec', '--artifact', push, '--cause', cause, ...PUSH, '--', 'sleep', '120'])
  const first = [starts(), starts()]
  const allows = async () => {
    const list = ['audit', 'list', '--type', 'decision', '--outcome', 'allow'] as const
    return (await borealis.ask<ListView<'RecordList', RecordView>>(...list)).items.length
  }
  await eventually('two run', allows, (count) => count >= 2, 30_000)
  const beganMs = performance.now()
  const others = [starts(), starts(), starts()]
  await atlas.do('revoke', cause, '-m', 'INC-4', '--yes', '--wait=committed')
  const ended = await Promise.all([...first, ...others])
  const tookMs = performance.now() - beganMs
  // Either it ran and was stopped, or it was denied; none came to its end.
  for (const { status, stderr } of ended) assert.ok([126, 143].includes(status), stderr)
  const again = await starts()
  assert.match(again.stderr, /LINEAGE_BROKEN/)
  const stopped = ended.filter(({ status }) => status === 143).length
  row(
    t,
    140,
    `${(tookMs / 1000).toFixed(1)} s to the last stop; ${stopped} stopped, ${5 - stopped} denied`,
  )
})
