/**
 * All that a guarded command starts, so that nothing of it outlives its authorization.
 *
 * The kernel keeps its process group together. What left the group (a daemon
 * in a session of its own) is found by what it inherited, on Linux:
 *
 *     /proc/<pid>/environ   …\0MESHD_EXECUTION=sha256:28941567…\0…
 *
 * Whoever leaves the group and empties its environment is out of reach: only a
 * cgroup holds that, and to make one takes rights that a caller has not.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import type { Socket } from 'node:net'
import { CHILD_GRACE_MS } from '../core/limits.ts'

/** The variable that names the execution to all that it starts. */
export const EXECUTION_MARK = 'MESHD_EXECUTION'

/** To the group, and to whoever left it. */
export function signalFamily(child: ChildProcess, execution: string, signal: NodeJS.Signals): void {
  if (child.pid === undefined) return
  for (const pid of [-child.pid, ...marked(execution)]) {
    try {
      process.kill(pid, signal)
    } catch {
      // ESRCH: it has ended, which is what was wanted. EPERM: it became somebody else's.
    }
  }
}

function marked(execution: string): readonly number[] {
  if (process.platform !== 'linux') return []
  const mark = `${EXECUTION_MARK}=${execution}`
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .filter((pid) => environment(pid).includes(mark))
    .map(Number)
}

function environment(pid: string): readonly string[] {
  try {
    return readFileSync(`/proc/${pid}/environ`, 'latin1').split('\0')
  } catch {
    return [] // It has ended, or is another user's.
  }
}

/** Reads a line or the end of its input: the end means that we are gone, and nobody else would end the command. */
const GUARD = `
read -r _ && exit
for signal in TERM KILL; do
  kill -s $signal -- "-$1"
  for file in $(grep -alF "${EXECUTION_MARK}=$2" /proc/[0-9]*/environ); do
    pid=\${file#/proc/}
    kill -s $signal "\${pid%/environ}"
  done
  test $signal = KILL || sleep ${CHILD_GRACE_MS / 1000}
done 2>/dev/null
`

/** A second process, of another session, that ends the family should this one end before it dismisses it: killed, or by a bug. Gives what dismisses it. */
export function guarding(
  child: ChildProcess,
  execution: string,
  say: (line: string) => void,
): () => void {
  const words = ['-c', GUARD, 'meshd-guard', String(child.pid), execution]
  const guard = spawn('/bin/sh', words, {
    ...{ detached: true, stdio: ['pipe', 'ignore', 'ignore'] },
    env: { PATH: '/usr/bin:/bin' },
  })
  const input = guard.stdin as Socket
  guard.on('error', () => say('no guard: what runs would outlive a meshd exec that is killed'))
  // It may have ended before it is dismissed.
  input.on('error', () => {})
  guard.unref()
  input.unref()
  return () => void input.end('\n')
}
