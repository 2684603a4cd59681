/** The leaf of a decision: whole, and never too large. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ARGS, atlas } from '../../scripts/vectors/tokens.ts'
import type { Inherited } from '../../src/core/ancestry.ts'
import { utf8 } from '../../src/core/bytes.ts'
import { openValue } from '../../src/core/commitment.ts'
import { decisionDraft, type Recorded } from '../../src/core/decision-record.ts'
import { cidOf, idOf, sha256Hex } from '../../src/core/id.ts'
import { formatJson, type Json } from '../../src/core/json.ts'
import { judge } from '../../src/core/judge.ts'
import type { JudgeInput } from '../../src/core/judgement.ts'
import {
  LABELS_MAX,
  LINEAGE_DEPTH_MAX,
  LINEAGE_LINKS_MAX,
  LINEAGE_PRINCIPALS_MAX,
  RECORD_BYTES_MAX,
} from '../../src/core/limits.ts'
import { Malformed } from '../../src/core/malformed.ts'
import type { Denial } from '../../src/core/reasons.ts'
import { type Body, parseRecord } from '../../src/core/record.ts'
import { readRequest } from '../../src/core/request.ts'
import { CedarEngine } from '../../src/daemon/cedar-engine.ts'
import { FORBID, policyOf } from './bundles.ts'
import {
  BOB,
  CALLER,
  facts,
  GRANTED,
  governance,
  input,
  OPEN,
  presented,
  request,
} from './judgements.ts'

const HEAD = {
  index: 2 ** 32 - 1,
  time: '2026-11-24T14:03:10.000Z',
  node: atlas.did,
  epoch: 1_000_000,
}

const times = <T>(count: number, each: T): readonly T[] => Array.from({ length: count }, () => each)

/** As much as one may descend from. */
const MOST_INHERITED: Inherited = {
  ancestors: times(LINEAGE_DEPTH_MAX, idOf(utf8('above'))),
  nodes: times(LINEAGE_DEPTH_MAX, atlas.did),
  origins: times(LINEAGE_DEPTH_MAX, atlas.did),
  issuers: times(LINEAGE_LINKS_MAX, atlas.did),
  links: times(LINEAGE_LINKS_MAX, cidOf(utf8('a link'))),
  principals: times(LINEAGE_PRINCIPALS_MAX, atlas.did),
}

/** What is read back from the log, where the head was added. */
function leaf(over: Partial<JudgeInput> = {}, more: Partial<Recorded> = {}): Body<'decision'> {
  const given = input(over)
  const judgement = judge(given)
  const recorded: Recorded = {
    input: given,
    judgement,
    denial: judgement.denial,
    supersedes: null,
    unrecorded: 0,
    gateway: null,
    durationUs: 410,
    ...more,
  }
  const draft = decisionDraft(recorded)
  assert.equal(formatJson(draft), formatJson(decisionDraft(recorded)))
  // A copy shares no part that was printed before.
  assert.equal(formatJson(structuredClone(draft)), formatJson(draft))
  const bytes = utf8(formatJson({ ...draft, ...HEAD }))
  assert.ok(bytes.length <= RECORD_BYTES_MAX, `${bytes.length} bytes`)
  const record = parseRecord(bytes)
  return record.type === 'decision' ? record : assert.fail()
}

test('an allow holds what it rests on, and twelve rows', () => {
  const record = leaf()
  assert.equal(record.effect, 'allow')
  assert.deepEqual(
    record.checks.map(({ n, ok }) => `${n} ${ok}`),
    Array.from({ length: 12 }, (_, i) => `${i + 1} true`),
  )
  assert.equal(record.principal, BOB)
  assert.equal(record.links.length, 1)
  assert.deepEqual(record.policies, [{ bundle: 'agents', version: 7, policy: 'permit' }])
  assert.deepEqual(record.bundles, [{ bundle: 'agents', version: 7, id: GRANTED.id }])
  assert.equal(record.lease.remainingMs, 42_000)
  assert.equal(record.governance.root, 3)
  assert.equal(openValue(record.caller)?.uid, 1001)
  assert.equal(openValue(record.request?.args)?.digest, sha256Hex(utf8(formatJson(ARGS.args))))
  assert.equal(formatJson(openValue(record.request?.args)?.value ?? null), formatJson(ARGS.args))
})

