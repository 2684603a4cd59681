/** The twelve checks: one fixture for each reason, all rows always, and nothing read out of what is not verified. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { ARGS, atlas, borealis, close, link, NOW_S, person } from '../../scripts/vectors/tokens.ts'
import { CHECK_NAMES } from '../../src/core/checks/check.ts'
import { idOf } from '../../src/core/id.ts'
import { judge } from '../../src/core/judge.ts'
import type { JudgeInput, Judgement } from '../../src/core/judgement.ts'
import { Malformed } from '../../src/core/malformed.ts'
import { REASONS, type ReasonCode } from '../../src/core/reasons.ts'
import type { Policy } from '../../src/core/statement/policy.ts'
import { CedarEngine } from '../../src/daemon/cedar-engine.ts'
import { FORBID, PERMIT, policyOf } from './bundles.ts'
import {
  ALICE,
  BOB,
  CALLER,
  facts,
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
  why,
} from './judgements.ts'

const CAUSE = idOf(Buffer.from('a parent'))
const governed = (fields: GovernanceFields) => ({ governance: governance(fields) })
const ruled = (text: string, schema = OPEN) =>
  governed({ policies: [GRANTED, policyOf(text, { bundle: 'more', schema })] })
const gives = (pol: unknown) => ({ presented: presented({ pol }) })
const lease = (status: typeof HELD) => ({ lease: status, leaseWithin: () => status })

/** Each changes one thing in a world where all is in order. */
const FIXTURES: Readonly<Partial<Record<ReasonCode, readonly Partial<JudgeInput>[]>>> = {
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
    ruled('@id("p") @require("witnessed") permit (principal, action, resource);'),
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
    governed({ frozen: [{ kind: 'action', pattern: 'Tool:Read' }] }),
    governed({ frozen: [{ kind: 'resource', pattern: 'repo:acme/*' }] }),
    governed({ frozen: [{ kind: 'resource', pattern: 'repo:acme/docs' }] }),
  ],
}

function engineOf(...policies: readonly Policy[]): CedarEngine {
  const engine = new CedarEngine()
  engine.load(policies, [])
  return engine
}

function linkCid(i: number): string {
  const each = presentedOf([link(i)], close([link(i)]))
  return each.kind === 'artifact' ? (each.links[0]?.cid ?? '') : ''
}

