/** One fixture for each reason that a judgement can give, and what judges them. */
import assert from 'node:assert/strict'
import { ARGS, atlas, borealis, close, link, NOW_S, person } from '../../scripts/vectors/tokens.ts'
import { CHECK_NAMES } from '../../src/core/checks/check.ts'
import { idOf } from '../../src/core/id.ts'
import { judge } from '../../src/core/judge.ts'
import type { JudgeInput, Judgement } from '../../src/core/judgement.ts'
import { Malformed } from '../../src/core/malformed.ts'
import type { ReasonCode } from '../../src/core/reasons.ts'
import type { Policy } from '../../src/core/statement/policy.ts'
import { CedarEngine } from '../../src/daemon/cedar-engine.ts'
import { FORBID, PERMIT, policyOf } from './bundles.ts'
import {
  ALICE,
  BOB,
  CALLER,
  type GovernanceFields,
  GRANTED,
  governance,
  HELD,
  input,
  LOST,
  NOW_MS,
  OPEN,
  presented,
  presentedOf,
  ROOT,
  request,
} from './judgements.ts'
export const CAUSE = idOf(Buffer.from('a parent'))
export const governed = (fields: GovernanceFields) => ({ governance: governance(fields) })
export const ruled = (text: string, schema = OPEN) =>
  governed({ policies: [GRANTED, policyOf(text, { bundle: 'more', schema })] })
export const gives = (pol: unknown) => ({ presented: presented({ pol }) })
export const lease = (status: typeof HELD) => ({ lease: status, leaseWithin: () => status })

