/** `meshd/client` and a daemon that is away, hangs, lies or dies: an allow is a well-formed allow, and nothing else. */
import assert from 'node:assert/strict'
import type { ServerResponse } from 'node:http'
import { test } from 'node:test'
import fc from 'fast-check'
import { decisionOf, objectOf } from '../../src/client/decision.ts'
import { type Decision, Denied, Mesh } from '../../src/client/index.ts'
import { utf8 } from '../../src/core/bytes.ts'
import type { Json, JsonObject } from '../../src/core/json.ts'
import { ALLOW, type Answers, DENY, FalseDaemon, ID } from './false-daemon.ts'

const QUESTION = { action: 'tool:read', resource: 'repo:acme/docs' }

/** What a decision is when the daemon answers so. */
async function decided(answer: Answers[string], timeoutMs = 5_000): Promise<Decision> {
  await using daemon = await FalseDaemon.open({ 'POST /v1/decisions': answer })
  return await new Mesh({ socket: daemon.socket, timeoutMs }).decide(QUESTION)
}

const codeOf = (decision: Decision) => (decision.allow ? 'ALLOW' : decision.code)
const raw =
  (text: string, status = 200) =>
  (response: ServerResponse) =>
    void response.writeHead(status).end(text)

test('an allow has its id and its end, a deny its code, its reason and its id', async () => {
  const beganMs = performance.now()
  const allow = await decided(ALLOW)
  assert.ok(allow.allow)
  assert.equal(allow.id, ID)
  assert.ok(allow.untilMs >= beganMs + 60_000 && allow.untilMs <= performance.now() + 60_000)
  const deny = await decided(DENY)
  assert.deepEqual(deny, { allow: false, code: 'REVOKED', reason: 'rev_0a77e4c1', id: ID })
  assert.equal(codeOf(await decided({ ...DENY, id: null })), 'REVOKED')
})

test('what is asked stands in the body, and what comes beside it in headers', async () => {
  await using daemon = await FalseDaemon.open({ 'POST /v1/decisions': ALLOW })
  const mesh = new Mesh({ socket: daemon.socket })
  await mesh.decide({
    ...{ action: 'file:delete', resource: 'file:/a:b', args: { path: '/a:b' } },
    ...{ context: { ticket: 7 }, subject: 'user:dana', artifact: 'ctn', cause: ID },
  })
  const [asked] = daemon.asked
  assert.deepEqual(asked?.body, {
    action: { name: 'file:delete', properties: { path: '/a:b' } },
    resource: { type: 'file', id: '/a:b' },
    context: { ticket: 7 },
    subject: { type: 'user', id: 'dana' },
  })
  assert.deepEqual([asked?.headers['meshd-artifact'], asked?.headers['meshd-cause']], ['ctn', ID])
})

test('no daemon, one that hangs, one that is too late, and a caller who gives up: denied', async () => {
  const nowhere = new Mesh({ socket: '/nonexistent/meshd.sock' })
  assert.equal(codeOf(await nowhere.decide(QUESTION)), 'UNREACHABLE')
  assert.equal(codeOf(await decided(() => {}, 30)), 'TIMEOUT')
  const trickle = (response: ServerResponse) => void response.write('{"decision":true')
  assert.equal(codeOf(await decided(trickle, 30)), 'TIMEOUT')
  assert.equal(codeOf(await decided({ ...ALLOW, leaseRemainingMs: 0 })), 'TIMEOUT')
  const given = { signal: AbortSignal.abort() }
  assert.equal(codeOf(await nowhere.decide(QUESTION, given)), 'TIMEOUT')
})

test('an answer that is cut, garbage, of another status or not understood is denied', async () => {
  const good = JSON.stringify(ALLOW)
  const bad: readonly Answers[string][] = [
    raw('<html>'),
    raw(''),
    raw('null'),
    raw('[]'),
    raw('true'),
    raw(good.slice(0, -1)),
    raw(`${good}${good}`),
    raw(good, 503),
    raw(good, 404),
    raw(good, 201),
    raw(good.replace('{', '{"decision":false,')),
    (response) => void response.writeHead(200, { 'content-length': 9_999 }).end(good),
    (response) => response.destroy(),
  ]
  for (const answer of bad) {
    const code = codeOf(await decided(answer))
    assert.ok(['INVALID_ANSWER', 'UNREACHABLE'].includes(code), `${answer}: ${code}`)
  }
})

