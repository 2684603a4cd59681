/**
 * Statements keep coming, at each node others and in another order (FAULTS 119):
 * at most moments no two nodes hold the same state, and nobody who may act is denied.
 */
import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { after, before, test } from 'node:test'
import type { Host } from '../../src/cli/stage.ts'
import type { StatementId } from '../../src/core/id.ts'
import type { Signer } from '../../src/core/keys.ts'
import { KeyStore } from '../../src/daemon/key-store.ts'
import { agreed, eventually, Lab, status } from '../e2e/lab.ts'
import { FOR_ITSELF, honestCaller } from './gauges.ts'
import { bring, revocationOf } from './importing.ts'
import { row } from './row.ts'
import { LONG } from './shim.ts'

const RESTLESS_MS = LONG ? 120_000 : 10_000
/** So short that a lease which needs equal states would be lost at once. */
const STALENESS = '3s'

const lab = new Lab()
let hosts: readonly Host[]
let founder: Signer
let mesh: StatementId

before(async () => {
  hosts = await lab.mesh(['atlas', 'borealis', 'corvus'], STALENESS)
  const [atlas] = hosts as [Host]
  founder = new KeyStore(atlas.env).signer('founder', null)
  mesh = (await status(atlas)).mesh?.id as StatementId
})

after(() => lab[Symbol.asyncDispose]())

/** At each node one after the other, of what nobody asks for: far more than one in a hundred milliseconds. */
async function disturb(host: Host, over: AbortSignal): Promise<number> {
  let brought = 0
  for (; !over.aborted; brought += 1) {
    const record = `sha256:${randomBytes(32).toString('hex')}` as const
    const statement = revocationOf(mesh, { kind: 'execution', record }, founder)
    assert.equal(await bring(host, mesh, [statement]), 200)
  }
  return brought
}

test('while statements keep coming at each node nobody who may act is denied', async (t) => {
  const callers = await Promise.all(hosts.map((host) => honestCaller(host, FOR_ITSELF)))
  for (const honest of callers)
    await eventually(
      'it is allowed',
      () => honest(200),
      ({ allows }) => allows > 0,
    )
  const over = new AbortController()
  const disturbing = Promise.all(hosts.map((host) => disturb(host, over.signal)))
  const looks = lookAt(over.signal)
  const asked = await Promise.all(callers.map((honest) => honest(RESTLESS_MS)))
  over.abort()
  const brought = (await disturbing).reduce((sum, each) => sum + each)
  const apart = await looks
  await agreed(...hosts)
  for (const host of hosts) assert.equal((await status(host)).governance.revocations, brought)
  assert.ok(brought > RESTLESS_MS / 100, `${brought} came: less than one in a tenth of a second`)
  assert.ok(apart.differed > 0, 'they held one state all the time: nothing was tried')
  const denies = asked.map(({ answers, allows }) => answers - allows)
  assert.deepEqual(denies, [0, 0, 0])
  for (const { allows } of asked) assert.ok(allows > 0, 'a node answered nobody')
  row(
    t,
    119,
    `${denies.join(' + ')} false denies of ${asked.map(({ answers }) => answers).join(' + ')} at three nodes, while ${brought} statements came to them; ${apart.differed} of ${apart.looks} looks found two states`,
  )
})

/** How often the nodes did not hold one state. */
async function lookAt(over: AbortSignal): Promise<{ looks: number; differed: number }> {
  const seen = { looks: 0, differed: 0 }
  while (!over.aborted) {
    const digests = await Promise.all(hosts.map(digestOf))
    seen.looks += 1
    if (new Set(digests).size > 1) seen.differed += 1
  }
  return seen
}

const digestOf = async (host: Host) => (await status(host)).governance.digest
