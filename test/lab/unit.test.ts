/**
 * The unit as it is shipped, run by a systemd: the daemon decides with what it
 * is left of the host, and a dependency that attacks from inside it (FAULTS 106)
 * is let nothing: no file of others, no right, no system call that the daemon
 * has no use for.
 */
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { chmodSync, cpSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { after, before, test } from 'node:test'
import type { Host } from '../../src/cli/stage.ts'
import type { DecisionView } from '../../src/client/types.ts'
import { ASK, eventually, grant, Lab } from '../e2e/lab.ts'
import { hostileModule, PLACES, PROGRAM, type Tries } from './hostile.ts'
import { row } from './row.ts'
import { Systemd, skip, targets } from './systemd.ts'

/** Of nobody else on this machine. */
const USER = 54_717
const OWN = '/run/meshd'
/** The same attack by the same user, in a process that no unit confines. */
const FREE = '/run/free'
/** Each unit has these for itself: what is written there is seen by nobody else. */
const PRIVATE = ['/tmp', '/var/tmp']
/** Whoever is on this machine may write it; the unit alone keeps it. */
const OPEN = '/srv/open'
const SHARED = [...PLACES, OPEN, '/dev/shm', '/dev/mqueue', '/dev', '/home', '/sys/fs/cgroup']

/** Sets of systemd's whose calls the daemon has no use for; but files are given to groups. */
const REFUSED = ['@privileged', '@resources', '@mount', '@debug', '@obsolete', '@cpu-emulation']
const USED = '@chown'

const CONFIG = `version: 1
node: { name: atlas, data_dir: /var/lib/meshd, keys_dir: /var/lib/meshd-keys }
mesh: { listen: [/ip4/127.0.0.1/tcp/0] }
api: { dir: /run/meshd }
audit: { disk_reserve: 1MiB }
`

const LOG = '/lab/daemon.log'
/** All that is added to the unit: it is loaded with the module, and its words go to a file. */
const DROP_IN = `[Service]
Environment="NODE_OPTIONS=--import=file:///lab/own.mjs"
StandardOutput=file:${LOG}
StandardError=file:${LOG}
`

const lab = new Lab()
const systemd = skip === false ? new Systemd() : null

/** Of a set, and of the sets in it. */
function callsOf(set: string): readonly string[] {
  const said = execFileSync('systemd-analyze', ['syscall-filter', set], { encoding: 'utf8' })
  const [, ...lines] = said.split('\n').map((line) => line.trim())
  return lines
    .filter((line) => line !== '' && !line.startsWith('#'))
    .flatMap((line) => (line.startsWith('@') ? callsOf(line) : [line]))
}

function refusedCalls(): readonly string[] {
  const used = callsOf(USED)
  const calls = new Set(REFUSED.flatMap(callsOf))
  return [...calls].filter((call) => !used.includes(call))
}

const withLine = (file: string, line: string) =>
  `${readFileSync(file, 'utf8').trimEnd()}\n${line}\n`

/** Every file that is not there on this machine, or is another one. */
function files(): Readonly<Record<string, string>> {
  const attack = { places: [...SHARED, ...PRIVATE], calls: refusedCalls() }
  const units = Object.entries(targets('meshd.service'))
  return {
    'etc/meshd/meshd.yaml': CONFIG,
    'etc/passwd': withLine('/etc/passwd', `meshd:x:${USER}:${USER}::/:/usr/sbin/nologin`),
    'etc/group': withLine('/etc/group', `meshd:x:${USER}:`),
    ...Object.fromEntries(units.map(([name, text]) => [`lab/units/${name}`, text])),
    'lab/units/meshd.service': readFileSync('config/meshd.service', 'utf8'),
    'lab/units/meshd.service.d/lab.conf': DROP_IN,
    'lab/own.mjs': hostileModule({ ...attack, dir: OWN }),
    'lab/free.mjs': hostileModule({ ...attack, dir: FREE }),
  }
}

/** A daemon that may allow, moved to where the unit keeps it. */
async function moveIn({ seed }: Systemd): Promise<void> {
  const [host] = (await lab.mesh(['atlas'])) as [Host]
  await grant(host)
  await host.stop()
  for (const [path, text] of Object.entries(files())) {
    mkdirSync(dirname(join(seed, path)), { recursive: true, mode: 0o755 })
    writeFileSync(join(seed, path), text)
  }
  mkdirSync(join(seed, OPEN), { recursive: true })
  chmodSync(join(seed, OPEN), 0o777)
  cpSync(join(host.dir, 'data'), join(seed, 'var/lib/meshd'), { recursive: true })
  cpSync(join(host.dir, 'keys'), join(seed, 'var/lib/meshd-keys'), { recursive: true })
  const owned = ['etc/meshd', 'var/lib/meshd', 'var/lib/meshd-keys'].map((at) => join(seed, at))
  execFileSync('chown', ['-R', `${USER}:${USER}`, ...owned])
}

before(async () => {
  if (systemd === null) return
  await moveIn(systemd)
  await systemd.boot()
})

after(async () => {
  await systemd?.[Symbol.asyncDispose]()
  await lab[Symbol.asyncDispose]()
})

/** Asked in there: whoever asks from another namespace is nobody that the daemon could see. */
function decided(by: Systemd): boolean {
  const words = ['env', 'MESHD_CONFIG=/etc/meshd/meshd.yaml', 'HOME=/', '/usr/bin/meshd']
  const said = by.run(...words, 'authorize', ...ASK, '--no-input', '--json')
  return (JSON.parse(said) as { item: DecisionView }).item.decision
}

/** What the module was let do in that process. */
async function tried(by: Systemd, dir: string): Promise<Tries> {
  const said = join(by.root, dir, 'tries')
  await eventually(
    'it tried',
    async () => existsSync(said),
    (there) => there,
    60_000,
  )
  return JSON.parse(readFileSync(said, 'utf8')) as Tries
}

const letOf = (tries: Tries) => Object.keys(tries).filter((name) => tries[name])

/** The module by itself, as the user of the unit without any right. */
async function unconfined(by: Systemd): Promise<Tries> {
  by.run('install', '-d', '-m', '777', FREE)
  writeFileSync(join(by.root, FREE, 'go'), '')
  const rights = [`--reuid=${USER}`, `--regid=${USER}`, '--clear-groups', '--bounding-set=-all']
  const node = ['node', '--import=file:///lab/free.mjs', '--eval', 'setTimeout(() => {}, 4000)']
  by.run('setpriv', ...rights, ...node)
  return tried(by, FREE)
}

test('under systemd the daemon decides, and a dependency that attacks from inside it is let nothing', {
  skip,
}, async (t) => {
  const by = systemd as Systemd
  await eventually(
    'it decides',
    async () => {
      try {
        return decided(by)
      } catch {
        return readFileSync(join(by.root, LOG), 'utf8')
      }
    },
    (so) => so === true,
    30_000,
  )
  writeFileSync(join(by.root, OWN, 'go'), '')
  const tries = await tried(by, OWN)
  const own = PRIVATE.map((place) => `write ${place}`)
  assert.deepEqual(letOf(tries).sort(), [...own, PROGRAM].sort())
  for (const place of PRIVATE)
    assert.equal(existsSync(join(by.root, place, 'meshd-hostile')), false, place)
  assert.equal(decided(by), true)

  const all = Object.keys(tries).filter((name) => name !== PROGRAM && !own.includes(name))
  const calls = all.filter((name) => name.startsWith('call '))
  const free = letOf(await unconfined(by))
  const through = free.filter((name) => name.startsWith('call '))
  assert.ok(through.length > calls.length / 2, `without the unit ${through.length} calls are let`)
  row(
    t,
    106,
    `under systemd 0 of ${all.length} attempts got through, ${calls.length} of them system calls; without the unit ${free.length} do. Its /tmp is its own, and programs can be started, for a collector is one; not executed: permission flags, which the launcher does not set`,
  )
})
