/**
 * One daemon that governs very much (FAULTS 34, 36): revocations, members and policies signed by who may
 * sign them and brought in as a file would be; what a start and a decision take then, and a heap that is too small for it.
 */
import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { existsSync } from 'node:fs'
import http from 'node:http'
import { after, before, test } from 'node:test'
import type { Host } from '../../src/cli/stage.ts'
import { textOf } from '../../src/core/bytes.ts'
import { formatEnvelope } from '../../src/core/dsse.ts'
import type { StatementId } from '../../src/core/id.ts'
import { type Signer, signerOf } from '../../src/core/keys.ts'
import { IMPORT_BYTES_MAX, IMPORT_ITEMS_MAX } from '../../src/core/limits.ts'
import type { Draft } from '../../src/core/statement/statement.ts'
import { KeyStore } from '../../src/daemon/key-store.ts'
import { authorize, eventually, grant, Lab, status } from '../e2e/lab.ts'
import { socketOf } from '../e2e/raw.ts'
import { signed } from './artisan.ts'
import { callsDuring, logged, lostOf } from './callers.ts'
import { honestCaller, rssOf } from './gauges.ts'
import { row } from './row.ts'
import { LONG } from './shim.ts'

const MANY = LONG
  ? { revocations: 100_000, members: 10_000, bundles: 10, policies: 1_000 }
  : { revocations: 2_000, members: 200, bundles: 10, policies: 100 }
const DAY_MS = 86_400_000
const LOAD_MS = 4_000
const HEAP_MIB = 64
/** Bounds of waiting alone: two cores that are shared take minutes. */
const START_MS_MAX = 600_000
const SPREAD_MS_MAX = 600_000

const lab = new Lab()
let [atlas, borealis] = [] as Host[] as [Host, Host]
let founder: Signer
let mesh: StatementId

before(async () => {
  // The other one is asked in the boot check of a start.
  ;[atlas, borealis] = (await lab.mesh(['atlas', 'borealis'], '30s')) as [Host, Host]
  founder = new KeyStore(atlas.env).signer('founder', null)
  mesh = (await status(atlas)).mesh?.id as StatementId
  await grant(atlas)
})

after(() => lab[Symbol.asyncDispose]())

const common = () => ({ mesh, root: 1, issuedMs: Date.now(), message: null })
const hex = () => randomBytes(32).toString('hex')

function revocation(): Draft {
  const target = { kind: 'execution', record: `sha256:${hex()}` } as const
  return { type: 'revocation', ...common(), target, untilMs: Date.now() + DAY_MS, chain: [] }
}

function member(n: number): Draft {
  const [principal, log, witness] = [0, 1, 2].map(() => signerOf(randomBytes(32)).did)
  const keys = { principal, log, witness } as {
    principal: Signer['did']
    log: Signer['did']
    witness: Signer['did']
  }
  const rest = { version: 1, name: `node-${n}`, labels: new Map<string, string>() }
  const expiresMs = Date.now() + DAY_MS
  return { type: 'member', ...common(), ...keys, ...rest, expiresMs, witnessEligible: false }
}

const SCHEMA = `
  entity principal; entity env; entity Any;
  action "*" appliesTo { principal: [principal, Any], resource: [principal, env, Any] };`

/** Each stops one thing that nobody asks for. */
function bundle(n: number): Draft {
  const policies = Array.from(
    { length: MANY.policies },
    (_, i) => `@id("p${i}") forbid (principal, action, resource == env::"never-${n}-${i}");`,
  )
  const place = { bundle: `heavy-${n}`, version: 1, previous: [], mode: 'enforce' } as const
  const content = {
    policies: new Map([['all.cedar', policies.join('\n')]]),
    entities: [],
    tests: [],
  }
  return { type: 'policy', ...common(), ...place, ...content, schema: SCHEMA }
}

function post(body: string, agent: http.Agent): Promise<number> {
  return new Promise((done, failed) => {
    const call = http.request(
      {
        ...{ agent, socketPath: socketOf(atlas, 'admin'), method: 'POST' },
        path: '/v1/mesh/import',
        headers: { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) },
      },
      (response) => {
        response.resume()
        response.on('end', () => done(response.statusCode ?? 0))
      },
    )
    call.on('error', failed)
    call.end(body)
  })
}

