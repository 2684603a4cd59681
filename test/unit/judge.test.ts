/** The twelve checks: one fixture for each reason, all rows always, and nothing read out of what is not verified. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { ARGS, atlas, borealis, close, link, person } from '../../scripts/vectors/tokens.ts'
import { recordLink } from '../../src/core/ipld.ts'
import type { JudgeInput } from '../../src/core/judgement.ts'
import { REASONS, type ReasonCode } from '../../src/core/reasons.ts'
import { CedarEngine } from '../../src/daemon/cedar-engine.ts'
import { FORBID, policyOf } from './bundles.ts'
import {
  BOB,
  CALLER,
  facts,
  type GovernanceFields,
  GRANTED,
  governance,
  HELD,
  LOST,
  NOW_MS,
  OPEN,
  presented,
  presentedOf,
  ROOT,
  request,
  why,
} from './judgements.ts'
import {
  CAUSE,
  FIXTURES,
  gives,
  governed,
  judged,
  lease,
  rowOf,
  texts,
} from './reasons-fixtures.ts'

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

test('a cause is never ignored, in the request and in the invocation', () => {
  assert.equal(judged({ request: request({}, CAUSE) }).denial?.code, 'LINEAGE_BROKEN')
  const signed = judged({ presented: presented({}, { cause: recordLink(CAUSE) }) })
  assert.equal(signed.denial?.code, 'LINEAGE_BROKEN')
  assert.deepEqual(signed.coverage.executions, [CAUSE])
  const judgement = judged({
    request: request({}, CAUSE),
    presented: { kind: 'missing', detail: 'none' },
  })
  assert.equal(rowOf(judgement, 6).ok, null)
  assert.deepEqual(judgement.coverage.executions, [CAUSE])
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

test('from the moment at which the trust root ends, or the membership of this node, nothing is allowed', () => {
  const codes = (endMs: number) =>
    [governance({ root: { ...ROOT, expiresMs: endMs } }), governance({ memberExpiresMs: endMs })]
      .map((given) => judged({ governance: given }).denial?.code ?? null)
      .join()
  assert.equal(codes(NOW_MS), 'GOVERNANCE_MISMATCH,NODE_SUSPENDED')
  assert.equal(codes(NOW_MS + 1), ',')
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
