/** The one door: every way in which the disk, the world and other calls can interleave. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Judgement } from '../../src/core/judgement.ts'
import {
  DECISION_DEADLINE_MS,
  DECISIONS_MAX,
  DENIALS_WAITING_MAX,
  WITNESSED_DEADLINE_MS,
} from '../../src/core/limits.ts'
import type { Denial } from '../../src/core/reasons.ts'
import { Authorizer, type Call } from '../../src/mesh/authorizer.ts'
import { Nonces } from '../../src/mesh/nonces.ts'
import { ALLOWED, door, fails, MISSING, REVOKED, shown, works } from './doorway.ts'

const AFTER_ONE = (n: number) => (n > 1 ? fails() : works())

const CASES: readonly {
  readonly name: string
  readonly judged: Judgement
  readonly late: Denial | null
  readonly lease: number | null
  readonly disk: (n: number) => Promise<void>
  readonly answer: string
  readonly leaves: readonly string[]
  readonly unrecorded: number
}[] = [
  {
    name: 'all is well',
    judged: ALLOWED,
    late: null,
    lease: 1,
    disk: works,
    answer: 'allow',
    leaves: ['allow'],
    unrecorded: 0,
  },
  {
    name: 'the disk is dead',
    judged: ALLOWED,
    late: null,
    lease: 1,
    disk: fails,
    answer: 'AUDIT_UNAVAILABLE',
    leaves: [],
    unrecorded: 1,
  },
  {
    name: 'a check failed',
    judged: MISSING,
    late: null,
    lease: 1,
    disk: works,
    answer: 'AUTHORIZATION_MISSING',
    leaves: ['AUTHORIZATION_MISSING'],
    unrecorded: 0,
  },
  {
    name: 'a check failed and the disk is dead',
    judged: MISSING,
    late: null,
    lease: 1,
    disk: fails,
    answer: 'AUTHORIZATION_MISSING',
    leaves: [],
    unrecorded: 1,
  },
  {
    name: 'it was revoked meanwhile',
    judged: ALLOWED,
    late: REVOKED,
    lease: 1,
    disk: works,
    answer: 'REVOKED',
    leaves: ['allow', 'REVOKED'],
    unrecorded: 0,
  },
  {
    name: 'it was revoked meanwhile and the disk died',
    judged: ALLOWED,
    late: REVOKED,
    lease: 1,
    disk: AFTER_ONE,
    answer: 'REVOKED',
    leaves: ['allow'],
    unrecorded: 1,
  },
  {
    name: 'the lease ended meanwhile',
    judged: ALLOWED,
    late: null,
    lease: null,
    disk: works,
    answer: 'GOVERNANCE_STALE',
    leaves: ['allow', 'GOVERNANCE_STALE'],
    unrecorded: 0,
  },
]

for (const { name, judged, late, lease, disk, answer, leaves, unrecorded } of CASES) {
  for (const opens of [false, true]) {
    test(`${name}${opens ? ', for an execution' : ''}: ${answer}`, async () => {
      const at = await door()
      Object.assign(at, { judged, late, leaseUntilMs: lease, disk })
      const decision = await at.decide(opens)
      assert.equal(shown(decision), answer)
      assert.deepEqual(
        at.leaves.map((leaf) => leaf.effect),
        leaves,
      )
      assert.equal(at.authorizer.unrecorded, unrecorded)
      const last = at.leaves.at(-1)
      assert.equal(last?.supersedes ?? null, leaves.length === 2 ? 'sha256:0' : null)
      const open = at.shelf.spaces.get('execution')?.size ?? 0
      // What was opened on disk and never answered is closed there again, unless the disk took no more.
      assert.equal(
        open,
        opens && (answer === 'allow' || (leaves.length === 1 && answer === 'REVOKED')) ? 1 : 0,
      )
      assert.equal(at.trace.includes('opened sha256:0'), opens && answer === 'allow')
    })
  }
}

test('S1: an allow is durable, looked at again, and answered, in this order', async () => {
  const at = await door()
  await at.decide(true)
  assert.deepEqual(at.trace, ['durable allow', 'recheck', 'opened sha256:0', 'answer allow'])
})

const DEMANDING = { ...ALLOWED, witnessed: true }

test('a policy that demands it: an allow is durable, witnessed, looked at again, and answered', async () => {
  const at = await door()
  at.judged = DEMANDING
  await at.decide(true)
  const order = [
    'durable allow',
    'witnesses sha256:0',
    'recheck',
    'opened sha256:0',
    'answer allow',
  ]
  assert.deepEqual(at.trace, order)
})

test('what too few witnesses vouch for in time is denied, and its record is superseded', async () => {
  const at = await door()
  Object.assign(at, {
    judged: DEMANDING,
    witnesses: (ms: number) => at.clock.sleep(ms).then(() => false),
  })
  const startedMs = at.clock.monotonicMs()
  const decision = await at.clock.until(at.decide(true), DECISION_DEADLINE_MS)
  assert.ok(decision.effect === 'deny' && decision.record !== null)
  assert.equal(shown(decision), 'DEADLINE')
  assert.equal(at.clock.monotonicMs() - startedMs, WITNESSED_DEADLINE_MS)
  assert.deepEqual(
    at.leaves.map(({ effect, supersedes }) => `${effect} ${supersedes}`),
    ['allow null', 'DEADLINE sha256:0'],
  )
  assert.equal(at.shelf.spaces.get('execution')?.size, 0)
})

test('S2: a revocation that arrives while witnesses are waited for denies', async () => {
  const at = await door()
  at.judged = DEMANDING
  at.witnesses = async () => {
    at.late = REVOKED
    return true
  }
  assert.equal(shown(await at.decide()), 'REVOKED')
})

test('no witness is asked for a deny, or for what no policy demands it of', async () => {
  const at = await door()
  at.judged = { ...MISSING, witnessed: true }
  await at.decide()
  at.judged = ALLOWED
  await at.decide()
  assert.equal(
    at.trace.some((each) => each.startsWith('witnesses')),
    false,
  )
})

test('S2: a revocation that arrives at any moment before the second look denies', async () => {
  const at = await door()
  const disk = Promise.withResolvers<void>()
  at.disk = () => disk.promise
  const answered = at.decide()
  await at.clock.settle()
  assert.deepEqual(at.trace, [], 'nothing is answered before it is durable')
  at.late = REVOKED
  at.disk = works
  disk.resolve()
  assert.equal(shown(await answered), 'REVOKED')
})

test('S13: of a hundred concurrent uses exactly one is allowed, whatever the disk does first', async () => {
  const at = await door()
  const disk = Promise.withResolvers<void>()
  at.disk = () => disk.promise
  const all = Array.from({ length: 100 }, () => at.decide())
  await at.clock.settle()
  disk.resolve()
  const answers = (await Promise.all(all)).map(shown)
  assert.equal(answers.filter((each) => each === 'allow').length, 1)
  assert.equal(answers.filter((each) => each === 'REPLAYED').length, 99)
})

test('S13: what was reserved stays used when its write failed, and is on disk when it did not', async () => {
  const at = await door()
  at.disk = fails
  assert.equal(shown(await at.decide()), 'AUDIT_UNAVAILABLE')
  at.disk = works
  assert.equal(shown(await at.decide()), 'REPLAYED')
  const other = await door()
  await other.decide()
  const reopened = await Nonces.open(other.shelf)
  assert.equal(reopened.seen(ALLOWED.invocation ?? ''), true)
})

test('S13: a door that looks at nothing that was used allows every one of them, so the check can fail', async () => {
  const forgetful = await door()
  const judges = forgetful.call()
  const blind = new Authorizer({
    clock: forgetful.clock,
    nonces: await Nonces.open(forgetful.shelf),
    judge: () => ALLOWED,
    append: async () => ({ id: 'sha256:0', index: 0 }),
    ...{ next: () => ({ epoch: 1, index: 0 }), unwritable: () => null },
    witnessed: async () => true,
    opening: () => [],
    closing: () => [],
    opened: () => undefined,
    executionsFull: () => false,
    answered: () => undefined,
    missed: () => undefined,
  })
  const answers = await Promise.all(Array.from({ length: 3 }, () => blind.decide(0, () => judges)))
  assert.equal(answers.map(shown).filter((each) => each === 'allow').length, 3)
})

test('L7: a disk that hangs is a DEADLINE, in time, and its allow is superseded when it comes', async () => {
  const at = await door()
  const disk = Promise.withResolvers<void>()
  at.disk = () => disk.promise
  const startedMs = at.clock.monotonicMs()
  const decision = await at.clock.until(at.decide(true), DECISION_DEADLINE_MS)
  assert.equal(shown(decision), 'DEADLINE')
  assert.equal(at.clock.monotonicMs() - startedMs, DECISION_DEADLINE_MS)
  assert.equal(at.authorizer.unrecorded, 0, 'it may still be recorded')
  disk.resolve()
  await at.clock.settle()
  assert.deepEqual(
    at.leaves.map(({ effect, supersedes }) => `${effect} ${supersedes}`),
    ['allow null', 'DEADLINE sha256:0'],
  )
  assert.equal(at.shelf.spaces.get('execution')?.size, 0)
  assert.equal(at.trace.includes('opened sha256:0'), false)
})

test('L7: a signature that does not come is a DEADLINE, in time, and nothing was judged or used', async () => {
  const at = await door()
  const signed = Promise.withResolvers<Call>()
  const startedMs = at.clock.monotonicMs()
  const answered = at.authorizer.decide(startedMs, () => signed.promise)
  const decision = await at.clock.until(answered, DECISION_DEADLINE_MS)
  assert.equal(shown(decision), 'DEADLINE')
  assert.equal(at.clock.monotonicMs() - startedMs, DECISION_DEADLINE_MS)
  assert.equal(at.authorizer.unrecorded, 1)
  signed.resolve(at.call())
  await at.clock.settle()
  assert.deepEqual([at.leaves.length, at.shelf.spaces.size], [0, 0])
  const broken = at.authorizer.decide(at.clock.monotonicMs(), () => Promise.reject(new Error('x')))
  await assert.rejects(broken, /x/)
  assert.equal(at.authorizer.unrecorded, 2)
})

test('S20: a late denial counts as unrecorded exactly when its record fails in the end', async () => {
  for (const [judged, ends, unrecorded] of [
    [ALLOWED, works, 0],
    [ALLOWED, fails, 1],
    [MISSING, works, 0],
    [MISSING, fails, 1],
  ] as const) {
    const at = await door()
    const disk = Promise.withResolvers<void>()
    at.judged = judged
    at.disk = () => disk.promise.then(ends)
    await at.clock.until(at.decide(), DECISION_DEADLINE_MS)
    assert.equal(at.authorizer.unrecorded, 0)
    disk.resolve()
    await at.clock.settle()
    assert.equal(at.authorizer.unrecorded, unrecorded)
  }
})

test('S20: the next durable record tells how many denials no record names', async () => {
  const at = await door()
  at.judged = MISSING
  at.disk = fails
  for (let i = 0; i < 3; i += 1) await at.decide()
  assert.equal(at.authorizer.unrecorded, 3)
  at.disk = works
  await at.decide()
  assert.equal(at.leaves[0]?.unrecorded, 3)
  assert.equal(at.authorizer.unrecorded, 0)
  await at.decide()
  assert.equal(at.leaves[1]?.unrecorded, 0)
})

test('S20: denied calls are recorded denials and counted ones, also in a flood on a hung disk', async () => {
  const at = await door()
  at.judged = MISSING
  const disk = Promise.withResolvers<void>()
  at.disk = () => disk.promise
  const calls = DENIALS_WAITING_MAX + 100
  const all = Array.from({ length: calls }, () => at.decide())
  await at.clock.settle()
  assert.equal(at.trace.filter((each) => each.startsWith('answer')).length, 100, 'the budget')
  disk.resolve()
  await Promise.all(all)
  at.disk = works
  await at.decide()
  const counted = at.leaves.reduce((sum, { unrecorded }) => sum + unrecorded, 0)
  assert.equal(at.leaves.length + counted + at.authorizer.unrecorded, calls + 1)
  assert.equal(at.leaves.length, DENIALS_WAITING_MAX + 1)
})

test('a flood of denials on a hung disk keeps no allow out of the door', async () => {
  const at = await door()
  at.judged = MISSING
  const disk = Promise.withResolvers<void>()
  at.disk = (n) => (n <= DENIALS_WAITING_MAX ? disk.promise : works())
  const flood = Array.from({ length: 900 }, () => at.decide())
  await at.clock.settle()
  at.judged = ALLOWED
  assert.equal(shown(await at.decide()), 'allow')
  disk.resolve()
  await Promise.all(flood)
})

test('one decision too many is OVERLOADED at once, and the next one after them is not', async () => {
  const at = await door()
  const disk = Promise.withResolvers<void>()
  at.judged = { ...ALLOWED, uses: [] }
  at.disk = () => disk.promise
  const all = Array.from({ length: DECISIONS_MAX }, () => at.decide())
  const decision = await at.authorizer.decide(0, () => assert.fail('nothing is signed for it'))
  assert.equal(shown(decision), 'OVERLOADED')
  assert.equal(decision.judgement, null)
  disk.resolve()
  await Promise.all(all)
  at.disk = works
  assert.equal(shown(await at.decide()), 'allow')
})

for (const [what, over, code] of [
  ['a log that takes nothing', { unwritable: () => 'sealed' }, 'AUDIT_UNAVAILABLE'],
  ['too many executions', { executionsFull: () => true }, 'OVERLOADED'],
] as const) {
  test(`${what} denies before anything is used, hypothetically too`, async () => {
    const at = await door(over)
    assert.equal(shown(await at.decide(true)), code)
    assert.equal(at.authorizer.hypothetical(at.call(true)).denial?.code, code)
    assert.equal(at.shelf.spaces.get('nonce'), undefined)
  })
}

test('a hypothetical decision uses nothing and leaves nothing', async () => {
  const at = await door()
  assert.equal(at.authorizer.hypothetical(at.call(true)).denial, null)
  assert.deepEqual([at.leaves.length, at.trace.length, at.shelf.spaces.size], [0, 0, 0])
  assert.equal(shown(await at.decide()), 'allow')
})

test('S10: what throws in the middle is no allow, and is counted', async () => {
  const at = await door({
    judge: () => {
      throw new Error('a bug')
    },
  })
  await assert.rejects(at.decide(), /a bug/)
  assert.equal(at.authorizer.unrecorded, 1)
  const late = await door()
  const call: Call = {
    ...late.call(true),
    recheck: () => {
      throw new Error('a bug')
    },
  }
  await assert.rejects(
    late.authorizer.decide(call.receivedMs, () => call),
    /a bug/,
  )
  assert.deepEqual(late.trace, ['durable allow'])
  assert.equal(late.authorizer.unrecorded, 1)
})
