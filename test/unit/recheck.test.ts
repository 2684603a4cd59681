/** The second look: what came while the record was written, or while it runs, still stops it. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { atlas } from '../../scripts/vectors/tokens.ts'
import { idOf } from '../../src/core/id.ts'
import { judge } from '../../src/core/judge.ts'
import type { ReasonCode } from '../../src/core/reasons.ts'
import { type Fresh, leaseUntilMs, recheck } from '../../src/core/recheck.ts'
import { row } from '../lab/row.ts'
import { policyOf } from './bundles.ts'
import {
  ALICE,
  BOB,
  type GovernanceFields,
  governance,
  HELD,
  input,
  LOST,
  NOW_MS,
  OPEN,
  ROOT,
} from './judgements.ts'

const judgement = judge(input())
const RECORD = idOf(Buffer.from('its record'))

function fresh(over: Partial<Fresh> = {}, fields: GovernanceFields = {}): Fresh {
  const clock = { nowMs: NOW_MS + 1000, monotonicMs: 1000 }
  return {
    governance: governance(fields),
    lease: HELD,
    leaseWithin: () => HELD,
    ...clock,
    execution: RECORD,
    ...over,
  }
}

test('nothing new is no reason to stop', () => {
  assert.equal(recheck(judgement, fresh()), null)
  assert.equal(leaseUntilMs(judgement, fresh()), HELD.untilMs)
})

const LATE: readonly (readonly [ReasonCode, Partial<Fresh>, GovernanceFields])[] = [
  ['REVOKED', {}, { revoked: [{ kind: 'link', cid: judgement.artifact ?? '' }] }],
  ['REVOKED', {}, { revoked: [{ kind: 'principal', did: BOB }] }],
  ['REVOKED', {}, { revoked: [{ kind: 'issuer', did: ALICE }] }],
  ['REVOKED', {}, { revoked: [{ kind: 'policy', bundle: 'agents', version: 7 }] }],
  ['REVOKED', {}, { revoked: [{ kind: 'execution', record: RECORD }] }],
  ['FROZEN', {}, { frozen: [{ kind: 'mesh' }] }],
  ['FROZEN', {}, { frozen: [{ kind: 'resource', pattern: 'repo:*' }] }],
  ['NODE_SUSPENDED', {}, { frozen: [{ kind: 'node', did: atlas.did }] }],
  ['NODE_SUSPENDED', {}, { memberExpiresMs: NOW_MS }],
  ['NODE_SUSPENDED', {}, { distrusted: [atlas.did] }],
  ['NODE_SUSPENDED', {}, { distrusted: [ALICE] }],
  ['GOVERNANCE_MISMATCH', {}, { disputed: [RECORD] }],
  ['GOVERNANCE_MISMATCH', {}, { root: { ...ROOT, expiresMs: NOW_MS } }],
  ['GOVERNANCE_STALE', { lease: LOST }, {}],
  ['GOVERNANCE_STALE', { monotonicMs: HELD.untilMs }, {}],
  ['CLOCK_UNTRUSTED', { lease: { ...HELD, clockTrusted: false } }, {}],
  ['EXPIRED', { nowMs: NOW_MS + 3_600_000 }, {}],
  [
    'ISSUER_UNTRUSTED',
    {},
    { root: { ...ROOT, roles: { ...ROOT.roles, issuer: { keys: [BOB], threshold: 1 } } } },
  ],
]

for (const [code, over, fields] of LATE) {
  test(`${code} stops it: ${JSON.stringify(over)} ${JSON.stringify(Object.keys(fields))}`, () => {
    assert.equal(recheck(judgement, fresh(over, fields))?.code, code)
  })
}

test('whatever of it changes between the judgement and the answer is looked at as it is then', (t) => {
  const passed = LATE.filter(([, over, fields]) => recheck(judgement, fresh(over, fields)) === null)
  assert.deepEqual(passed, [])
  row(t, 143, `${LATE.length} changes between the judgement and the second look: 0 allows`)
})

test('the policy version it was judged by counts, not the one in force now', () => {
  const revoked = [{ kind: 'policy', bundle: 'agents', version: 8 } as const]
  assert.equal(recheck(judgement, fresh({}, { revoked })), null)
})

test('the shorter lease of a policy is asked for as long as it runs', () => {
  const text = '@id("p") @staleness("15s") permit (principal, action, resource);'
  const shorter = judge(
    input({ governance: governance({ policies: [policyOf(text, { schema: OPEN })] }) }),
  )
  assert.equal(shorter.denial, null)
  const leaseWithin = (stalenessMs: number) => (stalenessMs === 15_000 ? LOST : HELD)
  assert.equal(recheck(shorter, fresh({ leaseWithin }))?.code, 'GOVERNANCE_STALE')
  assert.equal(leaseUntilMs(shorter, fresh({ leaseWithin })), null)
  const sooner = { ...HELD, untilMs: 5_000 }
  assert.equal(leaseUntilMs(shorter, fresh({ leaseWithin: () => sooner })), 5_000)
})

test('an allow ends with the lease or with the artifact, whichever is first', () => {
  const last = fresh({ nowMs: NOW_MS + 3_590_000 })
  assert.equal(recheck(judgement, last), null)
  assert.equal(leaseUntilMs(judgement, last), last.monotonicMs + 10_000)
  assert.equal(leaseUntilMs(judgement, fresh({ lease: LOST })), null)
})
