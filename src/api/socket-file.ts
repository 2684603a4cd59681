/**
 * The file of a unix socket: made private in a directory that nobody else may
 * write, widened afterwards, and taken over only from a daemon that is gone.
 */
import { chmodSync, chownSync, lstatSync, mkdirSync, statSync, unlinkSync } from 'node:fs'
import net from 'node:net'
import { dirname } from 'node:path'
import { SOCKET_PATH_BYTES_MAX } from '../core/limits.ts'
import { MeshError } from '../core/problems.ts'
import { foreignOwner } from '../daemon/owner.ts'
import type { SocketSpec } from './server.ts'

/** Its directory, and room for it. @throws MeshError CONFIG_INVALID; NOT_READY when another daemon listens there */
export async function prepareSocket({ path, gid }: SocketSpec): Promise<void> {
  if (Buffer.byteLength(path) > SOCKET_PATH_BYTES_MAX)
    throw new MeshError(
      'CONFIG_INVALID',
      `${path}: longer than ${SOCKET_PATH_BYTES_MAX} bytes, the bound of a unix socket`,
      {
        hint: 'set api.dir to a shorter path',
      },
    )
  const made = mkdirSync(dirname(path), { recursive: true, mode: 0o750 })
  // Whose members may open what is in it have to get there.
  if (made !== undefined && gid !== undefined) give(dirname(path), gid)
  checkDirectory(dirname(path))
  await clearStale(path)
}

/** Who may write it can put a daemon of their own in this one's place; only the sticky bit prevents that, and its owner not even that. @throws MeshError CONFIG_INVALID */
function checkDirectory(path: string): void {
  const owner = foreignOwner(path)
  if (owner !== null)
    throw new MeshError(
      'CONFIG_INVALID',
      `${path}: it, or the link that leads there, belongs to uid ${owner}, who could replace a socket`,
      { hint: `chown it, or set api.dir to a directory of your own` },
    )
  const { mode } = statSync(path)
  if ((mode & 0o1000) === 0 && (mode & 0o022) !== 0)
    throw new MeshError(
      'CONFIG_INVALID',
      `${path}: its mode ${(mode & 0o777).toString(8)} lets others replace a socket`,
      { hint: `chmod go-w ${path}` },
    )
}

/** The group first: it is never wide for another one. @throws MeshError CONFIG_INVALID */
export function widen({ path, mode, gid }: SocketSpec): void {
  if (gid !== undefined) give(path, gid)
  chmodSync(path, mode)
}

/** @throws MeshError CONFIG_INVALID */
function give(path: string, gid: number): void {
  try {
    chownSync(path, process.getuid?.() ?? -1, gid)
  } catch (cause) {
    throw new MeshError('CONFIG_INVALID', `${path}: it cannot be given to group ${gid}`, {
      hint: 'make the user of the daemon a member of that group',
      cause,
    })
  }
}

/** An answer means a second daemon; refused means a file that a killed one left. */
async function clearStale(path: string): Promise<void> {
  const stat = lstatSync(path, { throwIfNoEntry: false })
  if (stat === undefined) return
  if (!stat.isSocket()) throw new MeshError('CONFIG_INVALID', `${path}: exists and is no socket`)
  const answered = await new Promise<boolean>((done) => {
    const probe = net.connect(path)
    probe.on('connect', () => done(true)).on('error', () => done(false))
    probe.on('connect', () => probe.destroy())
  })
  if (answered)
    throw new MeshError('NOT_READY', `another daemon listens on ${path}`, { hint: 'meshd status' })
  unlinkSync(path)
}

export function unlinkQuietly(path: string): void {
  try {
    unlinkSync(path)
  } catch {
    // server.close() has removed it already on most systems.
  }
}
