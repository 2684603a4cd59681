/**
 * The server of an MCP session, a process of this one: started in a group of
 * its own, and ended with its group. What it says on stderr is for people.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { constants } from 'node:os'
import type { Readable, Writable } from 'node:stream'
import { CHILD_GRACE_MS } from '../core/limits.ts'
import type { Side } from './mcp-session.ts'

export interface Server extends Side {
  /** Resolves its exit status when it has ended and all that it said was heard. */
  readonly ended: Promise<number>
  /** TERM, then KILL after the grace. */
  end(): void
}

/** Resolves why it does not run where it does not. */
export async function startServer(
  file: string,
  args: readonly string[],
  env: Readonly<Record<string, string | undefined>>,
): Promise<Server | 'not found' | 'not executable'> {
  const child = spawn(file, args, { stdio: ['pipe', 'pipe', 'inherit'], detached: true, env })
  const why = await new Promise<'not found' | 'not executable' | null>((resolve) => {
    child.once('spawn', () => resolve(null))
    child.once('error', (error: NodeJS.ErrnoException) =>
      resolve(error.code === 'ENOENT' ? 'not found' : 'not executable'),
    )
  })
  if (why !== null) return why
  const ended = endOf(child)
  const to = child.stdin as Writable
  // It ended before it read everything, which its status says.
  to.on('error', () => {})
  return { from: child.stdout as Readable, to, ended, end: () => endFamily(child, ended) }
}

async function endOf(child: ChildProcess): Promise<number> {
  const heard = new Promise<void>((done) => child.stdout?.once('close', done))
  const status = await new Promise<number>((resolve) =>
    child.once('exit', (code, signal) =>
      resolve(code ?? 128 + constants.signals[signal ?? 'SIGKILL']),
    ),
  )
  // What it left running holds its stdout open; it is ended with it.
  signalGroup(child, 'SIGKILL')
  await heard
  return status
}

function endFamily(child: ChildProcess, ended: Promise<number>): void {
  signalGroup(child, 'SIGTERM')
  const kill = setTimeout(() => signalGroup(child, 'SIGKILL'), CHILD_GRACE_MS)
  void ended.then(() => clearTimeout(kill))
}

function signalGroup(child: ChildProcess, signal: NodeJS.Signals): void {
  if (child.pid === undefined) return
  try {
    process.kill(-child.pid, signal)
  } catch {
    // ESRCH: nobody of the group is left, which is what was wanted.
  }
}
