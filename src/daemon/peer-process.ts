/**
 * The process behind one connection, as far as the kernel lets this node see:
 * what it runs, its systemd unit, its container, when it began.
 *
 * All of it is read by number from /proc, and believed only after another look
 * at the pidfd: as long as that process has not ended, its number is nobody
 * else's. So reuse of a number lends no identity: a connection that outlives
 * the process that opened it has none of these facts any more.
 *
 * Unit, container and beginning are those of the moment of connecting; what it
 * runs is looked at again at each decision, because a process can become
 * another program with its connections open. Whoever holds the descriptor
 * besides speaks as that process: a kernel knows who connected, not who writes.
 */
import { readFileSync } from 'node:fs'
import { NO_PROCESS, type ProcessFacts } from '../core/facts.ts'
import { CALLER_EXE_MS_MAX } from '../core/limits.ts'
import { NO_GROUP, parseCgroup } from './cgroup.ts'
import { type Executables, type Stamp, sameStamp, stampOf } from './executables.ts'
import type { PeerCredentials, Pidfd } from './peer-credentials.ts'
import { parseStarted } from './proc.ts'

export class PeerProcess {
  readonly #pid: number
  readonly #pidfd: Pidfd
  readonly #executables: Executables
  /** What it was when it connected, without what it runs. */
  readonly #connected: ProcessFacts
  #stamp: Stamp | null = null
  #measured: ProcessFacts
  #over = false

  private constructor(pid: number, pidfd: Pidfd, executables: Executables) {
    this.#pid = pid
    this.#pidfd = pidfd
    this.#executables = executables
    this.#connected = read(pid)
    this.#measured = this.#connected
  }

  /** null, and the descriptor closed, when it is not the process that the credentials name. */
  static open(
    { pid }: PeerCredentials,
    pidfd: Pidfd,
    executables: Executables,
  ): PeerProcess | null {
    if (pidfd.pid === pid) return new PeerProcess(pid, pidfd, executables)
    pidfd.close()
    return null
  }

  /** Without what it runs. The same object as long as it says the same. */
  connected(): ProcessFacts {
    return this.#gone() ? NO_PROCESS : this.#connected
  }

  /** All of it, now. The same object as long as it says the same; a promise only for what was not measured before. */
  measure(): ProcessFacts | Promise<ProcessFacts> {
    const stamp = this.#over ? null : stampOf(this.#pid)
    if (this.#gone()) return NO_PROCESS
    if (stamp === null) return this.#connected
    if (this.#stamp !== null && sameStamp(stamp, this.#stamp)) return this.#measured
    return this.#within(this.#measure())
  }

  close(): void {
    if (this.#over) return
    this.#over = true
    this.#pidfd.close()
  }

  #gone(): boolean {
    if (!this.#over && this.#pidfd.ended()) this.close()
    return this.#over
  }

  async #measure(): Promise<ProcessFacts> {
    const found = await this.#executables.measure(this.#pid, () => this.#gone())
    const stamp = this.#over ? null : stampOf(this.#pid)
    if (this.#gone()) return NO_PROCESS
    // It became another program meanwhile: the next question finds that one.
    if (found === null || stamp === null || !sameStamp(found.stamp, stamp)) return this.#connected
    this.#stamp = found.settled ? found.stamp : null
    this.#measured = { ...this.#connected, exe: found.digest, path: found.path }
    return this.#measured
  }

  /** Hashing goes on for the next question. */
  async #within(measuring: Promise<ProcessFacts>): Promise<ProcessFacts> {
    const late = Promise.withResolvers<ProcessFacts>()
    const timer = setTimeout(() => late.resolve(this.connected()), CALLER_EXE_MS_MAX)
    return Promise.race([measuring, late.promise]).finally(() => clearTimeout(timer))
  }
}

/** Nothing of it is told before another look at the pidfd. */
function read(pid: number): ProcessFacts {
  const cgroup = textOf(`/proc/${pid}/cgroup`)
  const stat = textOf(`/proc/${pid}/stat`)
  return {
    ...NO_PROCESS,
    ...(cgroup === null ? NO_GROUP : parseCgroup(cgroup)),
    started: stat === null ? null : parseStarted(stat),
  }
}

function textOf(path: string): string | null {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return null // gone, or hidden (hidepid): absent, and what needs it denies
  }
}
