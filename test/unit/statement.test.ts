import assert from 'node:assert/strict'
import { test } from 'node:test'
import { link, person } from '../../scripts/vectors/tokens.ts'
import { NOTHING_INHERITED } from '../../src/core/ancestry.ts'
import { toBase64, utf8 } from '../../src/core/bytes.ts'
import { checkRevocation } from '../../src/core/checks/revocation.ts'
import type { StatementType } from '../../src/core/dsse.ts'
import { cidOf, idOf } from '../../src/core/id.ts'
import { formatJson, type Json, type JsonObject, parseJson } from '../../src/core/json.ts'
import {
  LOG_EPOCH_MAX,
  SIGNATURES_MAX,
  STATEMENT_BYTES_MAX,
  WITNESSES_MAX,
} from '../../src/core/limits.ts'
import { Malformed } from '../../src/core/malformed.ts'
import type { Freeze, Scope } from '../../src/core/statement/freeze.ts'
import { scopeKey } from '../../src/core/statement/freeze.ts'
import type { Target } from '../../src/core/statement/revocation.ts'
import { formatStatement, parseStatement } from '../../src/core/statement/statement.ts'
import { governance } from './judgements.ts'
import { ana, atlas, keyOf, type Made, NOW_MS, nextRoot, rootOf, World } from './statements.ts'

const world = new World()
const CHAIN = [link(0), link(1)]
const self = world.revocation({
  target: { kind: 'link', cid: cidOf(link(1)) },
  chain: CHAIN,
})
const targets: readonly Target[] = [
  { kind: 'link', cid: cidOf(link(0)) },
  { kind: 'principal', did: ana.did },
  { kind: 'node', did: ana.did },
  { kind: 'issuer', did: ana.did },
  { kind: 'policy', bundle: 'agents', version: 7 },
  { kind: 'execution', record: idOf(utf8('record')) },
]
const scopes: readonly Scope[] = [
  { kind: 'mesh' },
  { kind: 'node', did: ana.did },
  { kind: 'principal', did: ana.did },
  { kind: 'action', pattern: '*' },
  { kind: 'action', pattern: 'tool:read' },
  { kind: 'resource', pattern: 'repo:acme/*' },
]
const one: readonly Made[] = [
  world.first,
  nextRoot(world.first, { keeps: [self.id], floors: new Map([['agents', 7]]), message: 'why' }),
  world.member(atlas, {
    labels: new Map([
      ['site', 'a b'],
      ['10', 'x'],
    ]),
    witnessEligible: false,
  }),
  world.policy({ entities: [{ uid: 'x' }], tests: [], message: 'why' }),
  world.nextPolicy([world.policy()], { mode: 'observe' }),
  self,
  ...targets.map((target) => world.revocation({ target })),
  ...scopes.map((scope) => world.freeze({ scope, frozen: false })),
  world.epoch(atlas),
  world.epoch(atlas, { previousSize: 7, previousRootHash: 'ab'.repeat(32), overrules: true }),
]

for (const { statement, envelope } of one) {
  test(`a ${statement.type} reads as it was printed, and its id is the hash of its payload: ${shown(statement)}`, () => {
    const read = parseStatement(envelope.type, envelope.payload)
    assert.deepEqual(formatStatement(read), envelope.payload)
    assert.equal(read.id, idOf(envelope.payload))
    assert.deepEqual(read, statement)
  })

  test(`no other type reads the payload of a ${statement.type}: ${shown(statement)}`, () => {
    const types = ['root', 'member', 'policy', 'revocation', 'freeze', 'epoch'] as const
    for (const type of types.filter((each) => each !== envelope.type)) {
      assert.throws(() => parseStatement(type, envelope.payload), Malformed)
    }
  })

  test(`a ${statement.type} with a field more, or one less, is malformed: ${shown(statement)}`, () => {
    const fields = fieldsOf({ envelope })
    refused(envelope.type, { ...fields, extra: 1 })
    for (const field of Object.keys(fields).filter((each) => each !== 'message')) {
      const { [field]: _, ...rest } = fields
      refused(envelope.type, rest)
      // Whether entities and tests are any good is for the policy engine.
      if (field === 'entities' || field === 'tests') continue
      refused(envelope.type, { ...fields, [field]: [[]] })
    }
  })
}

