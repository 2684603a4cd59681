/** From a question to its answer and its record, through the real door. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ARGS, atlas } from '../../scripts/vectors/tokens.ts'
import { decisionView } from '../../src/api/decision-view.ts'
import { parseArtifact } from '../../src/core/artifact.ts'
import { openValue } from '../../src/core/commitment.ts'
import { Malformed } from '../../src/core/malformed.ts'
import { MeshError } from '../../src/core/problems.ts'
import { REASONS } from '../../src/core/reasons.ts'
import type { Question } from '../../src/daemon/decider.ts'
import { Decisions } from '../../src/daemon/decisions.ts'
import { row } from '../lab/row.ts'
import { BOB_UID, CAROL_UID, caller, governed, granted, type World, world } from './deciding.ts'
import { LOST, request } from './judgements.ts'

function question(of: World, over: Partial<Question> = {}): Question {
  return {
    request: request(),
    caller: caller(of, BOB_UID),
    artifact: null,
    receivedMs: of.clock.monotonicMs(),
    opens: false,
    gateway: null,
    ...over,
  }
}

async function holding(of: World, name = 'bob', fields = {}): Promise<string> {
  const artifact = parseArtifact(granted(of, name, fields))
  await of.wallet.hold(name, artifact)
  return artifact.cid
}

async function ask(of: World, over: Partial<Question> = {}) {
  return decisionView(await of.decider.decide(question(of, over)), of.node)
}

test('an allow names its record, its end and all twelve checks', async () => {
  const of = await world()
  const artifact = await holding(of)
  const view = await ask(of)
  assert.equal(view.decision, true)
  assert.equal(view.code, null)
  assert.equal(view.artifact, artifact)
  assert.equal(view.principalName, 'bob')
  assert.equal(view.leaseRemainingMs, 42_000)
  assert.equal(Date.parse(view.leaseUntil ?? ''), of.clock.wallMs() + 42_000)
  assert.deepEqual(view.record, { log: 'prod/atlas/1', index: 0 })
  assert.deepEqual(
    view.checks.map(({ n, ok }) => `${n} ${ok}`),
    REASON_ROWS,
  )
  const [leaf] = of.log.decisions()
  assert.equal(leaf?.effect, 'allow')
  assert.equal(openValue(leaf?.caller)?.uid, BOB_UID)
  assert.equal(leaf?.artifact, artifact)
})

const REASON_ROWS = Array.from({ length: 12 }, (_, i) => `${i + 1} true`)

test('an allow ends with its artifact when that is sooner than the lease', async () => {
  const of = await world()
  await holding(of, 'bob', { exp: Math.floor(of.clock.wallMs() / 1000) + 5 })
  assert.equal((await ask(of)).leaseRemainingMs, 5_000)
})

test('nothing held: the deny says what would mend it', async () => {
  const of = await world()
  const view = await ask(of)
  assert.equal(view.code, 'AUTHORIZATION_MISSING')
  assert.equal(view.leaseUntil, null)
  assert.match(
    view.mend.join('\n'),
    /artifact issue --to bob --action tool:read --resource repo:acme\/docs --hold/,
  )
})

test('the true reason shows of what is held: revoked, expired, too narrow', async () => {
  const of = await world()
  const cid = await holding(of)
  of.governance = governed({ revoked: [{ kind: 'link', cid }] })
  assert.equal((await ask(of)).code, 'REVOKED')
  of.governance = governed()
  const resource = { type: 'repo', id: 'other/x' }
  const narrow = await world()
  await holding(narrow, 'bob', { pol: [['==', '.resource.id', 'acme/docs']] })
  assert.equal((await ask(narrow, { request: request({ resource }) })).code, 'SCOPE_EXCEEDED')
  const old = await world()
  await holding(old, 'bob', { exp: Math.floor(old.clock.wallMs() / 1000) + 5 })
  await old.clock.advance(6_000)
  assert.equal((await ask(old)).code, 'EXPIRED')
})

test('S2, 143: governance, lease and clock are read anew after the record is durable', async (t) => {
  const changes: readonly (readonly [string, (of: World, cid: string) => void | Promise<void>])[] =
    [
      [
        'REVOKED',
        (of, cid) => {
          of.governance = governed({ revoked: [{ kind: 'link', cid }] })
        },
      ],
      [
        'FROZEN',
        (of) => {
          of.governance = governed({ frozen: [{ kind: 'mesh' }] })
        },
      ],
      [
        'NODE_SUSPENDED',
        (of) => {
          of.governance = governed({ frozen: [{ kind: 'node', did: atlas.did }] })
        },
      ],
      [
        'GOVERNANCE_MISMATCH',
        (of) => {
          of.governance = governed({ members: [] })
        },
      ],
      [
        'GOVERNANCE_STALE',
        (of) => {
          of.lease = LOST
        },
      ],
      [
        'CLOCK_UNTRUSTED',
        (of) => {
          of.lease = { ...of.lease, clockTrusted: false }
        },
      ],
      [
        'EXPIRED',
        (of) => {
          of.clock.stepWall(3_600_001)
        },
      ],
    ]
  for (const [code, change] of changes) {
    const of = await world()
    const cid = await holding(of)
    of.log.state = 'hangs'
    const asked = ask(of)
    await of.clock.settle()
    await change(of, cid)
    of.log.release('works')
    assert.equal((await asked).code, code)
    assert.deepEqual(
      of.log.decisions().map(({ effect }) => effect),
      ['allow', 'deny'],
    )
    assert.equal(of.log.decisions()[1]?.code, code)
  }
  row(t, 143, `${changes.length} changes while the disk was busy, through the door: 0 allows`)
})

test('S13: of a hundred concurrent uses of one single-use artifact one is allowed, and none after a restart', async (t) => {
  const of = await world()
  const pol = [['==', '.meshd.node.id', atlas.did]]
  await holding(of, 'bob', { meta: { once: true }, pol })
  of.log.state = 'hangs'
  const all = Array.from({ length: 100 }, () => ask(of))
  await of.clock.settle()
  of.log.release('works')
  const codes = (await Promise.all(all)).map(({ code }) => code)
  assert.equal(codes.filter((code) => code === null).length, 1)
  assert.equal(codes.filter((code) => code === 'REPLAYED').length, 99)
  assert.equal(of.log.decisions().filter(({ effect }) => effect === 'allow').length, 1)
  row(t, 89, '1 allow of 100 concurrent uses')
})

test('89: an invocation that was used once is REPLAYED the second time', async () => {
  const of = await world()
  await holding(of)
  const presented = await of.decider.decide(question(of))
  assert.equal(presented.denial, null)
  const used = presented.judgement?.invocation ?? ''
  assert.equal(of.nonces.seen(used), true)
})

test('an execution can be revoked by the id of its own record', async () => {
  const of = await world()
  await holding(of)
  const view = await ask(of, { opens: true })
  assert.equal(of.executions.count, 1)
  const record = view.id as `sha256:${string}`
  of.governance = governed({ revoked: [{ kind: 'execution', record }] })
  of.executions.recheck()
  assert.equal(of.executions.get(record).stop?.code, 'REVOKED')
})

test('142: what is held for one caller serves nobody else', async () => {
  const of = await world()
  await holding(of, 'bob')
  for (const uid of [CAROL_UID, 5]) {
    assert.equal((await ask(of, { caller: caller(of, uid) })).code, 'AUTHORIZATION_MISSING')
  }
})

test('90: an artifact bound to facts that are not these, or not measured, is RUNTIME_MISMATCH', async () => {
  for (const [key, value] of [
    ['uid', 7],
    ['gid', 7],
    ['socket', '/run/other.sock'],
    ['unit', 'planner.service'],
    ['exe', '0'.repeat(64)],
    ['container', 'x'],
  ] as const) {
    const of = await world()
    await holding(of, 'bob', { pol: [['==', `.meshd.runtime.${key}`, value]] })
    assert.equal((await ask(of)).code, 'RUNTIME_MISMATCH', key)
  }
  const of = await world()
  await holding(of, 'bob', { pol: [['==', '.meshd.runtime.uid', BOB_UID]] })
  assert.equal((await ask(of)).decision, true)
})

test('a caller that nobody identified sees the code alone, and is denied what needs a key', async () => {
  const of = await world()
  await holding(of)
  const view = await ask(of, { caller: caller(of, null) })
  assert.equal(view.code, 'AUTHORIZATION_MISSING')
  assert.equal(view.detail, REASONS.AUTHORIZATION_MISSING.says)
  const { checks, mend, policies, artifact, principal, record } = view
  assert.deepEqual(
    { checks, mend, policies, artifact, principal, record },
    {
      checks: [],
      mend: [],
      policies: [],
      artifact: null,
      principal: null,
      record: null,
    },
  )
})

test('S10: a malformed request is denied and recorded, with no word of what is held', async () => {
  const of = await world()
  await holding(of)
  const view = await ask(of, { request: new Malformed('the action is missing') })
  assert.equal(view.code, 'REQUEST_MALFORMED')
  assert.equal(view.artifact, null)
  assert.equal(of.log.decisions()[0]?.code, 'REQUEST_MALFORMED')
})

test('explain judges as a decision would, and leaves nothing behind', async () => {
  const of = await world()
  await holding(of)
  const view = decisionView(await of.decider.explain(question(of, { opens: true })), of.node)
  assert.equal(view.decision, true)
  assert.equal(view.id, null)
  assert.equal(view.leaseUntil, null, 'it is not usable')
  assert.equal(view.checks.at(-1)?.ok, null)
  assert.equal(of.log.size(), 0)
  assert.equal(of.executions.count, 0)
  assert.equal(of.log.shelf.spaces.get('nonce'), undefined)
  of.log.why = 'sealed'
  const sealed = decisionView(await of.decider.explain(question(of)), of.node)
  assert.equal(sealed.code, 'AUDIT_UNAVAILABLE')
})

test('a denial without a record says so in row 12', async () => {
  const of = await world()
  of.log.state = 'fails'
  const view = await ask(of)
  assert.equal(view.id, null)
  assert.match(view.checks.at(-1)?.detail ?? '', /the next record counts it/)
})

test('decisions are read back by their caller alone; by id, and the latest', async () => {
  const of = await world()
  const decisions = new Decisions(of.log)
  const here = new AbortController().signal
  const first = await ask(of)
  await ask(of, { caller: caller(of, CAROL_UID) })
  const second = await ask(of, {
    request: request({ action: { name: ARGS.action, properties: { n: 2 } } }),
  })
  await ask(of, { caller: caller(of, 5) })
  const [bob, carol] = [caller(of, BOB_UID), caller(of, CAROL_UID)]
  assert.equal((await decisions.last(bob, here)).id, second.id)
  const id = first.id as `sha256:${string}`
  assert.equal((await decisions.find(id, bob)).record.index, 0)
  assert.equal((await decisions.find(id, null)).record.index, 0)
  const notFound = (error: unknown) => error instanceof MeshError && error.code === 'NOT_FOUND'
  await assert.rejects(decisions.find(id, carol), notFound)
  await assert.rejects(decisions.last(caller(of, 6), here), notFound)
  await assert.rejects(decisions.last(caller(of, null), here), notFound)
  assert.equal((await decisions.last(caller(of, 5), here)).record.index, 3)
})

test('a decision is found by its id however old it is, and a search ends with whoever asked for it', async () => {
  const of = await world()
  const first = await ask(of)
  let looks = 0
  const far = 10_000_000
  const log = {
    size: () => far,
    least: () => 0,
    records: async () => {
      looks += 1
      return []
    },
    find: (id: `sha256:${string}`) => of.log.find(id),
    disclosed: async () => new Map(),
  }
  const decisions = new Decisions(log)
  const found = await decisions.find(first.id as `sha256:${string}`, caller(of, BOB_UID))
  assert.equal(found.record.index, 0)
  assert.equal(looks, 0)
  const gone = new AbortController()
  gone.abort()
  await assert.rejects(decisions.last(caller(of, BOB_UID), gone.signal), MeshError)
  assert.equal(looks, 0)
  // Who is not identified owns nothing: nothing is looked through for it.
  await assert.rejects(decisions.last(caller(of, null), new AbortController().signal), MeshError)
  assert.equal(looks, 0)
})
