/**
 * A systemd of its own, as the first process of its own namespaces: it runs a
 * unit as it is shipped, on a copy of this machine's files that is thrown away.
 * Of the controllers of cgroups it has none: what limits memory and tasks is
 * read, and not enforced.
 */
import { type ChildProcess, execFileSync, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { eventually } from '../e2e/lab.ts'

const SYSTEMD = '/lib/systemd/systemd'
/** What a unit that is started names, and what here nobody needs. */
const TARGETS = ['sysinit', 'basic', 'network-online', 'shutdown', 'local-fs', 'exit']

/** $1 is the group of processes, $2 the scratch folder, $3 what is there as /opt/meshd, $4 its Node; the rest is run. */
const BOOT = `set -e
echo $$ > "$1/cgroup.procs"
shift
exec unshare --mount --pid --ipc --uts --cgroup --net --fork --kill-child sh -ec '
  mount --make-rprivate /
  mount -t tmpfs -o mode=0755 tmpfs "$0/mem"
  cp -a "$0/seed" "$0/mem/up"
  mkdir "$0/mem/work" "$0/mem/root"
  root="$0/mem/root"
  mount -t overlay -o "lowerdir=/,upperdir=$0/mem/up,workdir=$0/mem/work" overlay "$root"
  mkdir -p "$root/opt/meshd"
  mount --bind "$1" "$root/opt/meshd"
  ln -sf /opt/meshd/bin/meshd.js "$root/usr/bin/meshd"
  rm -f "$root/usr/local/bin/node"
  touch "$root/usr/local/bin/node"
  mount --bind "$2" "$root/usr/local/bin/node"
  for at in run tmp dev; do mount -t tmpfs -o mode=0755 tmpfs "$root/$at"; done
  mount -t proc proc "$root/proc"
  mount -o bind,ro "$root/proc/sys" "$root/proc/sys"
  mount -t sysfs -o ro sysfs "$root/sys"
  mount -t cgroup2 cgroup2 "$root/sys/fs/cgroup"
  for at in null zero full random urandom tty; do
    touch "$root/dev/$at"
    mount --bind "/dev/$at" "$root/dev/$at"
  done
  mkdir "$root/dev/shm" "$root/dev/pts"
  ln -s pts/ptmx "$root/dev/ptmx"
  chmod 1777 "$root/dev/shm" "$root/tmp"
  shift 2
  mkdir "$root/old"
  cd "$root"
  pivot_root . old
  umount -l /old
  exec "$@"
' "$@"`

const MANAGER = [
  ...['env', '-i', 'container=lab', 'PATH=/usr/sbin:/usr/bin:/sbin:/bin'],
  ...['SYSTEMD_UNIT_PATH=/lab/units', 'SYSTEMD_GENERATOR_PATH=/lab/none', SYSTEMD, '--system'],
  ...['--unit=lab.target', '--log-target=null', '--show-status=no'],
]

/** Where this process's group is, among those that count as one tree; null where there are none. */
function groupHere(): string | null {
  const mounts = existsSync('/proc/self/mounts') ? readFileSync('/proc/self/mounts', 'utf8') : ''
  const at = /^\S+ (\S+) cgroup2 /m.exec(mounts)?.[1]
  const own = /^0::(.*)$/m.exec(at === undefined ? '' : readFileSync('/proc/self/cgroup', 'utf8'))
  return at === undefined || own === null ? null : join(at, own[1] ?? '')
}

function missing(): string | null {
  if (process.getuid?.() !== 0) return 'only root can run a systemd of its own'
  if (!existsSync(SYSTEMD)) return 'no systemd here'
  if (groupHere() === null) return 'no cgroup2 here, without which systemd does not start'
  const tools = [
    ['unshare', '--mount', '--pid', '--ipc', '--uts', '--cgroup', '--net', '--fork', 'true'],
    ['nsenter', '--version'],
    ['setpriv', '--version'],
  ]
  const lacks = tools.find(([name = '', ...args]) => spawnSync(name, args).status !== 0)
  if (lacks !== undefined) return `no ${lacks[0]} here that works`
  const overlays = /\boverlay$/m.test(readFileSync('/proc/filesystems', 'utf8'))
  return overlays ? null : 'no overlay of files here'
}

export const skip = missing() ?? false

export class Systemd implements AsyncDisposable {
  readonly #dir = mkdtempSync(join(tmpdir(), 'meshd-systemd-'))
  readonly #group = join(groupHere() ?? '', `meshd-lab-${process.pid}`)
  #manager: ChildProcess | null = null
  #first = 0

  constructor() {
    for (const each of ['seed', 'mem']) mkdirSync(join(this.#dir, each), { mode: 0o755 })
  }

  /** What is put here stands over the files of this machine, once it boots. */
  get seed(): string {
    return join(this.#dir, 'seed')
  }

  /** The files as systemd sees them. */
  get root(): string {
    return `/proc/${this.#first}/root`
  }

  /** Its units are those below /lab/units of the seed. */
  async boot(): Promise<void> {
    mkdirSync(this.#group)
    const places = [this.#group, this.#dir, resolve('.'), process.execPath]
    // Whatever becomes of the test, nothing of it is left.
    const words = ['--pdeathsig', 'KILL', 'sh', '-c', BOOT, 'sh', ...places, ...MANAGER]
    const manager = spawn('setpriv', words, { stdio: 'ignore' })
    this.#manager = manager
    const children = `/proc/${manager.pid}/task/${manager.pid}/children`
    await eventually(
      'systemd runs',
      async () => {
        this.#first = Number(readFileSync(children, 'utf8').trim())
        return existsSync(join(this.root, 'run/systemd/private'))
      },
      (runs) => runs,
    )
  }

  /** Runs a command in there, as root and without what confines a unit. */
  run(...words: readonly string[]): string {
    const spaces = ['--mount', '--pid', '--ipc', '--uts', '--cgroup', '--net', '--root', '--wd=/']
    return execFileSync('nsenter', ['--target', String(this.#first), ...spaces, ...words], {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { PATH: '/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin' },
    })
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const manager = this.#manager
    if (manager !== null && manager.exitCode === null && manager.signalCode === null) {
      const ended = once(manager, 'exit')
      manager.kill('SIGKILL')
      await ended
    }
    await eventually(
      'all of it has ended',
      async () => removed(this.#group),
      (gone) => gone,
    )
    rmSync(this.#dir, { recursive: true, force: true })
  }
}

/** Whether the group, and those in it, are gone: a group with a process in it stays. */
function removed(group: string): boolean {
  try {
    execFileSync('find', [group, '-mindepth', '1', '-depth', '-type', 'd', '-delete'], {
      stdio: 'ignore',
    })
    rmdirSync(group)
  } catch {
    // Somebody is still in it, or it was never made.
  }
  return !existsSync(group)
}

/** Units that stand for what a host has, and the one that begins everything. */
export function targets(begins: string): Readonly<Record<string, string>> {
  const empty = TARGETS.map((name) => [`${name}.target`, '[Unit]\nDefaultDependencies=no\n'])
  const lab = `[Unit]\nDefaultDependencies=no\nAllowIsolate=yes\nWants=${begins}\n`
  return { ...Object.fromEntries(empty), 'lab.target': lab }
}