function judged(over: Partial<JudgeInput> = {}): Judgement {
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

const texts = ({ checks }: Judgement) => checks.map(({ detail }) => detail).join('\n')
const rowOf = ({ checks }: Judgement, n: number) => checks[n - 1] ?? assert.fail()

test('when all is in order every check passes', () => {
  const judgement = judged()
  assert.equal(judgement.denial, null, why(judgement))
  assert.ok(judgement.checks.every(({ ok }) => ok === true))
  assert.deepEqual(judgement.policies, [{ bundle: 'agents', version: 7, policy: 'permit' }])
  assert.equal(judgement.principal, BOB)
  assert.deepEqual(
    judgement.uses.map(({ cid }) => cid),
    [judgement.invocation],
  )
})

test('the details say what was found', () => {
  const pol = [
    ['==', '.resource.type', 'repo'],
    ['like', '.resource.id', 'acme/*'],
    ['==', '.meshd.runtime.uid', 1001],
    ['==', '.meshd.env.labels.env', 'staging'],
    ['>=', '.meshd.gov.bundles.agents', 7],
  ]
  const { checks } = judged({ ...gives(pol), facts: facts({ env: 'staging' }) })
  assert.deepEqual(
    checks.map(({ n, detail }) => `${n} ${detail.replace(/art_\w+/, 'art_…')}`),
    [
      '1 well-formed; artifact art_…, explicit in the request',
      '2 2 of 2 good (1 delegation, 1 invocation); alice is an issuer in root v3',
      '3 1 h left; nonce not seen before',
      '4 uid 1001 · node atlas   (from the kernel, not from the caller)',
      '5 label env = staging',
      '6 no cause named; alice → bob unbroken',
      '7 asks agents at least 7; node in good standing',
      '8 42 s left; this node and borealis signed 5c1e09aa (2 of 2); clock +3 ms from the median',
      '9 granted tool on repo:acme/*',
      '10 agents@7 "permit" permits',
      '11 none of 0 revocations, 0 freezes apply',
    ],
  )
})

for (const [code, { check }] of Object.entries(REASONS) as [ReasonCode, { check: number }][]) {
  // 0 and 12 come after the judgement.
  if (check === 0 || check === 12) continue
  test(`${code} is given by check ${check}, and by nothing before it`, () => {
    const fixtures = FIXTURES[code] ?? assert.fail(`no fixture for ${code}`)
    for (const fixture of fixtures) {
      const judgement = judged(fixture)
      assert.equal(
        judgement.denial?.code,
        code,
        `${judgement.denial?.code}: ${judgement.denial?.detail}`,
      )
      const row = rowOf(judgement, check)
      assert.equal(row.ok, false)
      assert.equal(row.detail, judgement.denial.detail)
      assert.ok(judgement.checks.slice(0, check - 1).every(({ ok }) => ok !== false))
    }
  })
}

test('the first failure names the reason, whatever else fails', () => {
  const all = Object.entries(FIXTURES) as [ReasonCode, readonly Partial<JudgeInput>[]][]
  const one = fc.constantFrom(
    ...all.flatMap(([code, each]) => each.map((over) => ({ code, over }))),
  )
  fc.assert(
    fc.property(one, one, (a, b) => {
      // Two that set the same part of the world are one after all.
      if (Object.keys(a.over).some((key) => key in b.over)) return
      const { denial } = judged({ ...a.over, ...b.over })
      const first = Math.min(REASONS[a.code].check, REASONS[b.code].check)
      assert.ok(denial !== null)
      assert.ok(REASONS[denial.code].check <= first, `${a.code} and ${b.code} gave ${denial.code}`)
    }),
    { numRuns: 300 },
  )
})

test('after a failure the independent checks still run', () => {
  const judgement = judged({
    ...lease(LOST),
    ...governed({ frozen: [{ kind: 'mesh' }] }),
    presented: presented({ cmd: '/job' }),
  })
  const failed = judgement.checks.filter(({ ok }) => ok === false).map(({ code }) => code)
  assert.deepEqual(failed, ['GOVERNANCE_STALE', 'SCOPE_EXCEEDED', 'FROZEN'])
  assert.equal(judgement.denial?.code, 'GOVERNANCE_STALE')
})

test('without an artifact the rest is judged as far as it goes', () => {
  const missing = { presented: { kind: 'missing', detail: 'none' } } as const
  const judgement = judged(missing)
  const marks = judgement.checks.map(({ ok }) => (ok === null ? '-' : ok ? '+' : 'x')).join('')
  assert.equal(marks, 'x------+-+-')
  assert.match(texts(judgement), /needs a verified artifact/)
  // The kernel knows who asks: policy can be looked at; without it, it cannot.
  assert.equal(rowOf(judged({ ...missing, caller: { ...CALLER, principal: null } }), 10).ok, null)
  assert.equal(
    rowOf(judged({ ...missing, ...governed({ frozen: [{ kind: 'mesh' }] }) }), 11).code,
    'FROZEN',
  )
  assert.equal(
    rowOf(judged({ ...missing, ...governed({ members: [] }) }), 7).code,
    'GOVERNANCE_MISMATCH',
  )
})

test('nothing is read out of an artifact that is not verified', () => {
  const secret = {
    cmd: '/secret/command',
    meta: { gov: { ticket: 'SECRET-1' }, by: { person: 'secretary' } },
  }
  const pol = [['==', '.args.secret', 'secret']]
  const forged = link(0, { ...secret, pol }, person(4))
  const own = link(0, { ...secret, pol, iss: person(5).did, sub: person(5).did }, person(5))
  for (const [token, code] of [
    [forged, 'SIGNATURE_INVALID'],
    [own, 'ISSUER_UNTRUSTED'],
  ] as const) {
    const judgement = judged({
      presented: presentedOf([token], close([token], { sub: person(5).did })),
    })
    assert.equal(judgement.denial?.code, code)
    assert.doesNotMatch(texts(judgement), /secret|did:key/i)
    assert.equal(judgement.principal, null)
    assert.deepEqual(judgement.uses, [])
    assert.deepEqual([judgement.coverage.links, judgement.coverage.issuers], [[], []])
    assert.deepEqual(judgement.coverage.principals, [BOB])
  }
})

test('a cause is refused and never ignored, in the request and in the invocation', () => {
  assert.equal(judged({ request: request({}, CAUSE) }).denial?.code, 'LINEAGE_BROKEN')
  const judgement = judged({
    request: request({}, CAUSE),
    presented: { kind: 'missing', detail: 'none' },
  })
  assert.equal(rowOf(judgement, 6).code, 'LINEAGE_BROKEN')
})

test('who names itself, by key or by name, asks for itself', () => {
  for (const id of [BOB, 'bob']) {
    const judgement = judged({ request: request({ subject: { type: 'principal', id } }) })
    assert.equal(judgement.denial, null, why(judgement))
  }
})

test('a gateway may speak for those whom its configuration names, and no others', () => {
  const subject = { type: 'user', id: 'carol' }
  const asserting = (asserts: string[], over = {}) =>
    judged({
      request: request({ subject }),
      presented: presented(over, { args: { ...ARGS, subject } }),
      caller: { ...CALLER, asserts },
    }).denial?.code
  assert.equal(asserting(['user:*']), undefined)
  assert.equal(asserting(['user:carol']), undefined)
  assert.equal(asserting(['user:dave', 'users:*']), 'RUNTIME_MISMATCH')
  assert.equal(asserting([]), 'RUNTIME_MISMATCH')
  // The artifact bounds whom, too.
  assert.equal(asserting(['user:*'], { pol: [['==', '.subject.id', 'dave']] }), 'SCOPE_EXCEEDED')
})

test('a principal that is spoken for is named by its key alone, so that no word on it is missed', () => {
  const subject = { type: 'principal', id: 'carol' }
  const { denial } = judged({
    request: request({ subject }),
    presented: presented({}, { args: { ...ARGS, subject } }),
    caller: { ...CALLER, asserts: ['*'] },
  })
  assert.equal(denial?.code, 'RUNTIME_MISMATCH')
})

test('a policy can shorten the lease that is needed, and never lengthen it', () => {
  const fresh = policyOf('@id("p") @staleness("15s") permit (principal, action, resource);', {
    schema: OPEN,
  })
  const under = (own: typeof HELD, shorter: typeof HELD) => {
    const asked: number[] = []
    const leaseWithin = (stalenessMs: number) => {
      asked.push(stalenessMs)
      return shorter
    }
    const judgement = judged({ ...governed({ policies: [fresh] }), lease: own, leaseWithin })
    assert.deepEqual(asked, [15_000])
    assert.equal(judgement.stalenessMs, 15_000)
    return judgement
  }
  const sooner = { ...HELD, untilMs: 5_000 }
  assert.equal(under(HELD, sooner).lease.untilMs, 5_000)
  assert.equal(under(sooner, HELD).lease.untilMs, 5_000)
  assert.match(rowOf(under(HELD, sooner), 8).detail, /^5 s left, by b@1 "p"/)
  assert.equal(under(LOST, HELD).denial?.code, 'GOVERNANCE_STALE')
  const stale = under(HELD, LOST)
  assert.equal(stale.denial?.code, 'GOVERNANCE_STALE')
  assert.match(stale.denial.detail, /shorter staleness of b@1 "p"/)
})

test('a single-use link is spent with the invocation, and refused once it was', () => {
  const once = presented({ meta: { once: true }, pol: [['==', '.meshd.node.id', atlas.did]] })
  const judgement = judged({ presented: once })
  const { uses, artifact } = judgement
  assert.equal(judgement.denial, null, why(judgement))
  assert.equal(uses.length, 2)
  assert.ok(uses.some(({ cid }) => cid === artifact))
  for (const { expiresMs } of uses) assert.ok(expiresMs > NOW_MS)
  const again = judged({ presented: once, seen: (cid) => cid === artifact })
  assert.equal(again.denial?.code, 'REPLAYED')
})

test('what has ended covers nothing, and what covers something else covers nothing', () => {
  const others: GovernanceFields[] = [
    { revoked: [{ kind: 'principal', did: BOB }], untilMs: NOW_MS },
    { revoked: [{ kind: 'principal', did: person(7).did }] },
    { revoked: [{ kind: 'issuer', did: BOB }] },
    { revoked: [{ kind: 'node', did: borealis.did }] },
    { revoked: [{ kind: 'policy', bundle: 'agents', version: 6 }] },
    { frozen: [{ kind: 'action', pattern: 'tool:write' }] },
    { frozen: [{ kind: 'action', pattern: 'too' }] },
    { frozen: [{ kind: 'resource', pattern: 'repo:acme/docs2' }] },
    { frozen: [{ kind: 'resource', pattern: 'env:*' }] },
    { frozen: [{ kind: 'node', did: borealis.did }] },
  ]
  for (const fields of others) {
    const { denial } = judged(governed(fields))
    assert.equal(denial, null, JSON.stringify(fields))
  }
})

test('the observed answer is told, and changes nothing', () => {
  const given = governance()
  const engine = new CedarEngine()
  engine.load(
    [GRANTED],
    [policyOf(FORBID, { bundle: 'agents', version: 8, mode: 'observe', schema: OPEN })],
  )
  const judgement = judged({ governance: given, policy: engine })
  assert.equal(judgement.denial, null)
  assert.equal(judgement.observed?.decision, 'deny')
})
