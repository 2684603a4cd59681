/** Whose a path is: who owns a file, a directory, or a link to it, says what is found there. */
import { lstatSync, statSync } from 'node:fs'

/** The uid that owns it, or a link that it is, and is neither root nor this user; null where there is none. @throws what the system throws */
export function foreignOwner(path: string): number | null {
  const ours = [0, process.geteuid?.()]
  const owners = [lstatSync(path).uid, statSync(path).uid]
  return owners.find((uid) => !ours.includes(uid)) ?? null
}
