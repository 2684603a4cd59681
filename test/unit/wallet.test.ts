/** The wallet remembers what it was given, offers it to its caller alone, and in one order. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Artifact, parseArtifact } from '../../src/core/artifact.ts'
import { WALLET_ARTIFACTS_MAX, WALLET_EXPIRED_KEPT_MS } from '../../src/core/limits.ts'
import { MeshError } from '../../src/core/problems.ts'
import { Artifacts } from '../../src/daemon/artifacts.ts'
import { Wallet } from '../../src/daemon/wallet.ts'
import { BEGINNING_MS } from '../sim/clock.ts'
import { granted, Shelf, world } from './deciding.ts'

const code = (expected: string) => (error: unknown) =>
  error instanceof MeshError && error.code === expected
const NOW_S = Math.floor(BEGINNING_MS / 1000)

test('keys and artifacts are the same after a restart', async () => {
  const of = await world()
  const artifact = parseArtifact(granted(of, 'bob'))
  await of.wallet.hold('bob', artifact)
  const reopened = await Wallet.open(of.log.shelf, async () => undefined)
  assert.equal(reopened.key('bob')?.signer.did, of.wallet.key('bob')?.signer.did)
  assert.equal(reopened.keyFor('uid=1001')?.name, 'bob')
  assert.deepEqual(
    [...reopened.heldFor('bob')].map(({ cid }) => cid),
    [artifact.cid],
  )
  await of.wallet.drop('bob', artifact.cid)
  const after = await Wallet.open(of.log.shelf, async () => undefined)
  assert.deepEqual([...after.heldFor('bob')], [])
})

test('what the disk did not take is not there', async () => {
  const of = await world()
  const broken = await Wallet.open(new Shelf(), () => Promise.reject(new Error('EIO')))
  await assert.rejects(broken.createKey('bob', null), /EIO/)
  assert.equal(broken.key('bob'), null)
  await assert.rejects(broken.createKey('bob', null), /EIO/, 'the name is free again')
  const artifact = parseArtifact(granted(of, 'bob'))
  await assert.rejects(
    of.wallet.hold('bob', artifact, () => Promise.reject(new Error('EIO'))),
    /EIO/,
  )
  assert.deepEqual([...of.wallet.heldFor('bob')], [])
  await of.wallet.hold('bob', artifact)
  await assert.rejects(
    of.wallet.drop('bob', artifact.cid, () => Promise.reject(new Error('EIO'))),
    /EIO/,
  )
  assert.equal([...of.wallet.heldFor('bob')].length, 1)
})

test('latest expiry comes first, and holding twice is holding once', async () => {
  const of = await world()
  const ends = [300, 100, 500, 200]
  for (const end of [...ends, ...ends]) {
    await of.wallet.hold('bob', parseArtifact(granted(of, 'bob', { exp: NOW_S + end })))
  }
  const held = [...of.wallet.heldFor('bob')].map(({ links }) => (links[0]?.expS ?? 0) - NOW_S)
  assert.deepEqual(held, [500, 300, 200, 100])
})

test('only the holder of the key may hold it', async () => {
  const of = await world()
  const artifact = parseArtifact(granted(of, 'bob'))
  await assert.rejects(of.wallet.hold('carol', artifact), code('CONFLICT'))
  await assert.rejects(of.wallet.hold('nobody', artifact), code('CONFLICT'))
  await assert.rejects(of.wallet.drop('bob', artifact.cid), code('NOT_FOUND'))
})

test('a wallet is bounded', async () => {
  const of = await world()
  for (let i = 0; i <= WALLET_ARTIFACTS_MAX; i += 1) {
    const artifact = parseArtifact(granted(of, 'bob', { exp: NOW_S + 10 + i }))
    const held = of.wallet.hold('bob', artifact)
    if (i < WALLET_ARTIFACTS_MAX) await held
    else await assert.rejects(held, code('TOO_MANY'))
  }
  const known = [...of.wallet.heldFor('bob')][0] ?? assert.fail()
  await of.wallet.hold('bob', known)
})

test('what expired is held for another day, and leaves the disk by a clock that is trusted alone', async () => {
  const of = await world()
  const artifacts = new Artifacts({
    ...{ node: of.node, wallet: of.wallet, clock: of.clock, random: of.clock.dice },
    append: (draft, puts) => of.log.append(draft, puts),
  })
  const [short, long] = [300, 900].map((s) => parseArtifact(granted(of, 'bob', { exp: NOW_S + s })))
  for (const each of [short, long]) await of.wallet.hold('bob', each as Artifact)
  const held = async () => {
    await artifacts.forgetExpired()
    const again = await Wallet.open(of.log.shelf, async () => undefined)
    return [...again.heldFor('bob')].map(({ cid }) => cid)
  }
  await of.clock.advance(301_000)
  assert.equal((await held()).length, 2)
  await of.clock.advance(WALLET_EXPIRED_KEPT_MS)
  of.lease = { ...of.lease, clockTrusted: false }
  assert.equal((await held()).length, 2)
  of.lease = { ...of.lease, clockTrusted: true }
  assert.deepEqual(await held(), [long?.cid])
})
