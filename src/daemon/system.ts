/** The real clock and the real dice, behind the ports of mesh/. */
import { randomBytes, randomInt } from 'node:crypto'
import type { Clock, Random } from '../mesh/ports.ts'

export function systemClock(): Clock {
  return {
    wallMs: () => Date.now(),
    monotonicMs: () => performance.now(),
    sleep: (ms, signal) => sleep(ms, signal),
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
    const timer = setTimeout(end, ms)
    signal?.addEventListener('abort', end, { once: true })
  })
}

export function systemRandom(): Random {
  return {
    bytes: (length) => new Uint8Array(randomBytes(length)),
    integer: (below) => randomInt(below),
  }
}
