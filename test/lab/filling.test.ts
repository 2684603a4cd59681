/**
 * A member without a role that fills the disk of another with what is valid (FAULTS 32): links that it
 * takes back, addresses, announcements, requests to cosign its log, evidence against itself. What it
 * brings more of than it may costs no more room.
 */
import assert from 'node:assert/strict'
import { readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import type { Host } from '../../src/cli/stage.ts'
import { formatAddCheckpoint } from '../../src/core/add-checkpoint.ts'
import { textOf } from '../../src/core/bytes.ts'
import { logOrigin, signCheckpoint } from '../../src/core/checkpoint.ts'
import type { Delegation } from '../../src/core/delegation.ts'
import { formatEnvelope } from '../../src/core/dsse.ts'
import type { Signer } from '../../src/core/keys.ts'
import { ISSUER_REVOCATIONS_MAX } from '../../src/core/limits.ts'
import { formatPeerId } from '../../src/core/peer-id.ts'
import { proveConsistency } from '../../src/core/proof.ts'
import { KeyStore } from '../../src/daemon/key-store.ts'
import { signAddressRecord } from '../../src/mesh/address-record.ts'
import { signAnnouncement } from '../../src/mesh/announce.ts'
import { formatLogRequest, parseLogAnswer } from '../../src/mesh/log-frames.ts'
import { formatSyncRequest } from '../../src/mesh/sync-frames.ts'
import { authorize, grant, status } from '../e2e/lab.ts'
import { leavesOf, mth, nodesOf } from '../unit/merkle-model.ts'
import { forkedHeads, revokedLink, rootLink } from './artisan.ts'
import { Attacker } from './attacker.ts'
import { message } from './raw-gossip.ts'
import { row } from './row.ts'
import { pause, Siege } from './siege.ts'

const KIB = 1024
/** More links than it may take back. */
const LINKS = ISSUER_REVOCATIONS_MAX + 200
const EACH = 200
const BATCH = 50
/** Tables, and the log of LevelDB, at rest: so much of them is chance. */
const CHANCE_KIB = 512

let siege: Siege
let above: Delegation

before(async () => {
  siege = await Siege.begin()
  const founder: Signer = new KeyStore(siege.atlas.env).signer('founder', null)
  above = rootLink(founder, siege.mallory.did)
  await grant(siege.atlas)
})

after(() => siege[Symbol.asyncDispose]())

function bytesBelow(directory: string): number {
  return readdirSync(directory, { withFileTypes: true })
    .map((each) => join(directory, each.name))
    .reduce((sum, path) => {
      const stat = statSync(path)
      return sum + (stat.isDirectory() ? bytesBelow(path) : stat.size)
    }, 0)
}

/** KiB of the data directory after a start, which packs what the last one wrote. */
async function atRest(host: Host): Promise<number> {
  await host.stop()
  host.start()
  await host.do('wait', '--for', 'ready', '--timeout', '60s')
  return Math.round(bytesBelow(join(host.dir, 'data')) / KIB)
}

async function links(count: number): Promise<void> {
  for (let at = 0; at < count; at += BATCH)
    await siege.push(
      Array.from({ length: BATCH }, () =>
        formatEnvelope(revokedLink(siege.mesh, above, siege.mallory.identity)),
      ),
    )
}

async function addresses(count: number): Promise<void> {
  const node = siege.mallory.did
  const address = (n: number) => `/ip4/10.1.${n >> 8}.${n & 255}/tcp/4717/p2p/${formatPeerId(node)}`
  for (let n = 0; n < count; n += 1) {
    const record = { node, addresses: [address(n)], seq: Date.now() + n }
    const blobs = [signAddressRecord(record, siege.mallory.identity)]
    await siege.asked('sync', formatSyncRequest({ ask: 'addresses', have: [], blobs }))
  }
}

/** Of a log that grows: the same one, whoever asks. */
let grown = 0
function head(size: number): string {
  const origin = logOrigin(siege.mesh, siege.mallory.did, 1)
  return textOf(signCheckpoint({ origin, size, rootHash: mth(leavesOf(size)) }, siege.mallory.log))
}

async function cosigned(count: number): Promise<void> {
  for (let n = 0; n < count; n += 1) {
    const [old, size] = [grown, grown + 1]
    const proof = old === 0 ? [] : proveConsistency(old, size, nodesOf(leavesOf(size)))
    const body = formatAddCheckpoint({ old, proof, note: head(size) })
    const answer = await siege.asked('log', formatLogRequest({ ask: 'cosign', body }))
    // 00 in front: answered.
    const said = parseLogAnswer(answer.subarray(1))
    if (said.say === 'cosigned') grown = size
    if (said.say === 'size') grown = said.size
  }
}

async function announced(count: number): Promise<void> {
  const { mesh, mallory } = siege
  const gossip = await mallory.gossip(await siege.greeted())
  const digest = await siege.digest()
  for (let n = 0; n < count; n += 1) {
    const said = { mesh, node: mallory.did, root: 1, digest, size: n, timeMs: Date.now() }
    const heads = { checkpoint: grown === 0 ? null : head(grown), cosigned: null }
    gossip.send(
      message(`/meshd/${mesh}/state/1`, signAnnouncement({ ...said, ...heads }, mallory.witness)),
    )
    await pause(5)
  }
}

/** By another one: whose log has two histories is not listened to. */
async function evidence(count: number): Promise<void> {
  await using eve = await Attacker.start()
  await siege.admit(eve, 'eve')
  const whose = { mesh: siege.mesh, node: siege.mallory.did, log: siege.mallory.log }
  for (let at = 0; at < count; at += BATCH) {
    const sizes = Array.from({ length: BATCH }, (_, n) => 10_000 + at + n)
    await siege.push(
      sizes.map((size) => forkedHeads(whose, size)),
      eve,
    )
  }
}

async function all(linksCount: number, each: number): Promise<void> {
  await links(linksCount)
  await addresses(each)
  await cosigned(each)
  await announced(each)
}

test('a member that brings what is valid without an end gets so much room, and not more', {
  timeout: 600_000,
}, async (t) => {
  const { atlas } = siege
  const start = await atRest(atlas)
  await all(LINKS, EACH)
  const [first, held] = [await atRest(atlas), (await status(atlas)).governance.revocations]
  assert.ok(held > ISSUER_REVOCATIONS_MAX / 2 && held <= ISSUER_REVOCATIONS_MAX + 1, `${held}`)
  assert.ok(grown > 0, 'its log was cosigned')
  // As much again: nothing of it is kept beside what is there.
  await all(LINKS, EACH)
  const again = await atRest(atlas)
  await evidence(EACH)
  const end = await atRest(atlas)
  assert.ok(again - first < CHANCE_KIB, `${again - first} KiB more`)
  assert.ok(end - again < CHANCE_KIB, `${end - again} KiB more`)
  assert.equal((await status(atlas)).governance.evidence, 1)
  assert.equal((await authorize(atlas)).code, null)
  assert.deepEqual(siege.bugs(), [])
  row(
    t,
    32,
    `${LINKS} links taken back (${held} held), ${EACH} address records, ${EACH} requests to cosign, ${EACH} announcements of one member: ${first - start} KiB; as many again: ${again - first} KiB (its log was cosigned ${grown} times of ${2 * EACH}); ${EACH} evidences against itself: ${end - again} KiB, 1 held`,
  )
})
