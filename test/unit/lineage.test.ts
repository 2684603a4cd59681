/** Lineage: all nine conditions hold, or the first that does not is named. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { atlas, borealis, close, link, person } from '../../scripts/vectors/tokens.ts'
import { inheritedFrom } from '../../src/core/ancestry.ts'
import { textOf, utf8 } from '../../src/core/bytes.ts'
import { SALT_BYTES } from '../../src/core/commitment.ts'
import { commitDraft, REDACTABLE } from '../../src/core/disclosure.ts'
import { cidOf, idOf } from '../../src/core/id.ts'
import { recordLink } from '../../src/core/ipld.ts'
import { formatJson, type JsonObject } from '../../src/core/json.ts'
import { judge } from '../../src/core/judge.ts'
import type { JudgeInput } from '../../src/core/judgement.ts'
import { LINEAGE_DEPTH_MAX, LINEAGE_LINKS_MAX } from '../../src/core/limits.ts'
import { CONDITIONS, type Condition, checkReceipt } from '../../src/core/lineage.ts'
import { recheck } from '../../src/core/recheck.ts'
import { parseRecord } from '../../src/core/record.ts'
import { row } from '../lab/row.ts'
import {
  type Birth,
  birth,
  descendant,
  familyGovernance,
  type Proof,
  receiptOf,
  WITNESSES,
} from './families.ts'
import { ALICE, BOB, HELD, NOW_MS, presentedOf, ROOT, request, why } from './judgements.ts'

const PARENT = birth()
const ID = idOf(PARENT)
const PARENT_LINK = cidOf(link(0))

/** What check 6 says. */
function sixth(input: JudgeInput): string {
  const row = judge(input).checks[5]
  return `${row?.code ?? 'passed'} ${row?.detail}`
}

function asked(of: Birth = {}, proof: Proof = {}, over: Partial<JudgeInput> = {}): string {
  const record = birth(of)
  return sixth(descendant(record, receiptOf(record, proof), over))
}

const [FIRST] = WITNESSES
/** Without witnesses: a distrusted one would be missing first. */
const trusting = (fields: Parameters<typeof familyGovernance>[0]) => {
  const lease = { ...ROOT.lease, write: 0 }
  return familyGovernance({ root: { ...ROOT, lease }, ...fields })
}
const ids = (count: number) => Array.from({ length: count }, (_, i) => idOf(utf8(`above ${i}`)))
const nobody = { nodes: [], origins: [], issuers: [], links: [], principals: [] }

test('a child of a proven parent is allowed, and its record holds what it descends from', () => {
  const judgement = judge(descendant(PARENT, receiptOf(PARENT)))
  assert.equal(judgement.denial, null, why(judgement))
  const chain = 'alice → bob → '
  assert.ok(judgement.checks[5]?.detail.includes(chain))
  assert.match(
    judgement.checks[5]?.detail ?? '',
    /^cause dec_\w{8} of borealis, cosigned by borealis, atlas; alice/,
  )
  const { inherited } = judgement.coverage
  assert.deepEqual(inherited.ancestors, [ID])
  assert.deepEqual(inherited.nodes, [borealis.did])
  assert.deepEqual(inherited.origins, [ALICE])
  assert.deepEqual(inherited.issuers, [ALICE])
  assert.deepEqual(inherited.principals, [ALICE, BOB])
})

test('a parent whose record only commits to what was asked proves as well as any other', () => {
  const leaf = JSON.parse(textOf(PARENT)) as JsonObject
  const { draft } = commitDraft(leaf, REDACTABLE, () => Buffer.alloc(SALT_BYTES, 1))
  const committed = utf8(formatJson(draft))
  const judgement = judge(descendant(committed, receiptOf(committed)))
  assert.equal(judgement.denial, null, why(judgement))
  assert.deepEqual(judgement.coverage.inherited.principals, [ALICE, BOB])
})

