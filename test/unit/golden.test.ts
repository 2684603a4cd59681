/**
 * What each view looks like, as a table, as JSON, in 80 columns, in colour and
 * without UTF-8, held to test/golden/*.txt.
 *
 *     MESHD_GOLDEN=write node --test test/unit/golden.test.ts     writes them anew
 */
import assert from 'node:assert/strict'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { after, before, test } from 'node:test'
import { artifactOf, formatArtifact } from '../../src/core/artifact.ts'
import { parseDelegation, signDelegation } from '../../src/core/delegation.ts'
import { compileGrant, type Grant } from '../../src/core/grant.ts'
import { type Did, signerOf } from '../../src/core/keys.ts'
import { pemOf } from '../../src/daemon/key-file.ts'
import { type Answers, Desk, type Screen } from '../golden/screen.ts'
import * as story from '../golden/story.ts'
import { LINEAGE } from '../golden/story-lineage.ts'
import * as log from '../golden/story-log.ts'
import { ROLLED_BACK, VERIFIED } from '../golden/story-verify.ts'

process.env['TZ'] = 'UTC'

const GOLDEN = resolve(import.meta.dirname, '../golden')
const { listOf, view } = story

const SCREENS: Readonly<Record<string, Screen & { readonly words?: readonly string[] }>> = {
  table: {},
  json: { words: ['--json'] },
  '80 columns': { columns: 80, env: { NO_COLOR: '1' } },
  colour: { env: { FORCE_COLOR: '1' } },
  'not UTF-8': { env: { LC_ALL: 'C' } },
}

/** What those lack that drift, by its kind. */
const MISSING: Answers = Object.fromEntries(
  story.DRIFT.flatMap(({ missing }) => missing).map((id) => {
    const type = id.startsWith('sha256:5be2') ? 'freeze' : 'policy'
    return [`GET /v1/statements/${encodeURIComponent(id)}`, view('Statement', { id, type })]
  }),
)

const READ: Answers = {
  ...MISSING,
  'GET /v1/status': view('Status', story.STATUS),
  'GET /v1/root': view('Root', story.ROOT),
  'GET /v1/peers': listOf('PeerList', story.PEERS),
  'GET /v1/callers': listOf('CallerList', story.CALLERS),
  'GET /v1/drift': listOf('DriftList', story.DRIFT),
  'GET /v1/governance': view('Governance', story.GOVERNANCE),
  'GET /v1/statements': listOf('StatementList', log.POLICIES),
  'GET /v1/records': {
    ...listOf('RecordList', log.RECORDS),
    next: 88_102,
    stopped: false,
    pruned: 0,
  },
  'GET /v1/records/tail': () => {
    process.emit('SIGINT') // the reader has seen enough
    return { ...listOf('RecordList', []), next: 88_106, stopped: false, pruned: 0 }
  },
  'GET /v1/mesh/records': log.MESH_RECORDS,
  'GET /v1/executions': log.EXECUTIONS,
  'GET /v1/mesh/executions': log.MESH_EXECUTIONS,
  'GET /v1/log/verify': view('LogVerify', VERIFIED),
  'GET /v1/records/stats': view('RecordStats', log.STATS),
  [`GET /v1/decisions/${encodeURIComponent(log.DECISION_ID)}`]: view('Record', log.RECORDS[0]),
  'GET /v1/doctor': view('Doctor', story.DOCTOR),
  [`GET /v1/lineage/${encodeURIComponent(LINEAGE.id)}`]: view('Lineage', LINEAGE),
  'GET /v1/spread': log.SPREAD,
  'GET /v1/wallet': listOf('HeldArtifactList', []),
  'POST /v1/statements': view('Statement', log.REVOCATION),
  'POST /v1/invites': story.INVITE,
  'POST /v1/artifacts/verify': { valid: true, code: null, detail: '', revocations: 13 },
  'POST /v1/explain': log.DENIED,
  'POST /access/v1/search/subject': log.CANDIDATES,
  'POST /access/v1/search/action': log.ACTIONS,
}
const answered = (decision: object) => ({
  ...READ,
  'POST /v1/decisions': decision,
})
const ASK = ['authorize', '--action', 'tool:delete', '--resource', 'repo:acme/docs']
const REVOKE = ['revoke', 'principal:planner', '-m', 'planner compromised']