function shown(statement: Made['statement']): string {
  if (statement.type === 'revocation') return `${statement.target.kind} ${statement.chain.length}`
  if (statement.type === 'freeze') return scopeKey(statement.scope).slice(0, 20)
  return statement.id.slice(-4)
}

function fieldsOf({ envelope }: Pick<Made, 'envelope'>): JsonObject {
  return { ...(parseJson(envelope.payload, STATEMENT_BYTES_MAX) as JsonObject) }
}

function refused(type: StatementType, json: Json): void {
  assert.throws(() => parseStatement(type, utf8(formatJson(json))), Malformed)
}

/** The payload with fields in the place of others. */
function changed(made: Pick<Made, 'envelope'>, more: JsonObject): void {
  refused(made.envelope.type, { ...fieldsOf(made), ...more })
}

test('a payload that is not canonical is malformed', () => {
  const { payload } = world.first.envelope
  assert.throws(
    () => parseStatement('root', utf8(`${new TextDecoder().decode(payload)} `)),
    Malformed,
  )
})

const ROOT = fieldsOf(world.first)
const roles = ROOT['roles'] as JsonObject
const lease = ROOT['lease'] as JsonObject
const keys = (count: number) => Array.from({ length: count }, (_, i) => keyOf(`many ${i}`).did)

const roots: Record<string, JsonObject> = {
  'a role without keys': { roles: { ...roles, policy: { keys: [], threshold: 0 } } },
  'a threshold of none': { roles: { ...roles, policy: { keys: [ana.did], threshold: 0 } } },
  'a threshold above its keys': { roles: { ...roles, policy: { keys: [ana.did], threshold: 2 } } },
  'one key twice in a role': {
    roles: { ...roles, root: { keys: [ana.did, ana.did], threshold: 2 } },
  },
  'too many keys in a role': {
    roles: { ...roles, root: { keys: keys(SIGNATURES_MAX + 1), threshold: 1 } },
  },
  'a role more': { roles: { ...roles, audit: { keys: [ana.did], threshold: 1 } } },
  'no witness': { witnesses: [], lease: { ...lease, read: 0, write: 0 } },
  'one witness twice': { witnesses: [ana.did, ana.did] },
  'too many witnesses': { witnesses: keys(WITNESSES_MAX + 1) },
  'quorums that may miss each other': { lease: { ...lease, read: 1, write: 1 } },
  'quorums that meet in a liar': { lease: { ...lease, faults: 1 } },
  'a quorum of none': { lease: { ...lease, read: 0, write: 3 } },
  'a quorum of more than there are': { lease: { ...lease, read: 3, write: 2 } },
  'an hour of skew': { lease: { ...lease, skewMs: 3_600_000 } },
  'no staleness': { lease: { ...lease, stalenessMs: 0 } },
  'a week of staleness': { lease: { ...lease, stalenessMs: 7 * 86_400_000 } },
  'artifacts for ever': { limits: { artifactTtlMs: 10 * 365 * 86_400_000 } },
  'an end before its beginning': { expires: ROOT['issued'] as string },
  'version 1 after another': { previous: world.mesh },
  'version 2 after none': { version: 2 },
  'version 0': { version: 0 },
  'one statement kept twice': { keeps: [self.id, self.id] },
  'a floor of a bundle without a name': { floors: { '': 1 } },
  'a floor of version 0': { floors: { agents: 0 } },
  'a message of a page': { message: 'x'.repeat(513) },
  'a time without milliseconds': { issued: '2026-01-01T00:00:00Z' },
}
for (const [what, fields] of Object.entries(roots)) {
  test(`refused: a root with ${what}`, () => changed(world.first, fields))
}

