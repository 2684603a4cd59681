/** Founding a mesh: all of it on the disk, or nothing that stands in the way of another try. */
import assert from 'node:assert/strict'
import { existsSync, mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { MeshError } from '../../src/core/problems.ts'
import { CedarEngine } from '../../src/daemon/cedar-engine.ts'
import { loadConfig } from '../../src/daemon/config.ts'
import { type Founding, foundMesh } from '../../src/daemon/found.ts'
import { openIdentity } from '../../src/daemon/identity.ts'
import { KeyStore } from '../../src/daemon/key-store.ts'
import { pathsOf } from '../../src/daemon/paths.ts'
import { systemClock } from '../../src/daemon/system.ts'
import { Wallet } from '../../src/daemon/wallet.ts'
import { Log } from '../../src/mesh/log.ts'
import { Statements } from '../../src/mesh/statements.ts'
import { createStore } from '../../src/storage/create.ts'
import { LevelStore } from '../../src/storage/level.ts'
import { keyOf } from './statements.ts'

const dir = mkdtempSync(join(tmpdir(), 'meshd-found-'))
after(() => rmSync(dir, { recursive: true }))

function founding(name: string): Founding {
  const own = join(dir, name)
  const env = {
    ...{ HOME: own, MESHD_NODE_NAME: name, MESHD_NODE_DATA_DIR: join(own, 'data') },
    MESHD_NODE_KEYS_DIR: join(own, 'keys'),
  }
  const founder = keyOf('founder')
  const config = loadConfig(null, env).config
  return { config, mesh: 'prod', stalenessMs: 5_000, founder, uid: 1001, nowMs: Date.now() }
}

test('a founded disk holds root, membership, policy and a key for whoever founded it', async () => {
  const of = founding('atlas')
  const { mesh, policy } = await foundMesh(of)
  const paths = pathsOf(of.config)
  for (const key of readdirSync(paths.keysDir))
    assert.equal(statSync(join(paths.keysDir, key)).mode & 0o077, 0, key)
  assert.ok(existsSync(paths.admitterKey))

  const store = await LevelStore.open(paths.dataDir, { bytes: 0 })
  const log = await Log.open({ store, clock: systemClock(), node: keyOf('x').did })
  const persist = () => Promise.resolve()
  const statements = await Statements.open({ store, persist, policy: new CedarEngine() })
  const { governance } = statements
  assert.equal(statements.mesh, mesh)
  assert.equal(governance.root?.lease.stalenessMs, 5_000)
  assert.deepEqual(
    [...governance.members.values()].map(({ name }) => name),
    ['atlas'],
  )
  assert.equal(governance.bundles.get('starter')?.inForce?.id, policy.id)
  const wallet = await Wallet.open(store, persist)
  assert.equal(wallet.keyFor('uid=1001')?.name, 'me')
  // The admitter can do nothing else.
  const roles = governance.root?.roles
  for (const role of ['root', 'policy', 'issuer', 'revoker', 'breakglass'] as const)
    assert.deepEqual(roles?.[role].keys, [of.founder.did], role)
  assert.equal(roles?.admitter.keys.length, 2)
  await log.close()
  await store.close()
})

test('where a node is already nothing is founded, and what it has stays', async () => {
  const of = founding('borealis')
  const first = await foundMesh(of)
  await assert.rejects(foundMesh({ ...of, mesh: 'other' }), MeshError)
  const store = await LevelStore.open(pathsOf(of.config).dataDir, { bytes: 0 })
  const engine = new CedarEngine()
  const statements = await Statements.open({ store, persist: async () => {}, policy: engine })
  assert.equal(statements.mesh, first.mesh)
  await store.close()
})

test('what a founding that was killed left behind, empty or half made, is founded on', async () => {
  for (const lost of [[], ['INITIALIZED'], ['INITIALIZED', 'head', 'db/CURRENT']]) {
    const of = founding(`killed-${lost.length}`)
    const { dataDir } = pathsOf(of.config)
    await (await createStore(dataDir, { bytes: 0 })).close()
    for (const file of lost) rmSync(join(dataDir, file))
    await foundMesh(of)
    await assert.rejects(foundMesh(of), { name: 'MeshError', code: 'CONFLICT' })
  }
})

test('keys whose making was killed are made whole; an identity is never made anew, nor the rest of one', () => {
  const paths = pathsOf(founding('keys').config)
  const { witness } = openIdentity(paths, false)
  for (const file of [paths.identityKey, paths.logKey]) rmSync(file)
  const whole = openIdentity(paths, false)
  assert.equal(whole.witness.did, witness.did)
  rmSync(paths.logKey)
  for (const data of [false, true]) assert.throws(() => openIdentity(paths, data), MeshError)

  const keys = new KeyStore({ MESHD_KEY_STORE: join(dir, 'store') })
  const { did } = keys.create('founder', null)
  assert.throws(() => keys.create('founder', null), { code: 'CONFLICT' })
  rmSync(join(dir, 'store', 'founder.pub'))
  assert.equal(keys.create('founder', null).did, did)
  assert.deepEqual(readdirSync(join(dir, 'store')).sort(), ['founder.key', 'founder.pub'])
})
