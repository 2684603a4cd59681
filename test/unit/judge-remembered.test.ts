/** What a judgement remembers of the last one changes no judgement. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { borealis, person } from '../../scripts/vectors/tokens.ts'
import { judge } from '../../src/core/judge.ts'
import type { JudgeInput } from '../../src/core/judgement.ts'
import { Malformed } from '../../src/core/malformed.ts'
import type { Presented } from '../../src/core/presented.ts'
import { row } from '../lab/row.ts'
import { FORBID, policyOf } from './bundles.ts'
import {
  BOB,
  CALLER,
  facts,
  GRANTED,
  governance,
  input,
  LOST,
  NOW_MS,
  OPEN,
  presented,
  ROOT,
  request,
} from './judgements.ts'

const FORBIDDEN = policyOf(FORBID, { bundle: 'agents', version: 8, schema: OPEN })
const bound = presented({ pol: [['==', '.meshd.env.labels.site', 'a']] })
const asBob = request({ subject: { type: 'principal', id: 'bob' } })
const shut = governance({ policies: [FORBIDDEN] })

/** Each changes one thing that a judgement rests on. */
const CHANGES: Readonly<Record<string, Partial<JudgeInput>>> = {
  nothing: {},
  'the request': { request: request({ resource: { type: 'repo', id: 'elsewhere' } }) },
  'no request': { request: new Malformed('no') },
  'a subject that is the caller by its name': { request: asBob },
  'the artifact': { presented: presented({ cmd: '/job' }) },
  'a condition on the environment': { presented: bound },
  'no artifact': { presented: { kind: 'missing', detail: 'none' } },
  'an invoker': { presented: presented({ aud: person(2).did }, {}) },
  'the environment': { facts: facts({ site: 'a' }) },
  'the environment for its condition': { presented: bound, facts: facts({ site: 'a' }) },
  'the policies in force': { governance: shut },
  'the policies in force and loaded': {
    governance: shut,
    policy: input({ governance: shut }).policy,
  },
  'a conflict': { governance: governance({ conflict: 'two of one version' }) },
  'the issuers': {
    governance: governance({
      root: { ...ROOT, roles: { ...ROOT.roles, issuer: { keys: [BOB], threshold: 1 } } },
    }),
  },
  'the members': { governance: governance({ members: [borealis.did] }) },
  'a revocation': { governance: governance({ revoked: [{ kind: 'principal', did: BOB }] }) },
  'a freeze': { governance: governance({ frozen: [{ kind: 'mesh' }] }) },
  'the lease': { lease: LOST },
  'a use': { seen: () => true },
  'the time': { nowMs: NOW_MS + 999_999_999 },
  'the caller': { caller: { ...CALLER, principal: null, name: null } },
  'whom the caller may speak for': {
    caller: { ...CALLER, asserts: ['*'] },
    request: request({ subject: { type: 'user', id: 'ann' } }),
  },
  'what keys are called': { nameOf: () => null },
  'who is called bob': { nameOf: () => 'carol', request: asBob },
}

/** Equal, and never seen before: nothing that is remembered is known by it. */
function unknown({ request: asked, presented: shown, ...rest }: JudgeInput): JudgeInput {
  const anew: Presented = shown.kind === 'artifact' ? { ...shown, links: [...shown.links] } : shown
  return { ...rest, request: asked instanceof Malformed ? asked : { ...asked }, presented: anew }
}

test('a judgement is the same whatever was judged before, with the same things or with others', (t) => {
  const base = input()
  const inputs = Object.values(CHANGES).map((change) => ({ ...base, ...change }))
  const fresh = inputs.map((each) => judge(unknown(each)))
  const order = fc.array(fc.nat({ max: inputs.length - 1 }), { minLength: 40, maxLength: 80 })
  fc.assert(
    fc.property(order, (asked) => {
      for (const i of asked) assert.deepEqual(judge(inputs[i] as JudgeInput), fresh[i])
    }),
    { numRuns: 20 },
  )
  const said = new Set(fresh.map(({ denial }) => denial?.code))
  assert.ok(said.size >= 12, [...said].join())
  row(t, 95, '0 stale')
})

test('an engine that loads other policies is asked again', () => {
  const given = input()
  const codes = [given, given, given].map((each) => judge(each).denial?.code)
  assert.deepEqual(codes, [undefined, undefined, undefined])
  given.policy.load([FORBIDDEN], [])
  assert.equal(judge(given).denial?.code, 'POLICY_ERROR', 'what is loaded is not what is in force')
  assert.equal(judge({ ...given, governance: shut }).denial?.code, 'POLICY_FORBID')
  given.policy.load([GRANTED], [])
  assert.equal(judge(given).denial, null)
})
