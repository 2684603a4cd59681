/**
 * A disk that is full while the daemon runs (FAULTS 22, 23): nothing is
 * allowed that could not be recorded, a revocation and a freeze still land, and
 * with room again the same daemon goes on.
 */
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { closeSync, mkdirSync, openSync, rmSync, statfsSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import type { Host } from '../../src/cli/stage.ts'
import { authorize, eventually, grant, Lab, status } from '../e2e/lab.ts'
import { row } from '../lab/row.ts'

const MIB = 1024 * 1024
const lab = new Lab()
const host: Host = lab.host('atlas')
const data = join(host.dir, 'data')
const ballast = join(data, 'ballast')
const mounted = mount()
const skip = mounted ? false : 'mounting a tmpfs is not allowed here'

function mount(): boolean {
  mkdirSync(data, { mode: 0o700 })
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=64m,mode=0700', 'tmpfs', data], {
      stdio: 'ignore',
    })
    return true
  } catch {
    // Not root, or in a container: the test is skipped, and says so.
    return false
  }
}

before(async () => {
  if (!mounted) return
  await host.do('init', '--mesh', 'prod', '--staleness', '5s')
  host.start()
  await host.do('wait', '--for', 'ready')
})

after(async () => {
  await host.stop('SIGKILL')
  if (mounted) execFileSync('umount', [data])
  await lab[Symbol.asyncDispose]()
})

const free = () => statfsSync(data).bavail * statfsSync(data).bsize

/** Takes room until so much is left; to the last byte with 0. */
function fill(left: number): void {
  const file = openSync(ballast, 'a')
  try {
    while (free() > left)
      writeSync(file, Buffer.alloc(Math.min(MIB, Math.max(4096, free() - left))))
  } catch {
    // ENOSPC is what was wanted.
  } finally {
    closeSync(file)
  }
}

test('a full disk denies, takes a revocation, and is left behind without a restart', {
  skip,
}, async (t) => {
  const { pid } = host
  const doomed = await grant(host)
  assert.equal((await authorize(host)).code, null)
  for (const left of [8 * MIB, 0]) {
    fill(left)
    const denied = await eventually(
      'denied',
      () => authorize(host),
      ({ decision }) => decision === false,
    )
    assert.equal(denied.code, 'AUDIT_UNAVAILABLE', denied.detail ?? '')
    assert.equal((await host.run('status')).status, 6)
    assert.equal((await host.run('exec', '--action', 'job:deploy', '--', 'true')).status, 126)
  }
  await host.do('freeze', 'action:other', '-m', 'INC-3', '--yes', '--wait=committed')
  await host.do('revoke', doomed, '-m', 'INC-3', '--yes', '--wait=committed')
  assert.equal((await status(host)).governance.revocations, 1)
  assert.equal((await authorize(host)).decision, false)

  rmSync(ballast)
  await host.do('wait', '--for', 'ready', '--timeout', '30s')
  assert.equal((await authorize(host)).code, 'REVOKED')
  await grant(host)
  const allowed = await eventually(
    'allowed again',
    () => authorize(host),
    ({ decision }) => decision === true,
  )
  assert.equal(allowed.code, null)
  assert.equal(host.pid, pid)
  await host.do('audit', 'verify')

  await host.stop('SIGKILL')
  host.start()
  await host.do('wait', '--for', 'ready')
  assert.equal((await status(host)).governance.revocations, 1)
  await host.do('audit', 'verify')
  row(t, 22, 'the same daemon goes on when there is room: 0 allows while full')
})
