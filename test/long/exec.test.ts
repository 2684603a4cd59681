/**
 * What must end a child of `meshd exec`, beside a stop that its own daemon
 * tells (FAULTS 141, S23): a lost lease, a daemon that hangs, one that was
 * killed, one that was started anew.
 */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import type { Host } from '../../src/cli/stage.ts'
import { allDead, family } from '../e2e/family.ts'
import { grant, Lab } from '../e2e/lab.ts'

const STALENESS_MS = 3_000
/** The lease that was left, and a moment for a busy machine. */
const ENDS_MS = STALENESS_MS + 2_000

const lab = new Lab()
let borealis: Host

before(async () => {
  // Three witnesses: of two, one is enough for a lease.
  const names = ['atlas', 'borealis', 'cygnus']
  ;[, borealis] = (await lab.mesh(names, `${STALENESS_MS}ms`)) as [Host, Host, Host]
  await grant(borealis)
})

after(() => lab[Symbol.asyncDispose]())

test('a lost lease ends the child', async () => {
  const { ended, pids } = await family(borealis)
  await borealis.do('peer', 'isolate')
  await allDead(pids, ENDS_MS)
  assert.match((await ended).stderr, /STOPPED dec_\w+ {2}GOVERNANCE_STALE/)
  await borealis.do('peer', 'isolate', '--off')
  await borealis.do('wait', '--for', 'ready', '--timeout', '20s')
})

test('a daemon that hangs, or was killed, ends the child when its lease ends', async () => {
  for (const signal of ['SIGSTOP', 'SIGKILL'] as const) {
    const { ended, pids } = await family(borealis)
    process.kill(borealis.pid, signal)
    await allDead(pids, ENDS_MS)
    if (signal === 'SIGSTOP') process.kill(borealis.pid, 'SIGCONT')
    assert.match(
      (await ended).stderr,
      /STOPPED dec_\w+ {2}GOVERNANCE_STALE the daemon did not answer/,
    )
    if (signal === 'SIGKILL') borealis.start()
    await borealis.do('wait', '--for', 'ready', '--timeout', '20s')
  }
})

test('a daemon that was started anew does not vouch for what ran before', async () => {
  const { ended, pids } = await family(borealis)
  await borealis.stop('SIGKILL')
  borealis.start()
  await allDead(pids, ENDS_MS)
  assert.match((await ended).stderr, /STOPPED/)
  await borealis.do('wait', '--for', 'ready', '--timeout', '20s')
  await borealis.do('audit', 'verify')
})
