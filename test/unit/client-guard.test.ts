/** What `meshd/client` guards: it runs while the mesh says so, and how it ended is recorded. */
import assert from 'node:assert/strict'
import type { ServerResponse } from 'node:http'
import { test } from 'node:test'
import { Denied, type Execution, Mesh } from '../../src/client/index.ts'
import { ALLOW, type Answers, FalseDaemon, ID, RUNNING, STOPPED } from './false-daemon.ts'

const QUESTION = { action: 'tool:delete', resource: 'repo:acme/docs' }
/** A poll that nothing interrupts. */
const silent = () => {}

const answers = (watch: Answers[string], leaseRemainingMs = 60_000): Answers => ({
  'POST /v1/executions': { ...ALLOW, leaseRemainingMs },
  'GET /v1/executions/{id}/watch': watch,
  'POST /v1/executions/{id}/outcome': { id: ID },
})

/** Until it is stopped; then it is told why. */
function untilStopped({ signal }: Execution): Promise<never> {
  return new Promise((_, reject) =>
    signal.addEventListener('abort', () => reject(signal.reason), { once: true }),
  )
}

async function stopped(daemon: FalseDaemon, run = untilStopped): Promise<Denied> {
  const mesh = new Mesh({ socket: daemon.socket })
  const error = await mesh.guard(QUESTION, run).catch((thrown: unknown) => thrown)
  assert.ok(error instanceof Denied, String(error))
  assert.equal(error.stopped, true)
  return error
}

test('what is allowed runs, and its outcome is told: ok with its value, failed with its error', async () => {
  await using daemon = await FalseDaemon.open(answers(silent))
  const mesh = new Mesh({ socket: daemon.socket })
  assert.equal(await mesh.guard(QUESTION, ({ id }) => id), ID)
  const fails = mesh.guard(QUESTION, () => {
    throw new RangeError('its own')
  })
  await assert.rejects(fails, RangeError)
  assert.deepEqual(daemon.outcomes(), ['ok', 'failed'])
})

test('a stop aborts it at once, with the reason, and is told as its outcome', async () => {
  await using daemon = await FalseDaemon.open(answers(STOPPED))
  const error = await stopped(daemon)
  assert.deepEqual([error.code, error.reason, error.id], ['REVOKED', 'rev_0a77e4c1', ID])
  assert.deepEqual(daemon.outcomes(), ['stopped'])
})

test('what goes on after a stop is stopped all the same, whatever it gives', async () => {
  await using daemon = await FalseDaemon.open(answers(STOPPED))
  const deaf = (exe: Execution) => untilStopped(exe).catch(() => 'done' as never)
  assert.equal((await stopped(daemon, deaf)).code, 'REVOKED')
  assert.deepEqual(daemon.outcomes(), ['stopped'])
})

test('a lease that is not extended ends it: no answer, a late one, garbage, of another one', async () => {
  const lies: readonly Answers[string][] = [
    silent,
    (response) => response.destroy(),
    { ...RUNNING, leaseRemainingMs: null },
    { ...RUNNING, leaseRemainingMs: '60000' },
    { ...RUNNING, leaseRemainingMs: 1e15 },
    (response) => void response.writeHead(503).end(JSON.stringify(RUNNING)),
    (response) => void response.end('{"state":"running","stop":null'),
  ]
  const ends = async (watch: Answers[string]) => {
    await using daemon = await FalseDaemon.open(answers(watch, 500))
    const beganMs = performance.now()
    assert.equal((await stopped(daemon)).code, 'GOVERNANCE_STALE', String(watch))
    assert.ok(performance.now() - beganMs >= 499)
  }
  await Promise.all(lies.map(ends))
})

test('a view of something else, or of what has ended, vouches for nothing', async () => {
  for (const view of [
    {},
    { ...RUNNING, id: null },
    { ...RUNNING, state: 'ended' },
    { ...RUNNING, stop: undefined },
  ]) {
    await using daemon = await FalseDaemon.open(answers(view))
    assert.equal((await stopped(daemon)).code, 'INVALID_ANSWER', JSON.stringify(view))
  }
})

