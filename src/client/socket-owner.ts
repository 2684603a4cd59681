/**
 * Whose socket it is, before anything is said into it: who listens there
 * answers for this host. Root, this very user, and the user that daemons run
 * as (`meshd`, or $MESHD_DAEMON_USER, a name or a number) may; anybody else who
 * put a socket in that place is an impostor, and so may be whoever can replace
 * what stands in its directory.
 */
import { lstatSync, readFileSync, realpathSync, type Stats, statSync } from 'node:fs'
import { dirname } from 'node:path'
import { MeshError } from '../core/problems.ts'

const DAEMON_USER = 'meshd'
const STICKY = 0o1000
const OTHERS_WRITE = 0o022

/** Says nothing of a path where nothing is. @throws MeshError UNREACHABLE for an impostor's */
export function checkSocketOwner(path: string, env = process.env, self = process.getuid?.()): void {
  const found = lstatSync(path, { throwIfNoEntry: false })
  const real = found?.isSymbolicLink() === true ? followed(path) : path
  const socket = real === null ? undefined : statSync(real, { throwIfNoEntry: false })
  if (found === undefined || socket === undefined || real === null || self === undefined) return
  const may = (uid: number) => uid === 0 || uid === self || uid === daemonUid(env)
  if (!may(socket.uid)) throw impostor(path, `it belongs to uid ${socket.uid}`)
  const dir = statSync(dirname(real))
  if (!may(dir.uid)) throw impostor(path, `its directory belongs to uid ${dir.uid}`)
  if (replaceable(dir)) throw impostor(path, 'others may replace it, by the mode of its directory')
}

function followed(path: string): string | null {
  try {
    return realpathSync(path)
  } catch {
    return null // It leads nowhere, and connecting says so.
  }
}

/** Only the sticky bit keeps others from it where they may write. */
function replaceable({ mode }: Stats): boolean {
  return (mode & OTHERS_WRITE) !== 0 && (mode & STICKY) === 0
}

function impostor(path: string, why: string): MeshError {
  return new MeshError('UNREACHABLE', `who listens on ${path} may be anybody: ${why}`, {
    hint: 'ls -l there; MESHD_DAEMON_USER names the user of the daemon, where that is another than meshd',
  })
}

/** null for a host that has no such user. `meshd:x:987:987:…` */
function daemonUid(env: NodeJS.ProcessEnv): number | null {
  const user = env['MESHD_DAEMON_USER'] ?? DAEMON_USER
  if (/^\d{1,10}$/.test(user)) return Number(user)
  const line = users().find((each) => each.startsWith(`${user}:`))
  const uid = line?.split(':')[2] ?? ''
  return /^\d{1,10}$/.test(uid) ? Number(uid) : null
}

function users(): readonly string[] {
  try {
    return readFileSync('/etc/passwd', 'utf8').split('\n')
  } catch {
    return [] // a host without the file has no users by name
  }
}
