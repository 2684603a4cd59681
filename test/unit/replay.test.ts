import assert from 'node:assert/strict'
import { test } from 'node:test'
import { utf8 } from '../../src/core/bytes.ts'
import { signInvocation } from '../../src/core/closing.ts'
import { SALT_BYTES } from '../../src/core/commitment.ts'
import { decisionDraft } from '../../src/core/decision-record.ts'
import { parseDelegation, signDelegation } from '../../src/core/delegation.ts'
import { commitDraft, REDACTABLE, type Redactable, redact } from '../../src/core/disclosure.ts'
import { disclosureName, statementName, tokenName } from '../../src/core/evidence-bundle.ts'
import { exhibitOf, readExhibit } from '../../src/core/exhibit.ts'
import { type Facts, factsOf, meshdOf, NO_PROCESS } from '../../src/core/facts.ts'
import { compileGrant } from '../../src/core/grant.ts'
import { parseInvocation } from '../../src/core/invocation.ts'
import { formatJson, type Json, type JsonObject } from '../../src/core/json.ts'
import { judge } from '../../src/core/judge.ts'
import type { JudgeInput } from '../../src/core/judgement.ts'
import type { Caller } from '../../src/core/presented.ts'
import { formatRecord, type LogRecord } from '../../src/core/record.ts'
import { readRequest } from '../../src/core/request.ts'
import { formatTime } from '../../src/core/shape.ts'
import { type Stop, under } from '../../src/core/stops.ts'
import { verifyBundle } from '../../src/core/verify/evidence-bundle.ts'
import { type Replay, replay } from '../../src/core/verify/replay.ts'
import { CedarEngine } from '../../src/daemon/cedar-engine.ts'
import { bundleOf, filesOf, MEMBERS, world } from './evidence.ts'
import { NOTHING_MEASURED } from './judgements.ts'
import { ana, atlas, foldOf, keyOf, type Made, NOW_MS } from './statements.ts'

const planner = keyOf('planner')
const POLICY = world.policy()
const REVOKED = world.revocation()
const BEFORE = [world.first, ...MEMBERS, POLICY]
const NOW_S = NOW_MS / 1000

const LINK = parseDelegation(
  signDelegation(
    {
      ...compileGrant(
        {
          ...{ actions: ['tool:read'], resource: 'repo:*', subject: null, bind: new Map() },
          ...{ node: null, env: new Map(), require: [], depth: null, once: false, gov: null },
          by: null,
        },
        [],
      ),
      ...{
        aud: planner.did,
        sub: ana.did,
        nonce: new Uint8Array(16),
        expS: NOW_S + 600,
        nbfS: null,
      },
    },
    ana,
  ),
)

const CALLER: Caller = {
  ...{ principal: planner.did, name: 'planner', uid: 1001, gid: 1001, pid: 7 },
  ...{ socket: '/run/meshd/meshd.sock', asserts: [], identified: true },
}

