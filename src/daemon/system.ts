/** The real clock and the real dice, behind the ports of mesh/. */
import { randomFillSync, randomInt } from 'node:crypto'
import { uptime } from 'node:os'
import type { Clock, Random } from '../mesh/ports.ts'

export function systemClock(): Clock {
  return {
    wallMs: () => Date.now(),
    monotonicMs: () => performance.now(),
    bootMs,
    sleep: (ms, signal) => sleep(ms, signal),
  }
}

/** Linux counts the time asleep; macOS tells of it by the wall clock, in whole seconds. */
function bootMs(): number {
  return process.platform === 'linux' ? uptime() * 1000 : performance.now()
}

/**
 * Gives the system back what a start has left, a third of an idle daemon, which
 * nothing else would collect for hours: first what the heap holds of it, then
 * what the C library keeps of what was freed. It takes about 0.1 s, once.
 */
export function giveBack(): void {
  // There with --expose-gc alone: the launcher passes it, a test need not.
  globalThis.gc?.({ type: 'major', execution: 'sync', flavor: 'last-resort' })
  trim()
}

/** malloc_trim(3): compiling wasm and opening LevelDB left some 15 MiB in the arenas of their threads. */
function trim(): void {
  libc()?.malloc_trim(0n)
}

const RLIMIT_CORE = 4
/** struct rlimit of setrlimit(2): what holds and what it may be raised to, 8 bytes each. */
const NO_BYTES = Buffer.alloc(16)

/**
 * No core file of this process, and of none that it starts: its memory holds
 * every key of the node, and a core is written where others may read, or is
 * sent away. The unit file forbids it too; not every daemon is started by one.
 */
export function forbidCores(): void {
  libc()?.setrlimit(RLIMIT_CORE, NO_BYTES)
}

const FUNCTIONS = {
  malloc_trim: { arguments: ['u64'], return: 'i32' },
  setrlimit: { arguments: ['i32', 'buffer'], return: 'i32' },
} as const

/** Null with another libc, or a Node without ffi: the limits then are those of whoever started it. */
function libc() {
  if (process.platform !== 'linux') return null
  try {
    return process.getBuiltinModule('node:ffi').dlopen('libc.so.6', FUNCTIONS).functions
  } catch {
    return null
  }
}

/** A timer that keeps no process alive and never rejects. */
function sleep(ms: number, signal?: AbortSignal): Promise<void> {
  if (signal?.aborted === true) return Promise.resolve()
  return new Promise((resolve) => {
    const end = () => {
      clearTimeout(timer)
      signal?.removeEventListener('abort', end)
      resolve()
    }
    const timer = setTimeout(end, ms).unref()
    signal?.addEventListener('abort', end, { once: true })
  })
}

/** Asking the system for 4 KiB costs what asking for 12 bytes does. */
const POOL_BYTES = 4096

export function systemRandom(): Random {
  const pool = new Uint8Array(POOL_BYTES)
  let used = POOL_BYTES
  return {
    bytes: (length) => {
      if (length > POOL_BYTES) return randomFillSync(new Uint8Array(length))
      if (used + length > POOL_BYTES) {
        randomFillSync(pool)
        used = 0
      }
      const bytes = pool.slice(used, used + length)
      // Given out once, and nothing of it stays behind.
      pool.fill(0, used, used + length)
      used += length
      return bytes
    },
    integer: (below) => randomInt(below),
  }
}
