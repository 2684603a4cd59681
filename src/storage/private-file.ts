/**
 * Files and directories that belong to this user alone. A link, another
 * owner, a second name, a group or other bit: refused before it is read,
 * because whoever put it there can change it (FAULTS 30).
 */
import {
  closeSync,
  constants,
  fstatSync,
  fsyncSync,
  lstatSync,
  openSync,
  readdirSync,
} from 'node:fs'
import { join } from 'node:path'
import { MeshError } from '../core/problems.ts'

const { O_CREAT, O_DIRECTORY, O_EXCL, O_NOFOLLOW, O_NONBLOCK, O_RDONLY, O_RDWR } = constants

/** @throws MeshError CONFIG_INVALID unless it is a directory of this user, mode 0700 */
export function checkDirectory(path: string): void {
  const stat = lstatSync(path)
  if (!stat.isDirectory()) throw refused(path, 'it is not a directory itself, or a link to one')
  checkOwner(path, stat)
}

/**
 * What others open by its name: each must be a file of this user with no other name. Its mode says
 * nothing, in a directory that is private.
 * @throws MeshError CONFIG_INVALID
 */
export function checkFiles(directory: string): void {
  for (const name of readdirSync(directory)) {
    const path = join(directory, name)
    // Gone meanwhile: another daemon has the directory open, and this one will be told.
    const stat = lstatSync(path, { throwIfNoEntry: false })
    if (stat === undefined || stat.isDirectory()) continue
    if (!stat.isFile()) throw refused(path, 'it is not a file')
    if (stat.nlink !== 1) throw refused(path, 'it has a second name')
    if (stat.uid !== process.geteuid?.()) throw refused(path, `it belongs to uid ${stat.uid}`)
  }
}

/**
 * Opens for reading and writing; never creates, and does not wait for the other end of a pipe.
 * @param flags further ones of open(2)
 * @throws MeshError CONFIG_INVALID, and what the system throws
 */
export function openPrivate(path: string, flags = 0): number {
  if (lstatSync(path).isSymbolicLink()) throw refused(path, 'it is a link')
  return checked(path, openSync(path, O_RDWR | O_NOFOLLOW | O_NONBLOCK | flags))
}

/** Makes it anew. @throws what the system throws, also when it is there */
export function createPrivate(path: string): number {
  return openSync(path, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW, 0o600)
}

/** Makes what was created or renamed in a directory survive a power cut. */
export function syncDirectory(path: string): void {
  const fd = openSync(path, O_RDONLY | O_DIRECTORY)
  try {
    fsyncSync(fd)
  } finally {
    closeSync(fd)
  }
}

function checked(path: string, fd: number): number {
  try {
    const stat = fstatSync(fd)
    if (!stat.isFile()) throw refused(path, 'it is not a file')
    if (stat.nlink !== 1) throw refused(path, 'it has a second name')
    checkOwner(path, stat)
    return fd
  } catch (error) {
    closeSync(fd)
    throw error
  }
}

function checkOwner(path: string, { uid, mode }: { uid: number; mode: number }): void {
  if (uid !== process.geteuid?.()) throw refused(path, `it belongs to uid ${uid}`)
  if ((mode & 0o077) !== 0) throw refused(path, `its mode is ${(mode & 0o777).toString(8)}`)
}

function refused(path: string, why: string): MeshError {
  return new MeshError('CONFIG_INVALID', `\`${path}\` is not private: ${why}`, {
    hint: `chown and chmod go-rwx ${path}`,
  })
}