const alone = [link(0)]
const DENIED: Readonly<Record<Condition, readonly (() => string)[]>> = {
  receipt: [
    () => sixth(descendant(PARENT, null)),
    () => sixth({ ...descendant(PARENT, null), parent: null }),
    () => sixth(descendant(PARENT, utf8('a receipt'))),
    () => sixth(descendant(PARENT, receiptOf(birth({ index: 3 })))),
    () => sixth(descendant(PARENT, receiptOf(PARENT).subarray(1))),
    // A cause that only the header names, or another one than was signed.
    () =>
      sixth({
        ...descendant(PARENT, receiptOf(PARENT)),
        presented: presentedOf(alone, close(alone)),
      }),
    () =>
      sixth({
        ...descendant(PARENT, receiptOf(PARENT)),
        request: request({}, idOf(utf8('another'))),
      }),
  ],
  log: [
    () => asked({}, { log: person(5) }),
    () => asked({ leaf: { epoch: 2 } }),
    () => asked({ leaf: { node: atlas.did } }),
    () => asked({}, {}, { governance: familyGovernance({ members: [atlas.did] }) }),
  ],
  inclusion: [
    () => asked({}, { index: 3 }),
    () => asked({ index: 4 }),
    () => sixth(descendant(PARENT, changed(receiptOf(PARENT), 'index 2\n', 'index 3\n'))),
  ],
  witnesses: [
    () => asked({}, { by: [] }),
    () => asked({}, { by: WITNESSES.slice(1) }),
    // Twice the same, a stranger, and the log's own key are no second witness.
    () => asked({}, { by: [...WITNESSES.slice(1), ...WITNESSES.slice(1)] }),
    () => asked({}, { by: FIRST === undefined ? [] : [FIRST, { ...FIRST, key: person(4) }] }),
    () => asked({}, { by: FIRST === undefined ? [] : [FIRST, { ...FIRST, key: person(7) }] }),
  ],
  allow: [
    () => asked({ presented: { kind: 'missing', detail: 'none' } }),
    () => {
      const system = utf8(
        `{"detail":"x","epoch":1,"event":"started","index":2,"node":"${borealis.did}","time":"2025-12-31T23:59:55.000Z","type":"system"}`,
      )
      return sixth(descendant(system, receiptOf(system)))
    },
  ],
  evidence: [
    ...[
      { distrusted: [borealis.did] },
      { lifted: [borealis.did] },
      { distrusted: [ALICE] },
      { distrusted: [BOB] },
    ].map((fields) => () => asked({}, { by: [] }, { governance: trusting(fields) })),
    () =>
      asked(
        { leaf: { ancestors: ids(1), inherited: { ...nobody, nodes: [atlas.did] } } },
        { by: [] },
        { governance: trusting({ distrusted: [atlas.did] }) },
      ),
  ],
  standing: [
    ...[
      { revoked: [{ kind: 'execution', record: ID } as const] },
      { revoked: [{ kind: 'principal', did: BOB } as const] },
      { revoked: [{ kind: 'issuer', did: ALICE } as const] },
      { revoked: [{ kind: 'node', did: borealis.did } as const] },
      { revoked: [{ kind: 'link', cid: PARENT_LINK } as const] },
      { frozen: [{ kind: 'node', did: borealis.did } as const] },
      { frozen: [{ kind: 'principal', did: BOB } as const] },
    ].map((fields) => () => asked({}, {}, { governance: familyGovernance(fields) })),
  ],
  holder: [
    // alice gave to carol herself: nothing that bob ran is a cause of it.
    () => {
      const links = [link(0, { aud: person(2).did })]
      const cause = recordLink(ID)
      const presented = presentedOf(links, close(links, { cause, iss: person(2).did }, person(2)))
      return sixth({ ...descendant(PARENT, receiptOf(PARENT)), presented })
    },
  ],
  bounds: [
    () => asked({ leaf: { ancestors: ids(LINEAGE_DEPTH_MAX), inherited: nobody } }),
    () => asked({ leaf: { ancestors: [...ids(2), ...ids(1)], inherited: nobody } }),
    () => {
      const links = Array.from({ length: LINEAGE_LINKS_MAX }, (_, i) => cidOf(utf8(`${i}`)))
      return asked({ leaf: { ancestors: ids(1), inherited: { ...nobody, links } } })
    },
    () => asked({ timeMs: NOW_MS + ROOT.lease.skewMs + 1 }),
    () => asked({ timeMs: NOW_MS - ROOT.limits.artifactTtlMs - 1 }),
  ],
}