/** The same reading, without a socket. */
function readCode(answer: unknown): string {
  try {
    return codeOf(decisionOf(answer as JsonObject, performance.now()))
  } catch {
    return 'INVALID_ANSWER'
  }
}

test('every cut of a good answer is none', () => {
  const bytes = utf8(JSON.stringify(ALLOW))
  for (let size = 0; size < bytes.length; size += 1)
    assert.throws(() => objectOf(bytes.subarray(0, size)), /no JSON/)
})

test('an allow is the value true with an id, no code and an end: nothing else in those places', () => {
  const places = ['decision', 'id', 'code', 'leaseRemainingMs'] as const
  const values = fc.oneof(
    fc.jsonValue(),
    fc.constantFrom<Json>(
      'true',
      1,
      ID.slice(1),
      `${ID}\n`,
      ID.toUpperCase(),
      [true],
      '',
      1e12,
      -1,
    ),
  )
  fc.assert(
    fc.property(fc.constantFrom(...places), values, (place, value) => {
      const answer = { ...ALLOW, [place]: value }
      const { decision, id, code, leaseRemainingMs: ms } = answer as typeof ALLOW
      const good = decision === true && id === ID && code === null && ms > 0 && ms <= 86_400_000
      if (!good) assert.notEqual(readCode(answer), 'ALLOW')
    }),
  )
  for (const place of places) {
    const { [place]: _, ...rest } = ALLOW
    assert.equal(readCode(rest), 'INVALID_ANSWER', place)
  }
})

test('a client that knows no obligation denies what obliges it', () => {
  assert.equal(readCode({ ...ALLOW, obligations: [{ id: 'log' }] }), 'INVALID_ANSWER')
  assert.equal(readCode({ ...ALLOW, context: { obligations: [] } }), 'INVALID_ANSWER')
  assert.equal(readCode({ ...ALLOW, context: {} }), 'ALLOW')
})

test('a question that is no question is denied before anybody is asked', async () => {
  await using daemon = await FalseDaemon.open({ 'POST /v1/decisions': ALLOW })
  const mesh = new Mesh({ socket: daemon.socket })
  const circle: { self?: object } = {}
  circle.self = circle
  for (const args of [circle, { count: 1n }])
    assert.equal(codeOf(await mesh.decide({ ...QUESTION, args })), 'REQUEST_MALFORMED')
  assert.equal(daemon.asked.length, 0)
})

test('what a denial says moves no terminal', async () => {
  const deny = await decided({ ...DENY, detail: 'a\u001b[2Jb' })
  assert.equal(!deny.allow && deny.reason, 'a\ufffd[2Jb')
})

test('no allow is kept: each question is asked', async () => {
  await using daemon = await FalseDaemon.open({ 'POST /v1/decisions': ALLOW })
  const mesh = new Mesh({ socket: daemon.socket })
  assert.equal(codeOf(await mesh.decide(QUESTION)), 'ALLOW')
  daemon.answers = { 'POST /v1/decisions': DENY }
  assert.equal(codeOf(await mesh.decide(QUESTION)), 'REVOKED')
  await daemon.kill()
  assert.equal(codeOf(await mesh.decide(QUESTION)), 'UNREACHABLE')
})

test('a denied guard throws Denied and runs nothing', async () => {
  await using daemon = await FalseDaemon.open({ 'POST /v1/executions': DENY })
  const mesh = new Mesh({ socket: daemon.socket })
  let ran = false
  const run = () => {
    ran = true
  }
  const error = await mesh.guard(QUESTION, run).catch((thrown: unknown) => thrown)
  assert.ok(error instanceof Denied)
  assert.deepEqual(
    [error.code, error.reason, error.id, error.stopped],
    ['REVOKED', 'rev_0a77e4c1', ID, false],
  )
  assert.equal(ran, false)
})
