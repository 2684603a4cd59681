/** How far this daemon sees other users' processes; a look at /proc, for `doctor`. */
import { existsSync, readFileSync } from 'node:fs'
import { parseTracing } from './proc.ts'

export interface Reach {
  /** Not hidden: without this there is no fact of a process at all (hidepid, systemd's ProtectProc). */
  readonly processes: boolean
  readonly executables: boolean
}

export function reachOf(): Reach {
  return { processes: existsSync('/proc/1/stat'), executables: mayTrace() }
}

function mayTrace(): boolean {
  try {
    return parseTracing(readFileSync('/proc/self/status', 'utf8'))
  } catch {
    return false
  }
}