for (const condition of CONDITIONS) {
  test(`without \`${condition}\` nothing descends, and the reason names it`, () => {
    const cases = DENIED[condition]
    assert.ok(cases.length > 0)
    for (const [i, each] of cases.entries()) {
      const said = each()
      assert.match(
        said,
        new RegExp(`^LINEAGE_BROKEN cause dec_\\w{8}: ${condition}: `),
        `${i}: ${said}`,
      )
    }
  })
}

test('what is just within the bounds is allowed', () => {
  for (const each of [
    () => asked({ leaf: { ancestors: ids(LINEAGE_DEPTH_MAX - 1), inherited: nobody } }),
    () => asked({ timeMs: NOW_MS + ROOT.lease.skewMs }),
    () => asked({ timeMs: NOW_MS - ROOT.limits.artifactTtlMs }),
    () => asked({}, { size: 3 }),
    // Who ran the parent may go on himself.
    () => {
      const presented = presentedOf(alone, close(alone, { cause: recordLink(ID) }))
      return sixth({ ...descendant(PARENT, receiptOf(PARENT)), presented })
    },
  ])
    assert.match(each(), /^passed cause/)
})

test('any changed bit of a receipt is no proof', (t) => {
  const receipt = receiptOf(PARENT)
  const bits = fc.record({ at: fc.nat(receipt.length - 1), bit: fc.nat(7) })
  fc.assert(
    fc.property(bits, ({ at, bit }) => {
      const bytes = receipt.slice()
      bytes[at] = (bytes[at] ?? 0) ^ (1 << bit)
      assert.ok('condition' in checkReceipt(ID, bytes, familyGovernance()))
    }),
    { numRuns: 300 },
  )
  row(t, 139, '0 allows')
})

test('whatever ends an ancestor ends a running descendant, however far below', (t) => {
  const middle = birth({
    cause: ID,
    parent: { kind: 'receipt', receipt: receiptOf(PARENT) },
    index: 3,
  })
  const record = parseRecord(middle)
  assert.ok(record.type === 'decision' && record.effect === 'allow', record.type)
  assert.deepEqual(record.ancestors, [ID])
  const judgement = judge(descendant(middle, receiptOf(middle, { index: 3 })))
  assert.equal(judgement.denial, null, why(judgement))
  const { inherited } = judgement.coverage
  assert.deepEqual(inherited, inheritedFrom(idOf(middle), record))
  assert.deepEqual(inherited.ancestors, [idOf(middle), ID])
  const stops = (fields: Parameters<typeof familyGovernance>[0]) =>
    recheck(judgement, {
      governance: familyGovernance(fields),
      lease: HELD,
      leaseWithin: () => HELD,
      nowMs: NOW_MS,
      monotonicMs: 0,
      execution: null,
    })?.code ?? null
  assert.equal(stops({}), null)
  assert.equal(stops({ revoked: [{ kind: 'execution', record: ID }] }), 'REVOKED')
  assert.equal(stops({ revoked: [{ kind: 'execution', record: idOf(middle) }] }), 'REVOKED')
  assert.equal(stops({ revoked: [{ kind: 'node', did: borealis.did }] }), 'REVOKED')
  assert.equal(stops({ frozen: [{ kind: 'node', did: borealis.did }] }), 'FROZEN')
  assert.equal(stops({ distrusted: [borealis.did] }), 'NODE_SUSPENDED')
  row(t, 140, '0 descendants left')
})

function changed(receipt: Uint8Array, from: string, to: string): Uint8Array {
  const text = textOf(receipt)
  assert.ok(text.includes(from))
  return utf8(text.replace(from, to))
}