/** By the door through which a file of a mesh comes in, as many in one call as fit. */
async function bring(count: number, make: (n: number) => Draft): Promise<void> {
  const agent = new http.Agent({ keepAlive: true, maxSockets: 1 })
  let [batch, bytes] = [[] as string[], 0]
  const flush = async () => {
    if (batch.length === 0) return
    assert.equal(await post(JSON.stringify({ mesh, statements: batch, heads: [] }), agent), 200)
    ;[batch, bytes] = [[], 0]
  }
  for (let n = 0; n < count; n += 1) {
    const text = textOf(formatEnvelope(signed(make(n), [founder])))
    const length = JSON.stringify(text).length
    if (batch.length === IMPORT_ITEMS_MAX || bytes + length > IMPORT_BYTES_MAX / 2) await flush()
    batch.push(text)
    bytes += length
  }
  await flush()
  agent.destroy()
}

const seconds = (fromMs: number) => ((performance.now() - fromMs) / 1000).toFixed(1)
const ready = () => atlas.do('wait', '--for', 'ready', '--timeout', '600s')

async function holdsAll(): Promise<void> {
  const { revocations, bundles } = (await status(atlas)).governance
  assert.equal(revocations, MANY.revocations)
  assert.equal(bundles.filter(({ bundle: name }) => name.startsWith('heavy')).length, MANY.bundles)
}

test('with very many revocations, members and policies it starts and decides', {
  timeout: 1_500_000,
}, async (t) => {
  const honest = await honestCaller(atlas)
  const few = await honest(LOAD_MS)
  const broughtMs = performance.now()
  await bring(MANY.bundles, bundle)
  await bring(MANY.members, member)
  await bring(MANY.revocations, revocation)
  const broughtS = seconds(broughtMs)
  await holdsAll()
  const digestOf = async (host: Host) => (await status(host)).governance.digest
  const spreadMs = performance.now()
  await eventually(
    'one governance',
    async () => new Set(await Promise.all([atlas, borealis].map(digestOf))).size,
    (size) => size === 1,
    SPREAD_MS_MAX,
  )
  const spreadS = seconds(spreadMs)
  const many = await honest(LOAD_MS)
  assert.equal(many.allows, many.answers)

  await atlas.stop()
  const startedMs = performance.now()
  atlas.start()
  await atlas.answers(START_MS_MAX)
  await ready()
  const bootS = seconds(startedMs)
  await holdsAll()
  const again = await honest(LOAD_MS)
  assert.ok(again.allows > 0)
  const { revocations, members, bundles, policies } = MANY
  row(
    t,
    36,
    `${revocations} revocations, ${members} members, ${bundles * policies} policies, brought in ${broughtS} s, on the other node ${spreadS} s later (of 1 M revocations a mesh takes 250,000): ready in ${bootS} s; decide p99 ${few.p99Ms.toFixed(1)} ms before, ${many.p99Ms.toFixed(1)} with them, ${again.p99Ms.toFixed(1)} after the start; RSS ${rssOf(atlas)} MiB`,
  )
})

test('with a heap that is too small it serves or is gone, and has lost nothing when it gets more', {
  timeout: 1_500_000,
}, async (t) => {
  await atlas.stop()
  atlas.start({ NODE_OPTIONS: `--max-old-space-size=${HEAP_MIB}` })
  const startedMs = performance.now()
  const { pid } = atlas
  // What ends before it answers is seen by what it said last.
  await atlas.answers(START_MS_MAX).catch(() => {})
  const journal = await callsDuring(
    atlas,
    4,
    () => new Promise((over) => setTimeout(over, LOAD_MS)),
  )
  const rss = existsSync(`/proc/${pid}/status`) ? `RSS ${rssOf(atlas)} MiB, ` : ''
  const outcome = /heap out of memory/.test(atlas.log()) ? 'ended for want of heap' : 'serves'
  const afterS = seconds(startedMs)
  await atlas.stop('SIGKILL')
  assert.deepEqual(lostOf(journal.allowed, await logged(atlas)), [])
  atlas.start()
  await atlas.answers(START_MS_MAX)
  await ready()
  await holdsAll()
  await eventually(
    'allowed',
    () => authorize(atlas),
    ({ decision }) => decision,
    30_000,
  )
  const denied = [...journal.denied].map(([code, count]) => `${count} ${code}`).join(', ')
  row(
    t,
    34,
    `${HEAP_MIB} MiB of heap, ${MANY.revocations} revocations: ${outcome} (${rss}looked at for ${afterS} s), ${journal.allowed.length} allowed, denied: ${denied || '0'}; 0 lost; with more of it all ${MANY.revocations} are in force`,
  )
})
