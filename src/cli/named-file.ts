/**
 * Files that a person names, where others may write too, as in /tmp: a link
 * that somebody put there is refused and never followed (FAULTS 103).
 */
import { closeSync, constants, fchmodSync, openSync, rmSync, writeFileSync } from 'node:fs'
import { MeshError } from '../core/problems.ts'

const { O_CREAT, O_NOFOLLOW, O_TRUNC, O_WRONLY } = constants
/** For its owner alone. */
export const OWN = 0o600
/** For whom the umask lets. */
export const ANYBODY = 0o666

/** Opens it for writing, empty. @throws MeshError NOT_FOUND when it cannot be written */
export function openNamed(file: string, mode: number): number {
  return writing(file, () => {
    const descriptor = openSync(file, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW, mode)
    // One that was there before has the mode of before.
    if (mode === OWN) fchmodSync(descriptor, mode)
    return descriptor
  })
}

/** @throws MeshError NOT_FOUND when it cannot be written */
export function writeNamed(file: string, content: string | Uint8Array, mode: number): void {
  const descriptor = openNamed(file, mode)
  try {
    writeFileSync(descriptor, content)
  } finally {
    closeSync(descriptor)
  }
}

/** What is written before it gets its name: a new file, in the place of whatever had this one. */
export function openPart(part: string): number {
  rmSync(part, { force: true })
  return openSync(part, 'wx', OWN)
}

/** @throws MeshError NOT_FOUND for what the system says */
export function writing<T>(what: string, open: () => T): T {
  try {
    return open()
  } catch (cause) {
    const code = (cause as NodeJS.ErrnoException).code ?? 'cannot be written'
    const why = code === 'ELOOP' ? 'it is a symbolic link' : code
    throw new MeshError('NOT_FOUND', `${what}: ${why}`, { hint: 'name another place', cause })
  }
}