test('a daemon that was restarted vouches for nothing', async () => {
  await using daemon = await FalseDaemon.open(answers({}))
  const { 'GET /v1/executions/{id}/watch': _, ...forgot } = daemon.answers
  daemon.answers = forgot
  assert.equal((await stopped(daemon)).code, 'UNREACHABLE')
})

test('a daemon that is killed while it runs: it is stopped when the last lease is over', async () => {
  await using daemon = await FalseDaemon.open(answers(silent, 800))
  const mesh = new Mesh({ socket: daemon.socket })
  const beganMs = performance.now()
  const guarded = mesh.guard(QUESTION, async (exe) => {
    await daemon.kill()
    return untilStopped(exe)
  })
  await assert.rejects(guarded, (error) => error instanceof Denied && error.stopped)
  const tookMs = performance.now() - beganMs
  assert.ok(tookMs >= 799, `${tookMs} ms`)
})

test('each answer of the watch extends the lease, from when it was asked', async () => {
  let looks = 0
  const watch = (response: ServerResponse) => {
    looks += 1
    response.end(JSON.stringify(looks < 20 ? { ...RUNNING, leaseRemainingMs: 1_000 } : STOPPED))
  }
  await using daemon = await FalseDaemon.open(answers(watch, 1_000))
  assert.equal((await stopped(daemon)).code, 'REVOKED')
  assert.equal(looks, 20)
})

test('an answer of the watch that was longer on its way than what it extends ends it', async () => {
  let looks = 0
  const late = (response: ServerResponse) => {
    looks += 1
    setTimeout(() => response.end(JSON.stringify({ ...RUNNING, leaseRemainingMs: 100 })), 150)
  }
  await using daemon = await FalseDaemon.open(answers(late))
  assert.equal((await stopped(daemon)).code, 'GOVERNANCE_STALE')
  assert.equal(looks, 1)
})

test('who gives up aborts it, and gets its own error back', async () => {
  await using daemon = await FalseDaemon.open(answers(silent))
  const mesh = new Mesh({ socket: daemon.socket })
  const given = new AbortController()
  const guarded = mesh.guard(
    QUESTION,
    (exe) => {
      setImmediate(() => given.abort(new RangeError('enough')))
      return untilStopped(exe)
    },
    { signal: given.signal },
  )
  await assert.rejects(guarded, RangeError)
  assert.deepEqual(daemon.outcomes(), ['failed'])
})

test('an outcome that nobody takes is not the caller’s to suffer', async () => {
  await using daemon = await FalseDaemon.open({
    ...answers(silent),
    'POST /v1/executions/{id}/outcome': (response: ServerResponse) => response.destroy(),
  })
  assert.equal(await new Mesh({ socket: daemon.socket }).guard(QUESTION, () => 7), 7)
})

test('a tool runs with what was decided, whatever becomes of its input meanwhile', async () => {
  await using daemon = await FalseDaemon.open(answers(silent))
  const removed: string[] = []
  const remove = new Mesh({ socket: daemon.socket }).tool(
    ({ path }: { path: string }) => removed.push(path),
    { action: 'file:delete', resource: ({ path }) => `file:${path}` },
  )
  const input = { path: '/tmp/a' }
  const removing = remove(input)
  input.path = '/etc/passwd'
  await removing
  assert.deepEqual(removed, ['/tmp/a'])
  assert.deepEqual(daemon.asked[0]?.body, {
    action: { name: 'file:delete', properties: { path: '/tmp/a' } },
    resource: { type: 'file', id: '/tmp/a' },
  })
})

test('a tool whose mapping fails runs nothing', async () => {
  await using daemon = await FalseDaemon.open(answers(silent))
  let ran = false
  const mesh = new Mesh({ socket: daemon.socket })
  const tool = mesh.tool(
    () => {
      ran = true
    },
    {
      action: 'file:delete',
      resource: () => {
        throw new TypeError('no path')
      },
    },
  )
  await assert.rejects(tool({}), TypeError)
  assert.deepEqual([ran, daemon.asked.length], [false, 0])
})
