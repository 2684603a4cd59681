/**
 * A dependency that attacks from inside the daemon (FAULTS 106): the text of a
 * module that is loaded with it, and that tries, once it is told to, whatever
 * it should not be let do, by itself and by programs that it starts.
 */
import { resolve } from 'node:path'

export interface Hostile {
  /** Its own, to write to: it is told there by a file `go`, and says there in `tries`. */
  readonly dir: string
  /** Where it has nothing to write. */
  readonly places: readonly string[]
  /** System calls that it has no use for, by name. */
  readonly calls?: readonly string[]
}

/** What it was let do, by name. */
export type Tries = Readonly<Record<string, boolean>>

export const PLACES = ['/etc', '/usr/bin', '/var/lib', '/root', '/run', resolve('src')]
/** The attempt that is let: a collector is a program, and what is started has no other rights. */
export const PROGRAM = 'start a program'

/** What needs no right of its own on a host that filters nothing. */
const UNFILTERED = `
  const libc = ffi.dlopen('libc.so.6', {
    syscall: { arguments: Array(7).fill('i64'), return: 'i64' },
    socket: { arguments: ['i32', 'i32', 'i32'], return: 'i32' },
    __errno_location: { arguments: [], return: 'pointer' },
  }).functions
  const { seccomp_syscall_resolve_name: numberOf } = ffi.dlopen('libseccomp.so.2', {
    seccomp_syscall_resolve_name: { arguments: ['string'], return: 'i32' },
  }).functions
  const errno = libc.__errno_location()
  const EPERM = 1
  for (const name of CALLS) {
    const number = numberOf(name)
    // A call of another architecture has no number of its own here.
    if (number < 0) continue
    const said = libc.syscall(BigInt(number), ...Array(6).fill(-1n))
    tries['call ' + name] = !(said === -1n && ffi.getInt32(errno) === EPERM)
  }
  for (const [name, family] of [['netlink', 16], ['packet', 17], ['vsock', 40], ['alg', 38]])
    tries['socket ' + name] = libc.socket(family, 3, 0) >= 0
  attempt('priority', () => os.setPriority(19))
  writeFileSync(DIR + '/mine', 'x')
  attempt('set-uid bit', () => chmodSync(DIR + '/mine', 0o4755))
  attempt('a namespace', () => sh('unshare --user true'))
  attempt('another personality', () => sh('setarch --addr-no-randomize true'))
`

export function hostileModule({ dir, places, calls = [] }: Hostile): string {
  return `
import { execFileSync } from 'node:child_process'
import { chmodSync, existsSync, readFileSync, writeFileSync } from 'node:fs'
import ffi from 'node:ffi'
import os from 'node:os'
const DIR = ${JSON.stringify(dir)}
const PROGRAM = ${JSON.stringify(PROGRAM)}
const CALLS = ${JSON.stringify(calls)}
const tries = {}
const attempt = (name, run) => {
  try { run(); tries[name] = true } catch { tries[name] = false }
}
const sh = (line) => execFileSync('sh', ['-c', line], { stdio: 'ignore', timeout: 5000 })
const attack = () => {
  for (const place of ${JSON.stringify(places)})
    attempt('write ' + place, () => writeFileSync(place + '/meshd-hostile', 'x'))
  attempt('hostname', () => writeFileSync('/proc/sys/kernel/hostname', 'x'))
  attempt('core pattern', () => writeFileSync('/proc/sys/kernel/core_pattern', 'x'))
  attempt('environ of init', () => readFileSync('/proc/1/environ'))
  attempt('shadow', () => readFileSync('/etc/shadow'))
  attempt('memory of init', () => readFileSync('/proc/1/mem'))
  attempt('become root', () => process.setuid(0))
  attempt('kill init', () => process.kill(1, 0))
  attempt('mount', () => sh('mount -t tmpfs none /mnt'))
  attempt('take back read-only', () => sh('mount -o remount,bind,rw /'))
  attempt('become root by a program', () => sh('setpriv --reuid=0 true'))
  attempt('program of root', () => sh('su root -c true </dev/null'))
  attempt('device', () => sh('mknod ' + DIR + '/disk b 8 0'))
  attempt('owner', () => sh('touch ' + DIR + '/own && chown 0 ' + DIR + '/own'))
  attempt('time', () => sh('date -s "$(date)"'))
  attempt(PROGRAM, () => sh('true'))
  attempt('write by a program', () => sh('echo x > /etc/meshd-hostile'))
  ${calls.length > 0 ? UNFILTERED : ''}
}
const timer = setInterval(() => {
  if (!existsSync(DIR + '/go')) return
  clearInterval(timer)
  try { attack() } catch (error) { tries[String(error)] = true }
  writeFileSync(DIR + '/told', JSON.stringify(tries))
  execFileSync('mv', [DIR + '/told', DIR + '/tries'])
}, 100)
timer.unref()
`
}