const CASES: Readonly<Record<string, readonly [words: readonly string[], answers: Answers]>> = {
  status: [['status'], READ],
  'status-not-ready': [
    ['status'],
    { ...READ, 'GET /v1/status': view('Status', story.STATUS_NOT_READY) },
  ],
  'mesh-status': [['mesh', 'status'], READ],
  'mesh-drift': [['mesh', 'drift'], READ],
  'peer-list': [['peer', 'list'], READ],
  'root-show': [['root', 'show'], READ],
  'root-history': [['root', 'history'], READ],
  explain: [['explain', log.DECISION_ID], READ],
  'explain-hypothetical': [['explain', ...ASK.slice(1)], READ],
  'who-can': [['who-can', 'tool:read', 'repo:acme/docs', '--type', 'user'], READ],
  'what-can': [['what-can', 'user:alice', '--resource', 'repo:acme/docs'], READ],
  'authorize-allow': [ASK, answered(log.ALLOWED)],
  'authorize-deny': [ASK, answered(log.DENIED)],
  'revoke-wait': [[...REVOKE, '--wait'], READ],
  'revoke-uncommitted': [
    [...REVOKE, '--wait'],
    { ...READ, 'GET /v1/spread': log.SPREAD_UNCOMMITTED },
  ],
  'artifact-inspect': [['artifact', 'inspect', '<dir>/worker.ucan'], READ],
  ps: [['ps'], READ],
  'ps-mesh': [['ps', '--mesh'], READ],
  'lineage-trace': [['lineage', 'trace', LINEAGE.id], READ],
  'lineage-graph': [['lineage', 'graph', LINEAGE.id, '--format', 'mermaid'], READ],
  'audit-list': [['audit', 'list'], READ],
  'audit-tail': [['audit', 'tail'], READ],
  'audit-mesh': [['audit', 'list', '--mesh'], READ],
  'audit-stats': [['audit', 'stats', '--by', 'code,principal'], READ],
  'audit-verify': [['audit', 'verify', '--peers'], READ],
  'audit-verify-rollback': [
    ['audit', 'verify', '--peers'],
    { ...READ, 'GET /v1/log/verify': view('LogVerify', ROLLED_BACK) },
  ],
  'policy-list': [['policy', 'list'], READ],
  'policy-test': [['policy', 'test', 'config/starter-policy'], READ],
  doctor: [['doctor'], READ],
  'invite-create': [['invite', 'create', '--name', 'cygnus'], READ],
}

const desk = new Desk(story.NOW)

before(async () => {
  await desk.open()
  mkdirSync(desk.keyStore, { recursive: true, mode: 0o700 })
  const alice = join(desk.keyStore, 'alice')
  writeFileSync(`${alice}.key`, pemOf(story.SEED(6)), { mode: 0o600 })
  writeFileSync(`${alice}.pub`, `${story.ALICE}\n`, { mode: 0o600 })
  writeFileSync(join(desk.dir, 'worker.ucan'), artifact(), { mode: 0o600 })
})
after(() => desk.close())

/** alice → planner, the same bytes every time. */
function artifact(): string {
  const grant: Grant = {
    actions: ['tool:search', 'tool:read'],
    resource: 'repo:acme/*',
    subject: null,
    bind: new Map([['unit', 'planner.service']]),
    node: null,
    env: new Map([['label.env', 'staging']]),
    require: ['agents@7'],
    depth: 2,
    once: false,
    gov: null,
    by: null,
  }
  const alice = signerOf(story.SEED(6))
  const link = signDelegation(
    {
      ...compileGrant(grant, []),
      aud: story.PLANNER as Did,
      sub: alice.did,
      nonce: new Uint8Array(16).fill(7),
      expS: Date.parse('2026-11-23T15:04:00Z') / 1000,
      nbfS: null,
    },
    alice,
  )
  return `${formatArtifact(artifactOf([parseDelegation(link)], null))}\n`
}

for (const [name, [words, answers]] of Object.entries(CASES))
  test(`${name} looks as it is written down`, async () => {
    const parts: string[] = [`$ meshd ${words.join(' ')}\n`]
    for (const [screen, { words: more = [], ...look }] of Object.entries(SCREENS)) {
      const typed = [...words, ...more].map((word) => word.replace('<dir>', desk.dir))
      parts.push(`\n== ${screen} ==\n`, await desk.type(typed, answers, look))
    }
    compare(name, parts.join(''))
  })

test('help looks as it is written down', async () => {
  compare('help', await desk.type(['help'], {}))
})

function compare(name: string, got: string): void {
  const file = join(GOLDEN, `${name}.txt`)
  if (process.env['MESHD_GOLDEN'] === 'write') writeFileSync(file, got)
  assert.equal(got, readFileSync(file, 'utf8'), `${file}; MESHD_GOLDEN=write writes it anew`)
}