/** One decision as the daemon makes it: its leaf, and what is kept beside it. */
function decided(
  index: number,
  resource: string,
  known: readonly Made[],
  arriving: readonly Stop[] = [],
) {
  const held = foldOf(world.mesh, known).governance
  const governance = arriving.length === 0 ? held : under(held, arriving)
  const nowMs = NOW_MS + index
  const asked = { action: { name: 'tool:read' }, resource: { type: 'repo', id: resource } }
  const signed = { action: 'tool:read', resource: asked.resource, subject: null, args: {} }
  const invocation = parseInvocation(
    signInvocation(
      {
        ...{ aud: atlas.identity.did, sub: ana.did, prf: [LINK.cid], asked: signed },
        ...{
          nonce: new Uint8Array(16).fill(index),
          expS: NOW_S + 60,
          iatS: null,
          cause: null,
          meta: {},
        },
      },
      planner,
    ),
  )
  const policy = new CedarEngine()
  policy.load([POLICY.statement], [])
  const lease = {
    ...{ held: true, witnesses: [atlas.identity.did], need: 1, of: 2, untilMs: 9_000 },
    ...{ clockOffsetMs: 3, clockTrusted: true, why: null },
  }
  const facts: Facts = {
    node: { id: atlas.identity.did, name: 'atlas', labels: new Map([['site', 'a']]) },
    runtime: {
      ...{ uid: 1001, gid: 1001, pid: 7, socket: '/run/meshd/meshd.sock' },
      ...NO_PROCESS,
      attested: new Map(),
    },
    env: NOTHING_MEASURED,
    gov: {
      mesh: world.mesh,
      root: 1,
      digest: governance.digest,
      bundles: new Map([['agents', 1]]),
    },
  }
  const input: Omit<JudgeInput, 'seen'> = {
    request: readRequest(asked as Json),
    presented: { kind: 'artifact', links: [LINK], invocation, source: 'held' },
    ...{ parent: null, caller: CALLER, governance, facts, lease, leaseWithin: () => lease },
    ...{ nowMs, monotonicMs: 0, policy, nameOf: () => null },
  }
  const judgement = judge({ ...input, seen: () => false })
  const draft = decisionDraft({
    ...{ input, judgement, denial: judgement.denial, supersedes: null, unrecorded: 0 },
    ...{ gateway: null, durationUs: 400 },
  })
  const head = { index, epoch: 1, node: atlas.identity.did, time: formatTime(nowMs) }
  const exhibit = exhibitOf(input, judgement)
  return { leaf: utf8(formatJson({ ...draft, ...head })), exhibit, judgement }
}

function learned(index: number, { id, statement }: Made): Uint8Array {
  return formatRecord({
    ...{ type: 'statement', statement: id, kind: statement.type, state: 'effective', from: null },
    ...{ changed: [], digest: '0'.repeat(64), summary: 'x' },
    ...{ index, epoch: 1, node: atlas.identity.did, time: NOW_MS + index },
  } as LogRecord<'statement'>)
}

const ALLOW = decided(4, 'acme', BEFORE)
const DENY = decided(5, 'acme', [...BEFORE, REVOKED])
/** The revoked one comes before the record of its revocation: the disk's order, not that of events. */
const LOG = [
  ...BEFORE.map((made, i) => learned(i, made)),
  ALLOW.leaf,
  DENY.leaf,
  learned(6, REVOKED),
]

/** The same denial while its revocation was on its way to the disk. */
const EARLY = decided(5, 'acme', BEFORE, [REVOKED.statement])

function replayed(
  records: readonly Uint8Array[],
  change = (_: Map<string, Uint8Array>) => {},
): Replay {
  const files = filesOf(
    bundleOf(records, {
      change: (all) => {
        for (const { id, bytes } of [POLICY, REVOKED]) all.set(statementName(id), bytes)
        for (const { exhibit } of [ALLOW, DENY])
          for (const [cid, bytes] of readExhibit(exhibit ?? new Uint8Array()))
            all.set(tokenName(cid), bytes)
        change(all)
      },
    }),
  )
  return replay(files, verifyBundle(files, [world.first.bytes]), new CedarEngine())
}

/** The same leaf with other fields. */
function changed(leaf: Uint8Array, fields: (old: Record<string, Json>) => Record<string, Json>) {
  const old = JSON.parse(Buffer.from(leaf).toString()) as Record<string, Json>
  return utf8(formatJson({ ...old, ...fields(old) }))
}

test('an allow and a deny are judged again to the same, by what the bundle holds', () => {
  assert.equal(ALLOW.judgement.denial, null)
  assert.equal(DENY.judgement.denial?.code, 'REVOKED')
  const { judged, same, differing, notJudged } = replayed(LOG)
  assert.deepEqual([judged, same, differing, [...notJudged]], [2, 2, [], []])
})

test('what a revocation stopped on its way to the disk is judged again to the same: its record names it', () => {
  assert.equal(EARLY.judgement.denial?.code, 'REVOKED')
  const log = LOG.with(5, EARLY.leaf)
  const { judged, same, differing } = replayed(log)
  assert.deepEqual([judged, same, differing], [2, 2, []])
  const { notJudged } = replayed(log, (files) => files.delete(statementName(REVOKED.id)))
  assert.deepEqual(Object.fromEntries(notJudged), { governance: 1 })
  const unnamed = changed(EARLY.leaf, ({ governance }) => {
    const { arriving: _, ...rest } = governance as JsonObject
    return { governance: rest }
  })
  assert.match(
    replayed(LOG.with(5, unnamed)).differing[0]?.detail ?? '',
    /check 11: recorded REVOKED, now passed/,
  )
})