/** Each changes one thing in a world where all is in order. */
export const FIXTURES: Readonly<Partial<Record<ReasonCode, readonly Partial<JudgeInput>[]>>> = {
  REQUEST_MALFORMED: [{ request: new Malformed('the action is missing') }],
  AUTHORIZATION_MISSING: [{ presented: { kind: 'missing', detail: 'none is held for bob' } }],
  AUTHORIZATION_MALFORMED: [
    { presented: { kind: 'malformed', detail: 'an artifact is one line' } },
    // For single use, and not bound to one node.
    { presented: presented({ meta: { once: true } }) },
    { presented: presentedOf([], close([link(0)])) },
  ],
  SIGNATURE_INVALID: [
    { presented: presentedOf([link(0, {}, person(2))], close([link(0)])) },
    { presented: presentedOf([link(0)], close([link(0)], { iss: person(1).did }, person(2))) },
  ],
  ISSUER_UNTRUSTED: [
    {
      presented: presentedOf(
        [link(1, { sub: BOB })],
        close([link(1, { sub: BOB })], { sub: BOB }, person(2)),
      ),
    },
    governed({
      root: { ...ROOT, roles: { ...ROOT.roles, issuer: { keys: [person(7).did], threshold: 1 } } },
    }),
    governed({ root: null }),
  ],
  NOT_YET_VALID: [{ presented: presented({ nbf: NOW_S + 60 }) }],
  EXPIRED: [{ presented: presented({ exp: NOW_S }) }, { presented: presented({}, { exp: NOW_S }) }],
  REPLAYED: [{ seen: () => true }],
  RUNTIME_MISMATCH: [
    gives([['==', '.meshd.runtime.uid', 1002]]),
    gives([['==', '.meshd.runtime.unit', 'planner.service']]),
    gives([['!=', '.meshd.runtime.exe', 'x']]),
    gives([['==', '.meshd.node.id', borealis.did]]),
    { presented: presented({}, { aud: borealis.did }) },
    { request: request({ subject: { type: 'user', id: 'carol' } }) },
    { request: request({ subject: { type: 'principal', id: 'alice' } }) },
  ],
  ENVIRONMENT_FAILED: [
    gives([['==', '.meshd.env.labels.env', 'staging']]),
    gives([['not', ['==', '.meshd.env.labels.env', 'prod']]]),
  ],
  LINEAGE_BROKEN: [
    { request: request({}, CAUSE) },
    { presented: presentedOf([link(0)], close([link(0)], {}, person(2))) },
    { presented: presentedOf([link(0), link(2)], close([link(0), link(2)], {}, person(3))) },
  ],
  GOVERNANCE_MISMATCH: [
    governed({ disputed: [idOf(Buffer.from('a')), idOf(Buffer.from('b'))] }),
    governed({ root: { ...ROOT, expiresMs: NOW_MS } }),
    governed({ members: [borealis.did] }),
    gives([['>=', '.meshd.gov.bundles.agents', 8]]),
    gives([['==', '.meshd.gov.bundles.other', 1]]),
  ],
  NODE_SUSPENDED: [
    governed({ frozen: [{ kind: 'node', did: atlas.did }] }),
    governed({ revoked: [{ kind: 'node', did: atlas.did }] }),
    governed({ memberExpiresMs: NOW_MS }),
  ],
  GOVERNANCE_STALE: [lease(LOST), { monotonicMs: HELD.untilMs }],
  CLOCK_UNTRUSTED: [lease({ ...HELD, clockTrusted: false, clockOffsetMs: -9000 })],
  SCOPE_EXCEEDED: [
    { presented: presented({ cmd: '/tool/write' }) },
    gives([['like', '.resource.id', 'acme/web*']]),
    // What is asked is not what was signed.
    { request: request({ resource: { type: 'repo', id: 'acme/web' } }) },
    { request: request({ action: { name: ARGS.action, properties: { path: '/etc' } } }) },
  ],
  POLICY_NO_PERMIT: [
    governed({ policies: [] }),
    governed({
      policies: [
        policyOf(PERMIT, {
          schema: 'entity A; action "x" appliesTo { principal: A, resource: A };',
        }),
      ],
    }),
  ],
  POLICY_FORBID: [ruled(FORBID)],
  POLICY_ERROR: [
    ruled('permit ('),
    ruled(
      PERMIT,
      'entity principal; entity env; action "*" appliesTo { principal: principal, resource: env };',
    ),
    // The engine has not caught up with governance.
    { policy: new CedarEngine() },
    { policy: engineOf(GRANTED, policyOf(PERMIT, { bundle: 'repealed', schema: OPEN })) },
  ],
  POLICY_CONFLICT: [governed({ conflict: 'two statements of version 8' })],
  REVOKED: [
    governed({ revoked: [{ kind: 'link', cid: linkCid(0) }] }),
    governed({ revoked: [{ kind: 'principal', did: BOB }] }),
    governed({ revoked: [{ kind: 'principal', did: ALICE }] }),
    governed({ revoked: [{ kind: 'issuer', did: ALICE }] }),
    governed({ revoked: [{ kind: 'policy', bundle: 'agents', version: 7 }] }),
    {
      ...governed({ revoked: [{ kind: 'principal', did: person(3).did }] }),
      request: request({ subject: { type: 'principal', id: person(3).did } }),
      presented: presented(
        {},
        { args: { ...ARGS, subject: { type: 'principal', id: person(3).did } } },
      ),
      caller: { ...CALLER, asserts: ['principal:*'] },
    },
  ],
  FROZEN: [
    governed({ frozen: [{ kind: 'mesh' }] }),
    governed({ frozen: [{ kind: 'principal', did: BOB }] }),
    governed({ frozen: [{ kind: 'action', pattern: 'tool' }] }),
    governed({ frozen: [{ kind: 'action', pattern: 'tool:read' }] }),
    governed({ frozen: [{ kind: 'resource', pattern: 'repo:acme/*' }] }),
    governed({ frozen: [{ kind: 'resource', pattern: 'repo:acme/docs' }] }),
  ],
}

export function engineOf(...policies: readonly Policy[]): CedarEngine {
  const engine = new CedarEngine()
  engine.load(policies, [])
  return engine
}

export function linkCid(i: number): string {
  const each = presentedOf([link(i)], close([link(i)]))
  return each.kind === 'artifact' ? (each.links[0]?.cid ?? '') : ''
}

export function judged(over: Partial<JudgeInput> = {}): Judgement {
  const judgement = judge(input(over))
  assert.deepEqual(
    judgement.checks.map(({ n, name }) => `${n} ${name}`),
    CHECK_NAMES.slice(0, 11).map((name, i) => `${i + 1} ${name}`),
  )
  for (const { ok, code, detail } of judgement.checks) {
    assert.equal(code === null, ok !== false)
    assert.ok(detail.length > 0 && !detail.includes('undefined'), detail)
  }
  return judgement
}

export const texts = ({ checks }: Judgement) => checks.map(({ detail }) => detail).join('\n')
export const rowOf = ({ checks }: Judgement, n: number) => checks[n - 1] ?? assert.fail()