test('a deny names its reason; a late one says what came after the judgement', () => {
  const stale: Denial = { code: 'GOVERNANCE_STALE', detail: 'the lease ended' }
  const supersedes = idOf(utf8('the allow'))
  const late = leaf({}, { denial: stale, supersedes })
  assert.equal(late.effect, 'deny')
  assert.equal(late.code, 'GOVERNANCE_STALE')
  assert.equal(late.supersedes, supersedes)
  assert.deepEqual(late.checks[11], {
    n: 12,
    name: 'audit',
    ok: null,
    code: null,
    detail: 'denied after the judgement: GOVERNANCE_STALE',
  })
  const unwritten = leaf({}, { denial: { code: 'AUDIT_UNAVAILABLE', detail: 'sealed' } })
  assert.equal(unwritten.checks[11]?.code, 'AUDIT_UNAVAILABLE')
  const judged = leaf({ presented: { kind: 'missing', detail: 'none is held' } }, { unrecorded: 3 })
  assert.equal(judged.code, 'AUTHORIZATION_MISSING')
  assert.equal(judged.unrecorded, 3)
  assert.equal(judged.checks[11]?.ok, true)
})

test('a request that was malformed leaves its reason and nothing else', () => {
  const record = leaf({ request: new Malformed('the action is missing') })
  assert.equal(record.request, null)
  assert.equal(record.detail, 'the action is missing')
})

test('what is large stands as its digest, and the record is never refused', () => {
  const wide = '"'.repeat(15_000)
  const long = 'x'.repeat(1000)
  const args = { action: { name: ARGS.action, properties: { wide } }, context: { wide } }
  const text = Array.from(
    { length: 200 },
    (_, i) =>
      `@id("${'p'.repeat(50)}${i}") @hint("${'h'.repeat(500)}") permit (principal, action, resource);`,
  )
  const bundles = Array.from({ length: 64 }, (_, i) =>
    policyOf(text.slice(0, 2).join(''), { bundle: `${'b'.repeat(60)}${i}`, schema: OPEN }),
  )
  const labels = Object.fromEntries(
    Array.from({ length: LABELS_MAX }, (_, i) => [`${long}${i}`, wide]),
  )
  const pol = [['==', '.meshd.env.labels.env', '\u0001\u202e"\\'.repeat(2000)] as Json]
  const cases: Partial<JudgeInput>[] = [
    { request: request(args) },
    { request: request({ ...args, resource: { type: 'repo', id: '"\\'.repeat(500) } }) },
    { presented: presented({ pol }) },
    { governance: governance({ policies: [policyOf(text.join('\n'), { schema: OPEN })] }) },
    { governance: governance({ policies: bundles }) },
    { facts: facts(labels) },
    { request: new Malformed('"\\\u0001\ud800'.repeat(5000)) },
    { caller: { ...CALLER, socket: '/"'.repeat(54) } },
  ]
  for (const over of cases) leaf(over, { gateway: '"'.repeat(5000) })
  const worst = { ...cases[1], ...cases[2], ...cases[4], ...cases[5], ...cases[7] }
  const judgement = judge(input(worst))
  const coverage = { ...judgement.coverage, inherited: MOST_INHERITED }
  const all = leaf(worst, { gateway: '"'.repeat(5000), judgement: { ...judgement, coverage } })
  assert.deepEqual(all.ancestors, MOST_INHERITED.ancestors)
  assert.equal(openValue(all.request?.args)?.value, undefined)
  assert.equal(openValue(all.facts)?.value, undefined)
  assert.equal(all.policies.length, 32)
})

test('what is observed stands beside the effect', () => {
  const policy = new CedarEngine()
  policy.load([GRANTED], [policyOf(FORBID, { bundle: 'agents', version: 8, schema: OPEN })])
  const record = leaf({ policy })
  assert.equal(record.effect, 'allow')
  assert.deepEqual(record.observed, {
    decision: 'deny',
    code: 'POLICY_FORBID',
    policies: [{ bundle: 'agents', version: 8, policy: 'forbid' }],
  })
  assert.equal(leaf().observed, null)
})

test('whatever of a request is accepted can be recorded, however deep it is', () => {
  const deep = (levels: number): Json => (levels === 0 ? 1 : [deep(levels - 1)])
  let accepted = 0
  for (let levels = 0; levels < 40; levels += 1)
    for (const [properties, context] of [
      [{ a: deep(levels) }, {}],
      [{}, { a: deep(levels) }],
    ]) {
      const resource = { type: 'repo', id: 'acme/docs', properties: context }
      const body = { resource, action: { name: 'tool:read', properties }, context } as Json
      let asked: JudgeInput
      try {
        asked = input({ request: readRequest(body) })
      } catch (error) {
        assert.ok(error instanceof Malformed)
        continue
      }
      const judgement = judge(asked)
      const rest = { supersedes: null, unrecorded: 0, gateway: null, durationUs: 1 }
      formatJson(decisionDraft({ input: asked, judgement, denial: judgement.denial, ...rest }))
      accepted += 1
    }
  assert.ok(accepted > 40)
})