const others: Record<string, [Made, JsonObject]> = {
  'a member whose log key is its witness key': [world.member(atlas), { log: atlas.witness.did }],
  'a member whose log key is its identity': [world.member(atlas), { log: atlas.identity.did }],
  'a member that was never one': [world.member(atlas), { expires: '2025-01-01T00:00:00.000Z' }],
  'a label without a name': [world.member(atlas), { labels: { '': 'a' } }],
  'a statement of no mesh': [world.member(atlas), { mesh: 'prod' }],
  'a statement under root 0': [world.member(atlas), { root: 0 }],
  'a later version of a policy after none': [world.policy(), { version: 2 }],
  'a first version of a policy after another': [world.policy(), { previous: [self.id] }],
  'a policy after the same version twice': [
    world.nextPolicy([world.policy()]),
    { previous: [self.id, self.id] },
  ],
  'a policy that might enforce': [world.policy(), { mode: 'maybe' }],
  'a revocation of nothing': [world.revocation(), { target: { kind: 'all' } }],
  'a revocation of an inherited kind': [world.revocation(), { target: { kind: 'constructor' } }],
  'a revocation that ended before': [world.revocation(), { until: '2025-01-01T00:00:00.000Z' }],
  'a link issuer that revokes a principal': [self, { target: { kind: 'principal', did: ana.did } }],
  'a link issuer that revokes another link': [
    self,
    { target: { kind: 'link', cid: cidOf(link(0)) } },
  ],
  'a chain that is broken': [
    self,
    {
      chain: [toBase64(link(0)), toBase64(link(2))],
      target: { kind: 'link', cid: cidOf(link(2)) },
    },
  ],
  'a chain that begins in the middle': [self, { chain: [toBase64(link(1))] }],
  'a chain that is no token': [self, { chain: ['AAAA'] }],
  'a freeze of everything': [world.freeze(), { scope: { kind: 'everything' } }],
  'a freeze of the mesh by a pattern': [world.freeze(), { scope: { kind: 'mesh', pattern: '*' } }],
  'a freeze of an action with a star in it': [
    world.freeze(),
    { scope: { kind: 'action', pattern: 'tool:*' } },
  ],
  'a freeze of an action with an empty segment': [
    world.freeze(),
    { scope: { kind: 'action', pattern: 'tool:' } },
  ],
  'a freeze of an empty action': [world.freeze(), { scope: { kind: 'action', pattern: '' } }],
  'a freeze of a resource without a type': [
    world.freeze(),
    { scope: { kind: 'resource', pattern: 'acme' } },
  ],
  'a freeze of any type of resource': [
    world.freeze(),
    { scope: { kind: 'resource', pattern: '*:acme' } },
  ],
  'an epoch that no disk can number': [world.epoch(atlas), { epoch: LOG_EPOCH_MAX + 1 }],
  'an epoch whose end is half known': [world.epoch(atlas), { previous: { size: 1 } }],
  'an epoch with a hash in upper case': [
    world.epoch(atlas),
    { previous: { size: 1, rootHash: 'AB'.repeat(32) } },
  ],
}
for (const [what, [made, fields]] of Object.entries(others)) {
  test(`refused: ${what}`, () => changed(made, fields))
}

test('what would be refused is not printed, so nobody signs it', () => {
  assert.throws(
    () => rootOf({ lease: { read: 1, write: 1, faults: 0, stalenessMs: 60_000, skewMs: 0 } }),
    Malformed,
  )
  assert.throws(() => world.epoch(atlas, { previousSize: 1 }), Malformed)
})

test('every scope that is read can be matched by the check without an error', () => {
  const coverage = {
    action: 'tool:read',
    resource: { type: 'repo', id: 'acme/docs' },
    links: [],
    issuers: [],
    principals: [person(0).did],
    node: atlas.identity.did,
    policies: [],
    executions: [],
    inherited: NOTHING_INHERITED,
  }
  for (const scope of scopes) {
    const freeze = world.freeze({ scope }).statement
    const freezes = new Map<string, Freeze>([[scopeKey(scope), freeze]])
    const { ok } = checkRevocation({ ...governance(), freezes }, coverage, NOW_MS, null)
    const covered = !('did' in scope)
    assert.equal(ok, !covered, scopeKey(scope))
  }
})
