/** A request with a cause: its parent is sought before anything is judged, and the wait counts against nothing else. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { decisionView } from '../../src/api/decision-view.ts'
import { parseArtifact } from '../../src/core/artifact.ts'
import { utf8 } from '../../src/core/bytes.ts'
import { idOf } from '../../src/core/id.ts'
import {
  DECISION_DEADLINE_MS,
  PARENT_MS_MAX,
  PARENTS_PER_CALLER_MAX,
} from '../../src/core/limits.ts'
import { readRequest } from '../../src/core/request.ts'
import type { Question } from '../../src/daemon/decider.ts'
import { BOB_UID, CAROL_UID, caller, granted, type World, world } from './deciding.ts'
import { request } from './judgements.ts'

const CAUSE = idOf(utf8('a parent'))

function question(of: World, over: Partial<Question> = {}): Question {
  return {
    request: request({}, CAUSE),
    caller: caller(of, BOB_UID),
    artifact: null,
    receivedMs: of.clock.monotonicMs(),
    opens: false,
    gateway: null,
    ...over,
  }
}

async function holding(): Promise<World> {
  const of = await world()
  await of.wallet.hold('bob', parseArtifact(granted(of, 'bob')))
  return of
}

const sixth = (of: World, decided: Parameters<typeof decisionView>[0]) =>
  decisionView(decided, of.node).checks[5]?.detail

test('the cause is looked for, and what is said of it stands in the record', async () => {
  const of = await holding()
  const asked: string[] = []
  of.parent = (cause, untilMs) => {
    asked.push(cause)
    assert.equal(untilMs, of.clock.monotonicMs() + PARENT_MS_MAX)
    return Promise.resolve({ kind: 'none', detail: 'nobody has it' })
  }
  const decided = await of.decider.decide(question(of))
  assert.equal(decided.denial?.code, 'LINEAGE_BROKEN')
  assert.match(sixth(of, decided) ?? '', /^cause dec_\w{8}: receipt: nobody has it$/)
  assert.deepEqual(asked, [CAUSE])
  assert.equal(of.log.decisions()[0]?.request?.cause, CAUSE)
  await of.decider.explain(question(of))
  assert.deepEqual(asked, [CAUSE, CAUSE])
})

test('without a cause nobody is asked', async () => {
  const of = await holding()
  of.parent = () => assert.fail('asked')
  const decided = await of.decider.decide(question(of, { request: request() }))
  assert.equal(decided.denial, null)
})

test('a receipt that comes with the request is the proof, and not part of what is judged', async () => {
  const of = await holding()
  of.parent = () => assert.fail('asked')
  const body = {
    action: { name: 'tool:read' },
    resource: { type: 'repo', id: 'acme/docs' },
  }
  const headers = { cause: CAUSE, traceparent: null }
  const brought = readRequest({ ...body, receipt: 'c2sp.org/tlog-proof@v1\n' }, headers)
  assert.equal(brought.digest, readRequest(body, headers).digest)
  const decided = await of.decider.decide(question(of, { request: brought }))
  assert.match(sixth(of, decided) ?? '', /: receipt: a receipt has a checkpoint/)
  assert.throws(() => readRequest({ ...body, receipt: 7 }, headers))
})

test('a parent that takes its time takes none of the decision’s own', async () => {
  const of = await holding()
  of.parent = async () => {
    await of.clock.sleep(DECISION_DEADLINE_MS + 500)
    return { kind: 'none', detail: 'late' }
  }
  const deciding = of.decider.decide(question(of))
  await of.clock.advance(DECISION_DEADLINE_MS + 500)
  const decided = await deciding
  assert.equal(decided.denial?.code, 'LINEAGE_BROKEN')
  assert.notEqual(decided.record, null)
  assert.equal(decided.durationMs, DECISION_DEADLINE_MS + 500)
})

test('who has too many parents sought waits for none of them, and keeps nobody else from his', async () => {
  const of = await holding()
  const found = Promise.withResolvers<{ kind: 'none'; detail: string }>()
  of.parent = () => found.promise
  const waiting = Array.from({ length: PARENTS_PER_CALLER_MAX }, () =>
    of.decider.decide(question(of)),
  )
  assert.match(sixth(of, await of.decider.decide(question(of))) ?? '', /too many of this caller/)
  of.parent = () => Promise.resolve({ kind: 'none', detail: 'nobody has it' })
  const other = await of.decider.decide(question(of, { caller: caller(of, CAROL_UID) }))
  assert.equal(other.denial?.code, 'AUTHORIZATION_MISSING')
  found.resolve({ kind: 'none', detail: 'nobody has it' })
  await Promise.all(waiting)
  assert.match(sixth(of, await of.decider.decide(question(of))) ?? '', /nobody has it/)
})
