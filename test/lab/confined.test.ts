/**
 * A dependency that attacks from inside the daemon (FAULTS 106), confined by
 * what config/meshd.service asks systemd for, as far as the kernel gives it
 * without systemd: another user, no capabilities, no new privileges, and
 * nothing to write but the daemon's own directory. The unit's filter of system
 * calls is not among it: unit.test.ts has that, where there is a systemd.
 */
import assert from 'node:assert/strict'
import { type ChildProcess, execFileSync, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { after, before, test } from 'node:test'
import { pathToFileURL } from 'node:url'
import type { Host } from '../../src/cli/stage.ts'
import { eventually, grant, Lab } from '../e2e/lab.ts'
import { raw, request, socketOf } from '../e2e/raw.ts'
import { hostileModule, PLACES, PROGRAM } from './hostile.ts'
import { row } from './row.ts'

const NOBODY = 65_534
const LAUNCHER = resolve('bin/meshd.js')
/** $1 may be written. What is mounted elsewhere is, from here on, read-only here. */
const CONFINE = `set -e
mount --make-rprivate /
mount --bind "$1" "$1"
for at in $(cut -d' ' -f2 /proc/self/mounts | sort -u); do
  [ "$at" = "$1" ] || mount -o remount,bind,ro "$at" 2>/dev/null || true
done
shift
exec setpriv --reuid=${NOBODY} --regid=${NOBODY} --clear-groups --bounding-set=-all --inh-caps=-all --no-new-privs -- "$@"`

const confinable =
  process.getuid?.() === 0 &&
  spawnSync('unshare', ['--mount', 'setpriv', '--version'], { stdio: 'ignore' }).status === 0
const skip = confinable
  ? false
  : 'only root can confine a process like this, with unshare and setpriv'

const lab = new Lab()
let host: Host
let daemon: ChildProcess | null = null

before(async () => {
  if (skip !== false) return
  ;[host] = (await lab.mesh(['atlas'])) as [Host]
  await grant(host)
  await host.stop()
  chmodSync(lab.dir, 0o711)
})

after(async () => {
  daemon?.kill('SIGKILL')
  await lab[Symbol.asyncDispose]()
})

/** The daemon with the module in it. */
function start(): ChildProcess {
  const module = join(host.dir, 'hostile.mjs')
  const places = [...PLACES, '/tmp', '/var/tmp', '/dev/shm']
  writeFileSync(module, hostileModule({ dir: host.dir, places }))
  execFileSync('chown', ['-R', `${NOBODY}:${NOBODY}`, host.dir])
  const env = { ...host.env, NODE_OPTIONS: `--import=${pathToFileURL(module)}` }
  const command = [host.dir, process.execPath, LAUNCHER, 'start']
  const confine = ['--mount', '--ipc', '--uts', 'sh', '-c', CONFINE, 'sh']
  return spawn('unshare', [...confine, ...command], { env, stdio: 'ignore' })
}

/** Asked by hand: a client takes a socket of nobody's for an impostor's. */
async function allows(): Promise<boolean> {
  const body =
    '{"subject":{"type":"principal","id":"me"},"action":{"name":"job:deploy"},"resource":{"type":"env","id":"staging"}}'
  const path = '/access/v1/evaluation'
  return /"decision":true/.test(await raw(socketOf(host, 'meshd'), request('POST', path, body)))
}

/** What the module was let do, by name. */
async function tried(): Promise<ReadonlyMap<string, boolean>> {
  daemon = start()
  await eventually('it allows', allows, (so) => so, 30_000)
  writeFileSync(join(host.dir, 'go'), '')
  const said = join(host.dir, 'tries')
  await eventually(
    'it tried',
    async () => existsSync(said),
    (there) => there,
    60_000,
  )
  assert.equal(await allows(), true)
  daemon.kill('SIGTERM')
  await once(daemon, 'close')
  return new Map(Object.entries(JSON.parse(readFileSync(said, 'utf8'))))
}

test('a dependency that attacks, confined as the unit does, writes nowhere else and gets no right', {
  skip,
}, async (t) => {
  const tries = await tried()
  assert.deepEqual(
    [...tries].filter(([, through]) => through),
    [[PROGRAM, true]],
  )
  row(
    t,
    106,
    `without systemd, and so without its filter of system calls, 0 of ${tries.size - 1} attempts got through`,
  )
})