test('a decision is judged again at the time at which it was judged, whenever it was written', () => {
  const written = (timeMs: number) => changed(ALLOW.leaf, () => ({ time: formatTime(timeMs) }))
  // It waited for the disk, or the clock was set: expired by then, or not yet issued.
  for (const timeMs of [NOW_MS + 86_400_000, NOW_MS - 86_400_000]) {
    const { judged, same, differing } = replayed(LOG.with(4, written(timeMs)))
    assert.deepEqual([judged, same, differing], [2, 2, []])
  }
  const { judged: _, ...undated } = JSON.parse(Buffer.from(written(NOW_MS + 86_400_000)).toString())
  assert.match(
    replayed(LOG.with(4, utf8(formatJson(undated)))).differing[0]?.detail ?? '',
    /check 3: recorded passed, now EXPIRED/,
  )
})

test('a decision that was recorded otherwise than it is judged is told', () => {
  const lies: [leaf: Uint8Array, says: RegExp][] = [
    [
      changed(DENY.leaf, () => ({ effect: 'allow', code: null, detail: null })),
      /recorded ALLOW, now REVOKED/,
    ],
    [changed(ALLOW.leaf, () => ({ policies: [] })), /decided by none, now by agents@1 permit/],
    [
      changed(DENY.leaf, ({ checks }) => ({
        checks: (checks as Json[]).map((row) => ({
          ...(row as object),
          ok: true,
          code: null,
        })) as Json,
      })),
      /check 11: recorded passed, now REVOKED/,
    ],
    [
      changed(ALLOW.leaf, ({ request }) => ({
        request: { ...(request as object), action: 'tool:write' } as Json,
      })),
      /the request is not the one whose digest is recorded/,
    ],
    [
      changed(ALLOW.leaf, ({ lease }) => ({
        lease: { ...(lease as object), held: false } as Json,
      })),
      /check 8: recorded passed, now GOVERNANCE_STALE/,
    ],
  ]
  for (const [leaf, says] of lies) {
    const { judged, same, differing } = replayed(
      LOG.map((each) => (each === ALLOW.leaf || each === DENY.leaf ? swap(each, leaf) : each)),
    )
    assert.deepEqual([judged, same], [2, 1], String(says))
    assert.match(differing[0]?.detail ?? '', says)
  }
})

/** Where that leaf stands. */
function swap(old: Uint8Array, leaf: Uint8Array): Uint8Array {
  const index = (bytes: Uint8Array) => JSON.parse(Buffer.from(bytes).toString()).index as number
  return index(old) === index(leaf) ? leaf : old
}

test('a lease that had less than a millisecond left was held', () => {
  const last = changed(ALLOW.leaf, ({ lease }) => ({
    lease: { ...(lease as object), remainingMs: 0 } as Json,
  }))
  assert.equal(replayed(LOG.with(4, last)).same, 2)
})

test('what cannot be judged again is counted by its reason, and is not the same', () => {
  const reasons = (replay: Replay) => Object.fromEntries(replay.notJudged)
  const without = (name: string) => (files: Map<string, Uint8Array>) => void files.delete(name)
  assert.deepEqual(reasons(replayed(LOG, without(tokenName(LINK.cid)))), { tokens: 2 })
  assert.deepEqual(reasons(replayed(LOG, without(statementName(POLICY.id)))), { governance: 2 })
  assert.deepEqual(reasons(replayed(LOG, without(statementName(REVOKED.id)))), { governance: 1 })
  const withheld = changed(ALLOW.leaf, ({ facts }) => ({
    facts: { digest: (facts as { digest: string }).digest },
  }))
  const malformed = changed(ALLOW.leaf, () => ({ request: null }))
  const unverified = changed(ALLOW.leaf, () => ({ links: [] }))
  const at4 = (leaf: Uint8Array) => LOG.with(4, leaf)
  assert.deepEqual(reasons(replayed(at4(withheld))), { values: 1 })
  assert.deepEqual(reasons(replayed(at4(malformed))), { request: 1 })
  assert.deepEqual(reasons(replayed(at4(unverified))), { artifact: 1 })
})

