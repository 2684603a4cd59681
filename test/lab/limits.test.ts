/**
 * A daemon that gets little: of the processor, of memory, of heap. It denies what it cannot decide in
 * time and goes on; one that is killed for its memory has lost nothing.
 */
import assert from 'node:assert/strict'
import { existsSync, mkdirSync, rmdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import type { Host } from '../../src/cli/stage.ts'
import { authorize, grant, Lab } from '../e2e/lab.ts'
import { callsDuring, logged, lostOf } from './callers.ts'
import { rssOf } from './gauges.ts'
import { row } from './row.ts'

const MIB = 1024 * 1024
const RUN_MS = 4_000
const CPU_PERCENT = 10
const MEMORY_MIB = 150

const lab = new Lab()
let host: Host

before(async () => {
  ;[host] = (await lab.mesh(['atlas'], '30s')) as [Host]
  await grant(host)
})

after(() => lab[Symbol.asyncDispose]())

const pause = (ms: number) => new Promise((over) => setTimeout(over, ms))

/** A group of version 1 of a controller; null where there is none that may be made. */
function group(controller: string, files: Readonly<Record<string, number>>): string | null {
  const dir = join('/sys/fs/cgroup', controller, `meshd-lab-${process.pid}`)
  try {
    if (!existsSync(join('/sys/fs/cgroup', controller, 'cgroup.procs'))) return null
    mkdirSync(dir)
    for (const [name, value] of Object.entries(files)) writeFileSync(join(dir, name), `${value}`)
    process.once('exit', () => {
      // Its processes are gone by then, or it stays: it limits nobody else.
      try {
        rmdirSync(dir)
      } catch {}
    })
    return dir
  } catch {
    // Not root, or version 2: the test is skipped, and says so.
    return null
  }
}

const cpu = group('cpu', { 'cpu.cfs_period_us': 100_000, 'cpu.cfs_quota_us': CPU_PERCENT * 1_000 })
const memory = group('memory', { 'memory.limit_in_bytes': MEMORY_MIB * MIB })

test('with a tenth of a processor it denies in time what it cannot decide, and recovers', {
  skip: cpu === null ? 'no cgroup of the processor can be made here' : false,
}, async (t) => {
  const journal = await callsDuring(host, 16, async () => {
    writeFileSync(join(cpu ?? '', 'cgroup.procs'), `${host.pid}`)
    await pause(RUN_MS)
    writeFileSync('/sys/fs/cgroup/cpu/cgroup.procs', `${host.pid}`)
  })
  for (const code of journal.denied.keys())
    assert.match(code, /DEADLINE|OVERLOADED|GOVERNANCE_STALE|CLOCK_UNTRUSTED|AUDIT_UNAVAILABLE/)
  await host.do('wait', '--for', 'ready', '--timeout', '30s')
  assert.equal((await authorize(host)).decision, true)
  const denied = [...journal.denied].map(([code, count]) => `${count} ${code}`).join(', ')
  row(
    t,
    35,
    `${CPU_PERCENT} %: ${journal.allowed.length} allowed, denied: ${denied || '0'}; recovers`,
  )
})

test('with little memory it serves, or is killed and has lost nothing', {
  skip: memory === null ? 'no cgroup of memory can be made here' : false,
}, async (t) => {
  await host.stop()
  // What it takes from its first moment on counts: it is begun in there.
  writeFileSync(join(memory ?? '', 'cgroup.procs'), `${process.pid}`)
  try {
    host.start()
  } finally {
    writeFileSync('/sys/fs/cgroup/memory/cgroup.procs', `${process.pid}`)
  }
  const { pid } = host
  await host.answers().catch(() => {})
  const rss: number[] = []
  const journal = await callsDuring(host, 16, async () => {
    for (let i = 0; i < 4; i += 1) {
      await pause(RUN_MS / 4)
      if (existsSync(`/proc/${pid}/status`)) rss.push(rssOf(host))
    }
  })
  const exit = await host.stop('SIGKILL')
  assert.deepEqual(lostOf(journal.allowed, await logged(host)), [])
  const ended = rss.length === 4 ? 'not killed' : `killed, exit ${exit}`
  row(
    t,
    33,
    `${MEMORY_MIB} MiB: RSS ${rss.join(', ')} MiB over ${RUN_MS / 1_000} s, ${ended}; 0 lost of ${journal.allowed.length}`,
  )
})
