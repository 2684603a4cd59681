/**
 * All that a guarded command starts, so that nothing of it outlives its authorization.
 *
 * On Linux whoever loses its parent becomes a child of this process (a
 * subreaper): all of them hang on it, whatever session they are in and whatever
 * they took out of their environment.
 *
 *     /proc/<pid>/stat      20151 (sleep) S 20144 …        a state, and a parent
 *
 * Where that is not to be had the kernel keeps its process group together, and
 * what left the group is found by what it inherited; so does the guard, should
 * this process itself be killed:
 *
 *     /proc/<pid>/environ   …\0MESHD_EXECUTION=sha256:28941567…\0…
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import type { Socket } from 'node:net'
import { setTimeout as pause } from 'node:timers/promises'
import { CHILD_GRACE_MS, FAMILY_LOOK_MS } from '../core/limits.ts'
import { adopt, reap } from './kernel.ts'

/** The variable that names the execution to all that it starts. */
export const EXECUTION_MARK = 'MESHD_EXECUTION'

/** Children of this process that are not adopted: node waits for them. */
const begotten = new Set<number>()

export class Family {
  readonly #execution: string
  readonly #adopts: boolean
  #leader = 0
  /** Afterwards its number may become anybody's. */
  #leads = true

  /** Before there is a child: what that starts at once is caught too. */
  constructor(execution: string) {
    this.#execution = execution
    this.#adopts = adopt()
    if (this.#adopts) for (const { pid } of childrenOf(process.pid, processes())) begotten.add(pid)
  }

  begins(child: ChildProcess): void {
    beget(child)
    this.#leader = child.pid ?? 0
    child.once('exit', () => {
      this.#leads = false
    })
  }

  /** Who lives of it. Lets those go that have ended. */
  members(): readonly number[] {
    if (this.#leader === 0) return []
    if (!this.#adopts) return [...group(this.#leader), ...marked(this.#execution)]
    const all = processes()
    const adopted = childrenOf(process.pid, all).filter(({ pid }) => !begotten.has(pid))
    for (const { pid, ended } of adopted) if (ended) reap(pid)
    const first = all.filter(({ pid }) => this.#leads && pid === this.#leader)
    return descended([...first, ...adopted], all).flatMap(({ pid, ended }) => (ended ? [] : [pid]))
  }

  signal(signal: NodeJS.Signals): void {
    for (const pid of this.members()) kill(pid, signal)
  }

  /**
   * TERM; then KILL until nobody is left, since one may be born while the others are looked for:
   * once its leader has ended, or after the grace.
   */
  async end(): Promise<void> {
    const led = this.#leads
    const killMs = performance.now() + CHILD_GRACE_MS
    this.signal('SIGTERM')
    while (this.members().length > 0 && performance.now() < killMs + CHILD_GRACE_MS) {
      await pause(FAMILY_LOOK_MS)
      if (performance.now() >= killMs || led !== this.#leads) this.signal('SIGKILL')
    }
  }
}

function beget(child: ChildProcess): void {
  const { pid } = child
  if (pid === undefined) return
  begotten.add(pid)
  child.once('exit', () => begotten.delete(pid))
}

interface Process {
  readonly pid: number
  readonly parent: number
  /** A zombie: it waits for its parent alone. */
  readonly ended: boolean
}

function processes(): readonly Process[] {
  return pids().flatMap((pid) => {
    // The name stands in brackets, and may hold any character.
    const stat = read(pid, 'stat')
    const [state = '', parent = ''] = stat.slice(stat.lastIndexOf(') ') + 2).split(' ', 2)
    return parent === '' ? [] : [{ pid, parent: Number(parent), ended: /[ZX]/.test(state) }]
  })
}

function childrenOf(parent: number, all: readonly Process[]): readonly Process[] {
  return all.filter((each) => each.parent === parent)
}

function descended(first: readonly Process[], all: readonly Process[]): readonly Process[] {
  const found = [...first]
  for (const each of found) found.push(...childrenOf(each.pid, all))
  return found
}

/** The number by which a whole group is signalled. */
function group(leader: number): readonly number[] {
  return kill(-leader, 0) ? [-leader] : []
}

/** Whether it was there, and is still ours. */
function kill(pid: number, signal: NodeJS.Signals | 0): boolean {
  try {
    return process.kill(pid, signal)
  } catch {
    return false // ESRCH: it has ended, which is what was wanted. EPERM: it became somebody else's.
  }
}

function marked(execution: string): readonly number[] {
  if (process.platform !== 'linux') return []
  const mark = `${EXECUTION_MARK}=${execution}`
  return pids().filter((pid) => read(pid, 'environ').split('\0').includes(mark))
}

function pids(): readonly number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
}

function read(pid: number, file: 'stat' | 'environ'): string {
  try {
    return readFileSync(`/proc/${pid}/${file}`, 'latin1')
  } catch {
    return '' // It has ended, or is another user's.
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
  beget(guard)
  const input = guard.stdin as Socket
  guard.on('error', () => say('no guard: what runs would outlive a meshd exec that is killed'))
  // It may have ended before it is dismissed.
  input.on('error', () => {})
  guard.unref()
  input.unref()
  return () => void input.end('\n')
}
