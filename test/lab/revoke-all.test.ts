/**
 * Everything is revoked (FAULTS 77): each key there is, those of the root among
 * them, each link, bundle and node, and very much that nobody knows; and lists
 * that are too large. Nothing is allowed then, and the root keys still govern.
 */
import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { after, before, test } from 'node:test'
import type { Host } from '../../src/cli/stage.ts'
import { textOf, toBase64, utf8 } from '../../src/core/bytes.ts'
import { type Envelope, formatEnvelope, signEnvelope } from '../../src/core/dsse.ts'
import type { Cid, StatementId } from '../../src/core/id.ts'
import { formatJson, type JsonObject } from '../../src/core/json.ts'
import { parseDid, type Signer } from '../../src/core/keys.ts'
import { IMPORT_ITEMS_MAX } from '../../src/core/limits.ts'
import { formatTime } from '../../src/core/shape.ts'
import type { Target } from '../../src/core/statement/revocation.ts'
import { KeyStore } from '../../src/daemon/key-store.ts'
import { agreed, authorize, eventually, grant, Lab, status } from '../e2e/lab.ts'
import { rssOf } from './gauges.ts'
import { bring, revocationOf } from './importing.ts'
import { row } from './row.ts'
import { LONG } from './shim.ts'

const MANY = LONG ? 100_000 : 4_000
const DAY_MS = 86_400_000
const LIST_BYTES = 1_000_000

const lab = new Lab()
let [atlas, borealis] = [] as Host[] as [Host, Host]
let founder: Signer
let mesh: StatementId
let artifact: string

before(async () => {
  ;[atlas, borealis] = (await lab.mesh(['atlas', 'borealis'])) as [Host, Host]
  founder = new KeyStore(atlas.env).signer('founder', null)
  mesh = (await status(atlas)).mesh?.id as StatementId
  artifact = await grant(atlas)
})

after(() => lab[Symbol.asyncDispose]())

const stranger = () =>
  revocation({ kind: 'execution', record: `sha256:${randomBytes(32).toString('hex')}` })

const revocation = (target: Target) => revocationOf(mesh, target, founder)

/** Signed by who may sign it, of the form that it should have, but for its length. */
function oversize(): readonly string[] {
  const dids: readonly string[] = Array(LIST_BYTES / 50).fill(founder.did)
  const links = Array.from({ length: LIST_BYTES / 400 }, () => toBase64(randomBytes(300)))
  const issued = formatTime(Date.now())
  const record = { kind: 'execution', record: `sha256:${'0a'.repeat(32)}` }
  const until = formatTime(Date.now() + DAY_MS)
  const said: readonly (readonly [Envelope['type'], JsonObject])[] = [
    ['revocation', { chain: links, issued, mesh, root: 1, target: record, until }],
    ['root', { issued, lifts: dids, mesh, version: 9, witnesses: dids }],
    ['freeze', { issued, mesh, root: 1, scope: { dids, kind: 'principal' }, version: 1 }],
  ]
  return said.map(([type, json]) => {
    const envelope = signEnvelope(type, utf8(formatJson(json)), [founder])
    return textOf(formatEnvelope(envelope))
  })
}

test('a list of a megabyte is refused, whoever signed it, and nothing of it is kept', async (t) => {
  const before = await status(atlas)
  const rssBefore = rssOf(atlas)
  for (const one of oversize()) {
    assert.ok(one.length > LIST_BYTES)
    const said = await bring(atlas, mesh, [one])
    assert.ok(said >= 400 && said < 500, `it is answered with ${said}`)
  }
  const after = await status(atlas)
  assert.deepEqual(after.governance, before.governance)
  row(t, 77, `3 lists of a megabyte: 0 kept; RSS ${rssBefore} to ${rssOf(atlas)} MiB`)
})

test('all is revoked, the root keys too: nothing is allowed, and what roots say still holds', async (t) => {
  const allowed = await authorize(atlas)
  assert.equal(allowed.decision, true)
  const rssBefore = rssOf(atlas)
  const nodes = await Promise.all(
    [atlas, borealis].map(async (host) => (await status(host)).node.did),
  )
  const keys = [founder.did, parseDid(allowed.principal ?? '')]
  const named = [
    ...keys.map((did) => ({ kind: 'principal', did }) as const),
    { kind: 'issuer', did: founder.did } as const,
    { kind: 'link', cid: artifact as Cid } as const,
  ]
  assert.equal(await bring(atlas, mesh, named.map(revocation)), 200)
  for (let brought = 0; brought < MANY; brought += IMPORT_ITEMS_MAX) {
    const batch = Array.from({ length: Math.min(IMPORT_ITEMS_MAX, MANY - brought) }, stranger)
    assert.equal(await bring(atlas, mesh, batch), 200)
  }
  await agreed(atlas, borealis)
  const { decision, code } = await authorize(atlas)
  assert.deepEqual([decision, code], [false, 'REVOKED'])
  // Roles are the root's word alone: what revokes a key takes none from it (S8).
  await atlas.do('freeze', 'action:late', '--yes', '--wait=committed', '--timeout', '30s')
  await atlas.do('root', 'rotate', '--lease', 'staleness=6s', '--yes', '--timeout', '30s')
  const { root, governance } = await status(borealis)
  const rss = `RSS ${rssBefore} to ${rssOf(atlas)} MiB`
  assert.equal(governance.revocations, MANY + named.length)
  // At last the nodes themselves: then there is nobody who could allow.
  assert.equal(
    await bring(
      atlas,
      mesh,
      nodes.map((did) => revocation({ kind: 'node', did: parseDid(did) })),
    ),
    200,
  )
  for (const host of [atlas, borealis])
    await eventually(
      'it denies',
      () => authorize(host),
      ({ decision }) => !decision,
    )
  row(
    t,
    77,
    `${MANY + named.length} revocations, root keys among them: 0 allows, root ${root?.version} signed by them holds; ${rss}`,
  )
})
