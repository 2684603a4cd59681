/** No key of the configuration, and no variable of the environment, is a switch that lets an error pass (FAULTS S10). */
import assert from 'node:assert/strict'
import { globSync, readFileSync } from 'node:fs'
import { test } from 'node:test'
import fc from 'fast-check'
import { parseArtifact } from '../../src/core/artifact.ts'
import { parseConfig, surroundings } from '../../src/daemon/config.ts'
import { jsonSchema, withDefaults } from '../../src/daemon/schema.ts'
import { row } from '../lab/row.ts'
import { BOB_UID, caller, governed, granted, type World, world } from './deciding.ts'
import { LOST, request } from './judgements.ts'

/** All that a file can say of deciding: who calls, for whom it speaks, how old a lease may be, what is measured. */
const files = fc.record({
  version: fc.constant(1),
  lease: fc.record({ staleness_at_most: fc.constantFrom('1ms', '1h', '400d') }),
  environment: fc.record({ labels: fc.dictionary(fc.constantFrom('env', 'allow'), fc.string()) }),
  api: fc.record({
    callers: fc.array(
      fc.record({
        match: fc.record({ uid: fc.constantFrom(0, BOB_UID) }),
        principal: fc.constantFrom('bob', 'carol', 'root'),
        asserts: fc.subarray(['*', '*:*', 'user:*', 'principal:*']),
      }),
      { maxLength: 3 },
    ),
  }),
})

const DENIES: Readonly<Record<string, (of: World) => void>> = {
  'no lease': (of) => {
    of.lease = LOST
  },
  'a log that fails': (of) => {
    of.log.state = 'fails'
  },
  'a mesh that is frozen': (of) => {
    of.governance = governed({ frozen: [{ kind: 'mesh' }] })
  },
  'no trust root': (of) => {
    of.governance = governed({ root: null })
  },
  'no member': (of) => {
    of.governance = governed({ members: [] })
  },
  'a policy in conflict': (of) => {
    of.governance = governed({ conflict: 'two of version 2' })
  },
}

async function allows(of: World): Promise<boolean> {
  const { denial } = await of.decider.decide({
    ...{ request: request(), caller: caller(of, BOB_UID), artifact: null },
    ...{ receivedMs: of.clock.monotonicMs(), opens: false, gateway: null },
  })
  return denial === null
}

test('no configuration makes an allow of a denial', async () => {
  const of = await world()
  const good = { governance: of.governance, lease: of.lease }
  await fc.assert(
    fc.asyncProperty(files, async (file) => {
      const { api } = withDefaults(parseConfig(JSON.stringify(file), 'x'), surroundings({}))
      await of.callers.reload(api)
      for (const { name } of of.wallet.keys)
        await of.wallet.hold(name, parseArtifact(granted(of, name)))
      for (const [why, goesWrong] of Object.entries(DENIES)) {
        assert.equal(await allows(of), true, 'whoever it is holds what is needed')
        goesWrong(of)
        assert.equal(await allows(of), false, why)
        Object.assign(of, good)
        of.log.state = 'works'
      }
    }),
    { numRuns: 20 },
  )
})

/** What each key may do; one that could loosen has no word here. */
const KEYS: Readonly<Record<string, readonly string[]>> = {
  places: [
    'node.data_dir',
    'node.keys_dir',
    'api.dir',
    'mesh.listen',
    'mesh.announce',
    'mesh.peers',
  ],
  names: ['version', 'node.name', 'mesh.id', 'mesh.pins', 'api.public_url'],
  'who calls': ['api.callers', 'api.sockets', 'api.tcp'],
  measures: [
    'environment.labels',
    'environment.files',
    'environment.image_digest_file',
    'environment.attestations',
    'environment.collectors',
  ],
  'only shortens': ['lease.staleness_at_most'],
  'keeps longer, shows more': [
    'audit.retention',
    'audit.disk_reserve',
    'audit.share',
    'audit.mirror',
  ],
  'can be taken back': ['audit.redactable'],
  tells: ['telemetry.metrics_listen', 'log.level', 'log.format'],
}

interface Schema {
  readonly properties?: Readonly<Record<string, Schema>>
}

test('each key of the configuration is one of a kind that cannot loosen a check', () => {
  const { properties = {} } = jsonSchema() as Schema
  const found = Object.entries(properties).flatMap(([section, { properties: inner }]) =>
    inner === undefined ? [section] : Object.keys(inner).map((key) => `${section}.${key}`),
  )
  assert.deepEqual(found.sort(), Object.values(KEYS).flat().sort())
})

test('the environment holds no other switch than the keys of the configuration', (t) => {
  const read = globSync('{src,bin}/**/*.{ts,js}')
    .flatMap((file) => readFileSync(file, 'utf8').match(/\bMESHD_[A-Z_]+/g) ?? [])
    .sort()
  // Where the file, the keys of people and the socket are, and whose that must be; what `meshd exec` tells its child, and a child tells of itself.
  const known = [
    ...['API_DIR', 'CONFIG', 'DAEMON_USER', 'DECISION', 'EXECUTION', 'KEY_STORE', 'SCRIPT'],
    'SOCKET',
  ]
  assert.deepEqual(
    [...new Set(read)].map((name) => name.replace('MESHD_', '')).filter((name) => name !== ''),
    known,
  )
  row(t, 104, '0 other switches')
})
