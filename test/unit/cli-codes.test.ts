/** Both closed lists, against what `meshd help` says of them and what a command ends with. */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { PROBLEMS, type ProblemCode } from '../../src/core/problems.ts'
import { REASONS } from '../../src/core/reasons.ts'
import { Desk } from '../golden/screen.ts'
import { NOW } from '../golden/story.ts'
import { ALLOWED, DENIED } from '../golden/story-log.ts'

const desk = new Desk(NOW)
before(() => desk.open())
after(() => desk.close())

/** Frozen at 1.0 (INTERFACE 1.4). */
const EXITS: Readonly<Record<ProblemCode, number>> = {
  USAGE: 64,
  CONFIG_INVALID: 3,
  NOT_FOUND: 4,
  AMBIGUOUS: 4,
  UNREACHABLE: 5,
  SOCKET_FORBIDDEN: 5,
  UNAUTHENTICATED: 5,
  NOT_READY: 6,
  NOT_ADMITTED: 6,
  WRONG_MESH: 3,
  KEY_UNAVAILABLE: 3,
  ROLE_MISSING: 3,
  STATEMENT_INVALID: 3,
  POLICY_INVALID: 3,
  PROOF_INVALID: 3,
  LOG_DAMAGED: 3,
  CONFLICT: 3,
  TOO_LARGE: 3,
  TOO_MANY: 6,
  TIMEOUT: 124,
  INVALID_ANSWER: 5,
  BUG: 1,
}

test('help explains every reason code, with its check and what to do', async () => {
  for (const [code, { check, says, mend }] of Object.entries(REASONS)) {
    const text = await desk.type(['help', code], {})
    const where = check === 0 ? 'outside the checks' : `check ${check}`
    assert.ok(text.startsWith(`${code} (${where}): ${says}\n  do     ${mend}\n`), text)
  }
})

test('help explains every problem code, with its exit status and a hint', async () => {
  for (const [code, { exit, says, hint }] of Object.entries(PROBLEMS)) {
    const text = await desk.type(['help', code], {})
    assert.ok(text.startsWith(`${code} (exit ${exit}): ${says}\n  do     ${hint}\n`), text)
  }
})

test('exit statuses are the frozen ones, and no code is in both lists', () => {
  const found = Object.fromEntries(Object.entries(PROBLEMS).map(([code, { exit }]) => [code, exit]))
  assert.deepEqual(found, EXITS)
  for (const code of Object.keys(REASONS)) assert.ok(!(code in PROBLEMS), code)
})

test("a daemon's problem ends the command with its code, its sentence, its hint and its status", async () => {
  for (const [code, exit] of Object.entries(EXITS)) {
    const problem = { code, detail: 'what failed', hint: 'what helps' }
    const text = await desk.type(['peer', 'list'], {}, { problem: { status: 409, body: problem } })
    const said = `meshd: what failed  [${code}]\nhint: what helps\n`
    assert.equal(text, `-- stderr --\n${said}-- exit ${exit} --\n`)
  }
})

test('an answer that is no problem of ours fails closed', async () => {
  const body = { code: 'ALLOW', detail: 'yes' }
  const text = await desk.type(
    ['authorize', '--action', 'a', '--resource', 'b:c'],
    {},
    {
      problem: { status: 500, body },
    },
  )
  assert.match(text, /INVALID_ANSWER/)
  assert.match(text, /exit 5 --\n$/)
})

test('authorize ends with 0 for an allow, 2 for a deny, and 64 without a question', async () => {
  const ask = ['authorize', '--action', 'tool:read', '--resource', 'repo:acme']
  assert.match(await desk.type(ask, { 'POST /v1/decisions': ALLOWED }), /exit 0 --\n$/)
  assert.match(await desk.type(ask, { 'POST /v1/decisions': DENIED }), /exit 2 --\n$/)
  assert.match(await desk.type(['authorize'], {}), /exit 64 --\n$/)
})

test('authorize takes nothing but the word true for an allow', async () => {
  const ask = ['authorize', '--action', 'tool:read', '--resource', 'repo:acme']
  for (const decision of ['true', 1, null, undefined, {}]) {
    const text = await desk.type(ask, { 'POST /v1/decisions': { ...ALLOWED, decision } })
    assert.doesNotMatch(text, /exit 0 --\n$/, String(decision))
  }
})
