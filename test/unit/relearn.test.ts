/** What an allow used up stays used up when its record comes back; what has ended does not end again. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { atlas } from '../../scripts/vectors/tokens.ts'
import { utf8 } from '../../src/core/bytes.ts'
import { decisionDraft } from '../../src/core/decision-record.ts'
import { type Cid, idOf } from '../../src/core/id.ts'
import { type Json, jsonBytes } from '../../src/core/json.ts'
import { judge } from '../../src/core/judge.ts'
import { INVOCATION_TTL_MS_MAX, SKEW_MS_MAX } from '../../src/core/limits.ts'
import { formatTime } from '../../src/core/shape.ts'
import { Nonces } from '../../src/mesh/nonces.ts'
import { relearn } from '../../src/mesh/relearn.ts'
import { facts, input, NOW_MS } from './judgements.ts'
import { Memory } from './memory.ts'

const HEAD = { index: 7, time: formatTime(NOW_MS), node: atlas.did, epoch: 1 }
const allow = input()
const judgement = judge(allow)
const nothing = { supersedes: null, gateway: null, unrecorded: 0, durationUs: null }
const EXECUTION = idOf(utf8('an execution'))

function recordOf(denial: { code: 'REVOKED'; detail: string } | null): Uint8Array {
  const draft = decisionDraft({
    input: allow,
    judgement,
    denial,
    facts: facts(),
    ...nothing,
  } as never)
  return jsonBytes({ ...(draft as { [field: string]: Json }), ...HEAD })
}

async function from(bytes: Uint8Array, nowMs = NOW_MS) {
  const nonces = await Nonces.open(new Memory())
  const ended: string[] = []
  const executions = {
    ended: (id: string) => {
      ended.push(id)
      return []
    },
  }
  return { puts: relearn(bytes, nowMs, { nonces, executions }), nonces, ended }
}

test('its invocation was used, and every link of it that was for single use', async () => {
  const { puts, nonces } = await from(recordOf(null))
  assert.equal(judgement.denial, null)
  const spent = [judgement.invocation, ...judgement.coverage.links] as Cid[]
  assert.equal(spent.length, puts.length)
  for (const cid of spent) assert.ok(nonces.seen(cid))
  // As long as nobody would refuse it as expired anyway.
  for (const { cid, expiresMs } of judgement.uses) {
    const kept = puts.find(({ key }) => key === cid)?.value
    assert.ok(kept !== null && Date.parse(Buffer.from(kept ?? []).toString()) >= expiresMs)
  }
})

test('of an allow that is old, what has expired is not remembered', async () => {
  const { nonces } = await from(recordOf(null), NOW_MS + INVOCATION_TTL_MS_MAX + SKEW_MS_MAX + 1)
  assert.ok(judgement.invocation !== null && !nonces.seen(judgement.invocation))
})

test('a deny used up nothing', async () => {
  const { puts } = await from(recordOf({ code: 'REVOKED', detail: 'of a test' }))
  assert.deepEqual(puts, [])
})

test('an outcome ends its execution; what cannot be read says nothing', async () => {
  const outcome = { type: 'outcome', execution: EXECUTION, outcome: 'ok', status: 0, stop: null }
  assert.deepEqual((await from(jsonBytes({ ...outcome, ...HEAD }))).ended, [EXECUTION])
  assert.deepEqual((await from(utf8('no record'))).puts, [])
})
