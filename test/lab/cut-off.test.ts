/**
 * What `meshd revoke --wait` prints is true (FAULTS 109, 110, 111, 121), on
 * three real witnesses: for a node that was cut off meanwhile, for one whose
 * disk was set back, and before there is a commit nothing is printed at all.
 */
import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { cpSync, renameSync, rmSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { after, before, test } from 'node:test'
import type { Host } from '../../src/cli/stage.ts'
import type { PeerView } from '../../src/client/peer-types.ts'
import type { DecisionView, SpreadView } from '../../src/client/types.ts'
import type { RecordId } from '../../src/core/id.ts'
import { authorize, eventually, grant, Lab, status } from '../e2e/lab.ts'
import { bodyOf, raw, request, socketOf } from '../e2e/raw.ts'
import type { Audit } from './audited.ts'
import { exported, nothingFound } from './exported.ts'
import { row } from './row.ts'

const STALENESS_MS = 3_000
const ASK = '{"action":{"name":"job:deploy"},"resource":{"type":"env","id":"staging"}}'
const MESHD = resolve(import.meta.dirname, '../../bin/meshd.js')
/** The words of a bound, and of its field. */
const BOUND = /no node anywhere|"boundAt": "/

const lab = new Lab()
let [atlas, borealis, cygnus] = [] as Host[] as [Host, Host, Host]

before(async () => {
  const names = ['atlas', 'borealis', 'cygnus']
  ;[atlas, borealis, cygnus] = (await lab.mesh(names, `${STALENESS_MS}ms`)) as [Host, Host, Host]
})

after(() => lab[Symbol.asyncDispose]())

interface Asked {
  readonly allows: number
  readonly denies: number
  /** By the wall clock that all of this machine share, when it was asked. */
  readonly lastAllowMs: number
  /** The records of the allows. */
  readonly ids: readonly RecordId[]
}

/** Asks again and again until then. */
async function askedUntil(on: Host, untilMs: number): Promise<Asked> {
  let [allows, denies, lastAllowMs] = [0, 0, 0]
  const ids: RecordId[] = []
  while (Date.now() < untilMs) {
    const answer = await raw(socketOf(on, 'meshd'), request('POST', '/v1/decisions', ASK))
    // Not sooner than the answer came: the allow may be acted on only after that.
    if (/"decision":true/.test(bodyOf(answer))) {
      ;[allows, lastAllowMs] = [allows + 1, Date.now()]
      ids.push((JSON.parse(bodyOf(answer)) as DecisionView).id as RecordId)
    } else denies += 1
    await new Promise((next) => setTimeout(next, 10))
  }
  return { allows, denies, lastAllowMs, ids }
}

const allowed = (on: Host) =>
  eventually(
    'allowed',
    () => authorize(on),
    ({ decision }) => decision,
    30_000,
  )

const revokes = (artifact: string, ...more: readonly string[]) =>
  atlas.run('revoke', artifact, '-m', 'INC-7', '--yes', '--json', ...more)

const up = (...hosts: readonly Host[]) =>
  Promise.all(hosts.map((each) => each.do('wait', '--for', 'ready', '--timeout', '60s')))

test('a node that is cut off stops before the bound that was printed', async (t) => {
  const artifact = await grant(cygnus)
  await allowed(cygnus)
  await cygnus.do('peer', 'isolate')
  const said = await revokes(artifact, '--wait=committed')
  assert.equal(said.status, 0, said.stderr)
  const { committedAt, boundAt } = (JSON.parse(said.stdout) as { item: { spread: SpreadView } })
    .item.spread
  assert.ok(committedAt !== null && boundAt !== null)
  const boundMs = Date.parse(boundAt)
  assert.ok(boundMs - Date.parse(committedAt) >= STALENESS_MS)
  const { allows, denies, lastAllowMs, ids } = await askedUntil(cygnus, boundMs + 1_000)
  assert.ok(denies > 0)
  assert.ok(lastAllowMs <= boundMs, `${lastAllowMs - boundMs} ms too late`)
  const left = allows === 0 ? 'no allow after it' : `${boundMs - lastAllowMs} ms before it`
  row(t, 109, `last allow against the printed bound: ${left}; ${allows} allows, ${denies} denials`)
  await cygnus.do('peer', 'isolate', '--off')
  await up(cygnus)
  assert.equal((await authorize(cygnus)).code, 'REVOKED')
  const audits = await Promise.all([atlas, borealis, cygnus].map(exported))
  const { node } = audits[2] as Audit
  nothingFound(
    audits,
    ids.map((id) => ({ node, id })),
  )
})

test('with a dead witness the bound is true, and without a quorum none is printed', async (t) => {
  const first = await grant(atlas)
  await allowed(atlas)
  await cygnus.stop('SIGKILL')
  const said = await revokes(first, '--wait=committed', '--timeout', '20s')
  assert.equal(said.status, 0, said.stderr)
  assert.match(said.stdout, BOUND)
  assert.equal((await authorize(atlas)).code, 'REVOKED')

  const second = await grant(atlas)
  await allowed(atlas)
  await borealis.stop('SIGKILL')
  const late = await revokes(second, '--wait=committed', '--timeout', '2s')
  assert.equal(late.status, 124, late.stderr)
  assert.doesNotMatch(late.stdout + late.stderr, BOUND)
  const people = await atlas.run(
    'revoke',
    second,
    '--yes',
    '--wait',
    '--timeout',
    '2s',
    '-o',
    'table',
  )
  assert.doesNotMatch(people.stdout + people.stderr, BOUND)
  // It has force where it was said, all the same.
  assert.equal((await authorize(atlas)).decision, false)
  row(t, 121, '0 false bounds: one witness of three dead, two dead')
  for (const each of [borealis, cygnus]) each.start()
  await up(atlas, borealis, cygnus)
})

/** `meshd revoke --wait` in a process of its own, begun and not done. */
async function waiting(artifact: string): Promise<readonly [ChildProcess, () => string]> {
  const words = ['revoke', artifact, '--yes', '--wait=committed', '--timeout', '60s', '-o', 'table']
  const child = spawn(process.execPath, [MESHD, ...words], { env: atlas.env })
  let said = ''
  for (const stream of [child.stdout, child.stderr])
    stream.on('data', (chunk: Buffer) => {
      said += chunk.toString()
    })
  await eventually(
    'in force here',
    () => authorize(atlas),
    ({ decision }) => !decision,
  )
  return [child, () => said]
}

test('killed half-way, the command or its daemon, no bound was printed, and the revocation stands', async (t) => {
  for (const killed of ['command', 'daemon'] as const) {
    const artifact = await grant(atlas)
    await allowed(atlas)
    for (const each of [borealis, cygnus]) process.kill(each.pid, 'SIGSTOP')
    const [child, said] = await waiting(artifact)
    if (killed === 'daemon') await atlas.stop('SIGKILL')
    else child.kill('SIGKILL')
    if (child.exitCode === null && child.signalCode === null) await once(child, 'exit')
    assert.notEqual(child.exitCode, 0)
    assert.doesNotMatch(said(), BOUND)
    for (const each of [borealis, cygnus]) process.kill(each.pid, 'SIGCONT')
    if (killed === 'daemon') atlas.start()
    await up(atlas, borealis, cygnus)
    assert.equal((await authorize(atlas)).code, 'REVOKED')
  }
  row(t, 121, '0 false bounds: the command killed, the daemon killed')
})

const data = () => join(borealis.dir, 'data')

/** Its disk is what it was at that copy. */
function setBack(copy: string): void {
  rmSync(data(), { recursive: true })
  renameSync(copy, data())
}

/** Until atlas heard of all that borealis has recorded: only then is there something to remember. */
async function heard(): Promise<void> {
  await eventually(
    'heard',
    async () => {
      const { item } = await atlas.ask<{ item: PeerView }>('peer', 'show', 'borealis')
      return { heard: item.heard, log: (await status(borealis)).log }
    },
    ({ heard: of, log }) => of?.epoch === log.epoch && of.logSize === log.size,
    20_000,
  )
}

for (const peers of ['up', 'down'] as const)
  test(`a witness whose disk is set back before a revocation, its peers ${peers}, allows nothing that was revoked`, async (t) => {
    const artifact = await grant(borealis)
    await allowed(borealis)
    await borealis.stop()
    const copy = join(borealis.dir, `copy-${peers}`)
    cpSync(data(), copy, { recursive: true })
    borealis.start()
    await up(borealis)
    assert.equal((await revokes(artifact, '--wait=all', '--timeout', '20s')).status, 0)
    await heard()
    await borealis.stop('SIGKILL')
    setBack(copy)
    if (peers === 'down') for (const each of [atlas, cygnus]) process.kill(each.pid, 'SIGSTOP')
    borealis.start()
    await borealis.answers()
    const { allows, denies } = await askedUntil(borealis, Date.now() + 2 * STALENESS_MS)
    assert.equal(allows, 0)
    const why = (await status(borealis)).notReady.join()
    assert.match(why, peers === 'up' ? /rollback/ : /boot check/)
    if (peers === 'down') for (const each of [atlas, cygnus]) process.kill(each.pid, 'SIGCONT')
    row(t, peers === 'up' ? 110 : 111, `0 late allows of ${denies} asked; it says: ${why}`)
    await eventually(
      'the rollback',
      () => status(borealis),
      ({ notReady }) => notReady.join().includes('rollback'),
      20_000,
    )
    await atlas.do('peer', 'epoch', 'borealis', '--yes')
    await up(borealis)
    assert.equal((await authorize(borealis)).code, 'REVOKED')
  })
