/**
 * A daemon whose disk slows down, hangs, fails or turns read-only while it runs, and one that has no
 * file descriptors left: it denies in time, allows nothing it cannot record, and goes on when it can.
 */
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { existsSync, readdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import type { Host } from '../../src/cli/stage.ts'
import { authorize, eventually, grant, Lab, status } from '../e2e/lab.ts'
import { bodyOf, raw, request, socketOf } from '../e2e/raw.ts'
import { BODY, callsDuring, type Journal, logged, lostOf } from './callers.ts'
import { row } from './row.ts'
import { shim, skip } from './shim.ts'

/** Of a decision, and room for a machine that is busy (L7). */
const ANSWER_MS_MAX = 2_000 + 3_000
const FAULT_MS = 4_000
const CALLERS = 4

const lab = new Lab()
let host: Host
let control = ''
const allowed: string[] = []

before(async () => {
  if (skip !== false) return
  host = lab.host('atlas')
  control = join(lab.dir, 'control')
  await host.do('init', '--mesh', 'prod', '--staleness', '30s')
  disk('')
  await begin()
  await grant(host)
})

after(() => lab[Symbol.asyncDispose]())

/** What the disk does from now on (powerfail.c). */
function disk(does: string): void {
  writeFileSync(`${control}.new`, does)
  renameSync(`${control}.new`, control)
}

async function begin(): Promise<void> {
  host.start({ LD_PRELOAD: shim ?? '', PF_DIR: join(host.dir, 'data'), PF_CONTROL: control })
  await host.do('wait', '--for', 'ready', '--timeout', '30s')
}

/** Calls while the disk does so, and then again with a good one. */
async function during(does: string): Promise<Journal> {
  disk(does)
  try {
    return await callsDuring(host, CALLERS, () => new Promise((over) => setTimeout(over, FAULT_MS)))
  } finally {
    disk('')
  }
}

/** Ready again without a restart, and it allows. */
async function mended(pid: number): Promise<void> {
  await host.do('wait', '--for', 'ready', '--timeout', '60s')
  await eventually(
    'allowed again',
    () => authorize(host),
    ({ decision }) => decision,
    30_000,
  )
  assert.equal(host.pid, pid, 'the same process')
}

const codesOf = ({ denied }: Journal) =>
  [...denied].map(([code, count]) => `${count} ${code}`).join(', ')

for (const ms of [100, 1_000])
  test(`a disk that takes ${ms} ms for each sync delays, and denies in time`, {
    skip,
  }, async (t) => {
    const { pid } = host
    const journal = await during(`delay ${ms}`)
    allowed.push(...journal.allowed)
    for (const code of journal.denied.keys())
      assert.match(code, /DEADLINE|OVERLOADED|AUDIT_UNAVAILABLE/)
    await mended(pid)
    row(
      t,
      26,
      `${ms} ms a sync: ${journal.allowed.length} allowed, denied: ${codesOf(journal) || '0'}`,
    )
  })

test('a disk that hangs: each call is answered by its deadline, and none is allowed', {
  skip,
}, async (t) => {
  const { pid } = host
  disk('hang')
  const tookMs: number[] = []
  try {
    for (let i = 0; i < 3; i += 1) {
      const beganMs = performance.now()
      const answer = await raw(
        socketOf(host, 'meshd'),
        request('POST', '/v1/executions', BODY),
        3 * ANSWER_MS_MAX,
      )
      tookMs.push(performance.now() - beganMs)
      assert.match(bodyOf(answer), /"decision":false/)
    }
  } finally {
    disk('')
  }
  const most = Math.max(...tookMs)
  assert.ok(most <= ANSWER_MS_MAX, `${most} ms`)
  await mended(pid)
  row(t, 26, `hangs: 0 allowed, answered within ${most.toFixed(0)} ms, goes on in the same process`)
})

for (const [does, what] of [
  ['eio', 'that fails'],
  ['erofs', 'that turned read-only'],
  ['enospc', 'that is full'],
] as const)
  test(`a disk ${what} denies, and the same process goes on when it is mended`, {
    skip,
  }, async (t) => {
    const { pid } = host
    const journal = await during(does)
    allowed.push(...journal.allowed)
    assert.ok(journal.denied.size > 0, 'it denies')
    for (const code of journal.denied.keys()) assert.match(code, /AUDIT_UNAVAILABLE|DEADLINE/)
    await mended(pid)
    const says = `${does}: denied ${codesOf(journal)}; 0 restarts`
    if (does === 'erofs') row(t, 27, says)
    else if (does === 'eio') row(t, 24, `a daemon, ${says}`)
    else row(t, 22, `a daemon, ${says}`)
  })

const PRLIMIT = ['/usr/bin/prlimit', '/bin/prlimit'].find(existsSync)

test('with no file descriptor left it denies or closes, and recovers', {
  skip: PRLIMIT === undefined ? 'no prlimit here' : skip,
}, async (t) => {
  const { pid } = host
  const open = readdirSync(`/proc/${pid}/fd`).length
  const limits = readFileSync(`/proc/${pid}/limits`, 'utf8')
  const before = Number(/^Max open files +(\d+)/m.exec(limits)?.[1])
  const limit = (nofile: number) =>
    execFileSync('prlimit', ['--pid', String(pid), `--nofile=${nofile}:`])
  const journal = await callsDuring(host, 16, async () => {
    limit(open + 2)
    await new Promise((over) => setTimeout(over, 1_500))
    // Who was not accepted yet waits for a connection that is left, or for this.
    limit(before)
  })
  allowed.push(...journal.allowed)
  await mended(pid)
  const { allowed: after, unanswered } = journal
  row(
    t,
    28,
    `${after.length} allowed, ${unanswered} closed, denied: ${codesOf(journal) || '0'}; recovers`,
  )
})

test('all that was allowed meanwhile is in the log', { skip }, async (t) => {
  await host.do('audit', 'verify')
  assert.equal((await status(host)).log.sealed, null)
  await host.stop('SIGKILL')
  assert.deepEqual(lostOf(allowed, await logged(host)), [])
  row(t, 27, `0 lost of ${allowed.length} allowed beside disks that failed`)
})
