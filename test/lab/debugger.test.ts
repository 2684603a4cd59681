/** What a host may say to a daemon so that it opens itself: a debugger asked for in each way there is, and what the configuration does not know (FAULTS 104). */
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readdirSync, readFileSync, readlinkSync, writeFileSync } from 'node:fs'
import net from 'node:net'
import { resolve } from 'node:path'
import { after, before, test } from 'node:test'
import type { Host } from '../../src/cli/stage.ts'
import { authorize, eventually, grant, Lab } from '../e2e/lab.ts'
import { freePort } from '../long/nginx.ts'
import { row } from './row.ts'
import { pause } from './siege.ts'

const MESHD = resolve(import.meta.dirname, '../../bin/meshd.js')
const LISTENS = '0A'
const skip = process.platform === 'linux' ? false : 'ports are counted by /proc'

const lab = new Lab()
let atlas: Host

before(async () => {
  if (skip !== false) return
  ;[atlas] = (await lab.mesh(['atlas'])) as [Host]
  await grant(atlas)
})

after(() => lab[Symbol.asyncDispose]())

/** The ports that a process listens on. */
function portsOf(pid: number): readonly number[] {
  const own = new Set(
    readdirSync(`/proc/${pid}/fd`).map((fd) => {
      try {
        return readlinkSync(`/proc/${pid}/fd/${fd}`)
      } catch {
        return '' // closed meanwhile
      }
    }),
  )
  const lines = ['tcp', 'tcp6'].flatMap((kind) =>
    readFileSync(`/proc/net/${kind}`, 'utf8').trim().split('\n').slice(1),
  )
  return lines
    .map((line) => line.trim().split(/\s+/))
    .filter(([, , , state, , , , , , inode]) => state === LISTENS && own.has(`socket:[${inode}]`))
    .map(([, local = '']) => Number.parseInt(local.split(':')[1] ?? '', 16))
}

const opens = (port: number) =>
  new Promise<boolean>((done) => {
    const socket = net.connect(port, '127.0.0.1', () => done(true))
    socket.on('error', () => done(false)).on('connect', () => socket.destroy())
  })

const runs = (pid: number) => existsSync(`/proc/${pid}`)

/** Starts, and ends by itself with the status of a configuration that is not valid. */
async function refused(says: RegExp, env: Readonly<Record<string, string>> = {}): Promise<void> {
  writeFileSync(atlas.logFile, '')
  atlas.start(env)
  const { pid } = atlas
  await eventually(
    'it ends',
    async () => runs(pid),
    (running) => !running,
    20_000,
  )
  assert.equal(await atlas.stop(), 3)
  assert.match(atlas.log(), says)
}

test('the signal that opens a debugger in every Node opens none in a daemon', {
  skip,
}, async (t) => {
  const before = portsOf(atlas.pid)
  assert.equal(before.length, 1, 'that of libp2p')
  for (let i = 0; i < 20; i += 1) {
    process.kill(atlas.pid, 'SIGUSR1')
    await pause(50)
  }
  assert.deepEqual(portsOf(atlas.pid), before)
  assert.equal((await authorize(atlas)).code, null)
  row(t, 104, 'SIGUSR1 20 times: 0 ports open but that of libp2p')
})

test('a daemon that NODE_OPTIONS gave a debugger does not start; of --inspect nothing is left', {
  skip,
}, async (t) => {
  await atlas.stop()
  const port = await freePort()
  for (const flag of ['--inspect', '--no-warnings --inspect']) {
    await refused(/a debugger is open at 127\.0\.0\.1:\d+ {2}\[CONFIG_INVALID\]/, {
      NODE_OPTIONS: `${flag}=127.0.0.1:${port}`,
    })
    assert.equal(await opens(port), false, flag)
  }
  const daemon = spawn(process.execPath, [`--inspect=127.0.0.1:${port}`, MESHD, 'start'], {
    ...{ env: atlas.env, stdio: 'ignore' },
  })
  try {
    const asked = () => atlas.run('status', '-q')
    await eventually('it answers', asked, ({ status }) => status === 0, 30_000)
    assert.equal(portsOf(daemon.pid ?? 0).length, 1)
    assert.equal(await opens(port), false)
  } finally {
    daemon.kill('SIGKILL')
    await once(daemon, 'close')
  }
  row(t, 104, 'NODE_OPTIONS with --inspect: 2 of 2 starts refused; --inspect: 0 ports open')
})

test('a key that nobody knows is refused, and a variable that is no key says nothing', {
  skip,
}, async (t) => {
  const config = atlas.env['MESHD_CONFIG'] ?? ''
  const good = readFileSync(config, 'utf8')
  const unknown = ['lease: { allow_stale: true }', 'fail_open: true', 'checks: {}']
  for (const key of unknown) {
    writeFileSync(config, `${good}${key}\n`)
    await refused(/unknown key/)
  }
  writeFileSync(config, good)
  await refused(/environment: lease\.staleness_at_most/, {
    MESHD_LEASE_STALENESS_AT_MOST: 'for ever',
  })
  // As the keys are spelled, and as somebody would wish that they were.
  atlas.start({ MESHD_LEASE_ALLOW_STALE: '1', MESHD_API_INSECURE: '1', MESHD_FAIL_OPEN: '1' })
  await atlas.do('wait', '--for', 'ready', '--timeout', '30s')
  const other = ['authorize', '--action', 'job:other', '--resource', 'x:y', '--json'] as const
  assert.match((await atlas.run(...other)).stdout, /"decision": ?false/)
  row(
    t,
    104,
    `${unknown.length} unknown keys and a bad override refused, 3 variables that are no key: 0 allows by them`,
  )
})