/** The allow with commitments in it, and what opens them. */
function committing(fields: readonly Redactable[]) {
  const leaf = JSON.parse(Buffer.from(ALLOW.leaf).toString()) as JsonObject
  let salts = 0
  const { draft, disclosure } = commitDraft(leaf, fields, () => {
    salts += 1
    return Buffer.alloc(SALT_BYTES, salts)
  })
  return { log: LOG.with(4, utf8(formatJson(draft))), disclosure: disclosure ?? utf8('') }
}

test('what is only committed to is judged again when it is disclosed, and otherwise never called the same', () => {
  const { log, disclosure } = committing(REDACTABLE)
  const open = (files: Map<string, Uint8Array>) => void files.set(disclosureName(4), disclosure)
  const disclosed = replayed(log, open)
  assert.deepEqual([disclosed.judged, disclosed.same, [...disclosed.notJudged]], [2, 2, []])
  const { judged, same, notJudged } = replayed(log)
  assert.deepEqual([judged, same, [...notJudged]], [1, 1, [['redacted', 1]]])
  for (const field of REDACTABLE)
    assert.deepEqual([...replayed(committing([field]).log).notJudged], [['redacted', 1]], field)
})

test('each value that is disclosed is checked, and the others are counted', () => {
  const { log, disclosure } = committing(['args', 'caller'])
  const verified = (change: (files: Map<string, Uint8Array>) => void) =>
    verifyBundle(filesOf(bundleOf(log, { change })), [world.first.bytes]).records
  const open = (bytes: Uint8Array, index = 4) =>
    verified((files) => void files.set(disclosureName(index), bytes))
  const counts = ({ disclosed, redacted }: ReturnType<typeof verified>) => [disclosed, redacted]
  assert.deepEqual(counts(open(disclosure)), [5, 0])
  assert.deepEqual(counts(verified(() => {})), [0, 5])
  const { disclosure: left } = redact(
    JSON.parse(Buffer.from(log[4] ?? []).toString()),
    disclosure,
    ['args'],
  )
  assert.deepEqual(counts(open(left ?? utf8(''))), [2, 3])
  const changed = disclosure.slice()
  changed[40] = (changed[40] ?? 0) ^ 1
  assert.throws(() => open(changed), /disclosures\/4: /)
  assert.throws(() => open(disclosure, 5), /commits to nothing/)
  assert.throws(() => open(disclosure, 99), /discloses no record/)
})

test('facts are read as they were recorded, and nothing else is taken for facts', () => {
  const facts: Facts = {
    node: { id: atlas.identity.did, name: null, labels: new Map([['site', 'a']]) },
    runtime: {
      ...{ uid: 0, gid: 0, pid: null, socket: null },
      ...{ exe: 'ab', path: '/a b', unit: 'a.service', container: null, started: 12 },
      attested: new Map([['build', 'https://slsa.dev/provenance/v1']]),
    },
    env: {
      labels: new Map([['env', 'prod']]),
      files: new Map([['/etc/x', 'cd']]),
      host: { kernel: '6.12', boot: null, lockdown: 'integrity', secureBoot: false, image: null },
      collected: new Map([['disk', new Map<string, string | number | boolean>([['a', 1]])]]),
    },
    gov: { mesh: null, root: 3, digest: 'ef', bundles: new Map([['agents', 7]]) },
  }
  const meshd = meshdOf(facts)
  assert.deepEqual(factsOf(JSON.parse(formatJson(meshd)) as Json), facts)
  for (const other of [
    null,
    [],
    {},
    { ...meshd, more: 1 },
    { ...meshd, node: {} },
    { ...meshd, gov: 1 },
  ])
    assert.equal(factsOf(other as Json), null)
})
