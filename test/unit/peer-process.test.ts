/** What a process runs, and when it is that process no longer: real ones, with a pidfd that the test holds. */
import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import {
  appendFileSync,
  copyFileSync,
  mkdtempSync,
  readFileSync,
  realpathSync,
  rmSync,
  utimesSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { NO_PROCESS } from '../../src/core/facts.ts'
import { sha256Hex } from '../../src/core/id.ts'
import { Executables } from '../../src/daemon/executables.ts'
import type { Pidfd } from '../../src/daemon/peer-credentials.ts'
import { PeerProcess } from '../../src/daemon/peer-process.ts'
import { row } from '../lab/row.ts'

const SHELL = realpathSync('/bin/sh')
const SLEEP = realpathSync('/bin/sleep')
const digestOf = (path: string) => sha256Hex(readFileSync(path))
const skip =
  process.platform !== 'linux' || SHELL === SLEEP ? 'Linux, with a shell of its own' : false

const dir = mkdtempSync(join(tmpdir(), 'meshd-process-'))
const children: ChildProcess[] = []
after(() => {
  for (const child of children) child.kill('SIGKILL')
  rmSync(dir, { recursive: true })
})

/** A shell that runs sleep in its place as soon as it reads a line. */
function shell(): ChildProcess {
  const child = spawn(SHELL, ['-c', 'echo; read x; exec sleep 60'], { stdio: 'pipe' })
  children.push(child)
  return child
}

class HeldPidfd implements Pidfd {
  over = false
  closed = 0
  readonly pid: number

  constructor(pid: number) {
    this.pid = pid
  }

  ended(): boolean {
    return this.over
  }

  close(): void {
    this.closed += 1
  }
}

function opened(child: ChildProcess, executables = new Executables()) {
  const pid = child.pid ?? 0
  const pidfd = new HeldPidfd(pid)
  const process = PeerProcess.open({ pid, uid: 0, gid: 0 }, pidfd, executables)
  assert.ok(process !== null)
  return { process, pidfd }
}

async function becomesSleep(child: ChildProcess): Promise<void> {
  child.stdin?.write('\n')
  while (!readFileSync(`/proc/${child.pid}/comm`, 'utf8').startsWith('sleep'))
    await new Promise((done) => setTimeout(done, 5))
}

test('what a process runs is the digest of its file, and where that is', { skip }, async () => {
  const child = shell()
  await once(child.stdout ?? child, 'data')
  const { process } = opened(child)
  const facts = await process.measure()
  assert.deepEqual([facts.exe, facts.path], [digestOf(SHELL), SHELL])
  assert.ok((facts.started ?? 0) > 0)
  assert.equal(await process.measure(), facts)
  assert.equal(process.connected().exe, null)
})

test('a process that becomes another program is that one at the next question', {
  skip,
}, async (t) => {
  const child = shell()
  await once(child.stdout ?? child, 'data')
  const { process } = opened(child)
  const before = await process.measure()
  await becomesSleep(child)
  const facts = await process.measure()
  assert.deepEqual([facts.exe, facts.path], [digestOf(SLEEP), SLEEP])
  assert.equal(facts.started, before.started)
  row(t, 142, '0 of 1 programs taken for the one before it')
})

test('once it has ended nothing is known of it any more, whoever has its number', {
  skip,
}, async (t) => {
  const child = shell()
  await once(child.stdout ?? child, 'data')
  const { process, pidfd } = opened(child)
  await process.measure()
  // The number is still somebody's: only the pidfd tells.
  pidfd.over = true
  assert.equal(await process.measure(), NO_PROCESS)
  assert.equal(process.connected(), NO_PROCESS)
  process.close()
  assert.equal(pidfd.closed, 1)
  const early = opened(child)
  const measuring = early.process.measure()
  early.pidfd.over = true
  assert.equal(await measuring, NO_PROCESS)
  row(t, 90, '0 facts lent to another process of the same number')
})

test('a descriptor of another process than the credentials name is nobody’s', () => {
  for (const pid of [-1, 0, 8]) {
    const pidfd = new HeldPidfd(pid)
    assert.equal(PeerProcess.open({ pid: 7, uid: 0, gid: 0 }, pidfd, new Executables()), null)
    assert.equal(pidfd.closed, 1)
  }
})

test('a file that changed is another executable, of the same size and time as it may be', {
  skip,
}, async () => {
  const path = join(dir, 'planner')
  const executables = new Executables()
  const digests: (string | null)[] = []
  for (const last of ['a', 'b', 'b']) {
    rmSync(path, { force: true })
    copyFileSync(SLEEP, path)
    appendFileSync(path, last)
    utimesSync(path, 1_000, 1_000)
    const child = spawn(path, ['60'])
    children.push(child)
    await once(child, 'spawn')
    digests.push((await executables.measure(child.pid ?? 0, () => false))?.digest ?? null)
    assert.equal(digests.at(-1), digestOf(path))
    child.kill('SIGKILL')
    await once(child, 'exit')
  }
  assert.equal(new Set(digests).size, 2)
})

test('a file that was put in the place of what runs does not pass for it', { skip }, async () => {
  const path = join(dir, 'replaced')
  copyFileSync(SLEEP, path)
  const child = spawn(path, ['60'])
  children.push(child)
  await once(child, 'spawn')
  const { process } = opened(child)
  assert.equal((await process.measure()).path, path)
  rmSync(path)
  copyFileSync(SHELL, path)
  const { exe, path: found } = await process.measure()
  assert.deepEqual([exe, found], [digestOf(SLEEP), null])
})
