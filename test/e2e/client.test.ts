/** `meshd/client` on real daemons: what it may run runs, and ends when the mesh, or the daemon, is gone from behind it. */
import assert from 'node:assert/strict'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import type { Host } from '../../src/cli/stage.ts'
import { type Decision, Denied, type Execution, Mesh } from '../../src/client/index.ts'
import { grant, Lab } from './lab.ts'

const QUESTION = { action: 'job:deploy', resource: 'env:staging' }
const lab = new Lab()
let host: Host
let mesh: Mesh

before(async () => {
  ;[host] = (await lab.mesh(['atlas'])) as [Host]
  mesh = new Mesh({ socket: join(host.socketsDir, 'meshd.sock') })
})

after(() => lab[Symbol.asyncDispose]())

const codeOf = (decision: Decision) => (decision.allow ? 'ALLOW' : decision.code)

function untilStopped({ signal }: Execution): Promise<never> {
  return new Promise((_, reject) =>
    signal.addEventListener('abort', () => reject(signal.reason), { once: true }),
  )
}

/** How what is guarded ended, once `then` was done to it. */
async function stopped(then: () => Promise<unknown>): Promise<Denied> {
  const begun = Promise.withResolvers<void>()
  const guarded = mesh.guard(QUESTION, (exe) => {
    begun.resolve()
    return untilStopped(exe)
  })
  const ended = guarded.catch((error: unknown) => error)
  await Promise.race([begun.promise, ended])
  await then()
  const error = await ended
  assert.ok(error instanceof Denied && error.stopped, String(error))
  return error
}

async function outcomeOf(id: string | null): Promise<unknown> {
  const { items } = await host.ask<{ items: { leaf: { outcome: string; stop: object | null } }[] }>(
    ...['audit', 'list', '--execution', id ?? '', '--type', 'outcome'],
  )
  return items[0]?.leaf
}

test('a decision is the daemon’s: denied without an artifact, allowed with one, for its scope', async () => {
  assert.equal(codeOf(await mesh.decide(QUESTION)), 'AUTHORIZATION_MISSING')
  await grant(host)
  assert.equal(codeOf(await mesh.decide(QUESTION)), 'ALLOW')
  assert.equal(codeOf(await mesh.decide({ ...QUESTION, resource: 'env:prod' })), 'SCOPE_EXCEEDED')
  assert.equal(codeOf(await mesh.decide({ ...QUESTION, resource: 'prod' })), 'REQUEST_MALFORMED')
})

test('what is guarded has its outcome in the log, and names the cause of what it asks for', async () => {
  let id = ''
  const child = await mesh.guard(QUESTION, (exe) => {
    id = exe.id
    return mesh.decide({ ...QUESTION, cause: exe.id })
  })
  assert.equal(codeOf(child), 'ALLOW')
  assert.deepEqual(await outcomeOf(id).then((leaf) => (leaf as { outcome: string }).outcome), 'ok')
})

test('a freeze aborts what is guarded, with the reason, and the outcome names it', async () => {
  const frozen = await stopped(() => host.do('freeze', 'action:job', '-m', 'INC-3', '--yes'))
  assert.deepEqual([frozen.code, /INC-3/.test(frozen.reason)], ['FROZEN', true])
  const leaf = (await outcomeOf(frozen.id)) as { outcome: string; stop: { code: string } }
  assert.deepEqual([leaf.outcome, leaf.stop.code], ['stopped', 'FROZEN'])
  await host.do('unfreeze', 'action:job', '--yes')
})

test('a revocation aborts what is guarded', async () => {
  const artifact = await grant(host)
  const { items } = await host.ask<{ items: { cid: string }[] }>('artifact', 'list')
  assert.ok(items.some(({ cid }) => cid === artifact))
  const revoked = await stopped(async () => {
    for (const { cid } of items) await host.do('revoke', cid, '-m', 'leaked', '--yes')
  })
  assert.equal(revoked.code, 'REVOKED')
  assert.equal(codeOf(await mesh.decide(QUESTION)), 'REVOKED')
  await grant(host)
})

test('a daemon that is killed ends what is guarded when the last lease is over', async () => {
  const beganMs = performance.now()
  const lost = await stopped(() => host.stop('SIGKILL'))
  assert.equal(lost.code, 'GOVERNANCE_STALE')
  assert.ok(performance.now() - beganMs < 20_000, `a lease is five seconds`)
  assert.equal(codeOf(await mesh.decide(QUESTION)), 'UNREACHABLE')
})
