/**
 * Something that takes time, and is allowed only as long as the mesh says so:
 * a long poll watches the execution. A stop aborts at once; a lost lease, a
 * daemon that is gone or answers nothing good at the time of the last lease.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { EXECUTION_POLL_MS, EXECUTION_RETRY_MS, OUTCOME_MS_MAX } from '../core/limits.ts'
import { MeshError } from '../core/problems.ts'
import { type Allow, Denied, spanOf, textOf } from './decision.ts'
import { ask, type Line } from './line.ts'

export interface Execution {
  /** To name as the cause of what it starts elsewhere. */
  readonly id: string
  /** Aborts when the authorization ends, with the Denied that says why. */
  readonly signal: AbortSignal
}

/** Runs what was allowed, and records how it ended. @throws Denied when it was stopped, else what run throws */
export async function guarded<T>(
  line: Line,
  { id, untilMs }: Allow,
  run: (exe: Execution) => T | Promise<T>,
  signal?: AbortSignal,
): Promise<T> {
  const [stop, over] = [new AbortController(), new AbortController()]
  const both = signal === undefined ? stop.signal : AbortSignal.any([stop.signal, signal])
  const watching = watch(line, id, untilMs, over.signal).then((why) => {
    if (why !== null) stop.abort(new Denied({ ...why, id }, true))
  })
  let kind = 'failed'
  try {
    const value = await run({ id, signal: both })
    kind = 'ok'
    stop.signal.throwIfAborted()
    return value
  } catch (error) {
    throw stop.signal.aborted ? stop.signal.reason : error
  } finally {
    over.abort()
    await watching
    await report(line, id, stop.signal.aborted ? 'stopped' : kind)
  }
}

type Why = { readonly code: string; readonly reason: string }

/** Why it must stop; null when it was over before. */
async function watch(
  line: Line,
  id: string,
  until: number,
  over: AbortSignal,
): Promise<Why | null> {
  let [untilMs, lost] = [until, 'the lease ended']
  while (!over.aborted) {
    const askedMs = performance.now()
    const timeoutMs = Math.ceil(untilMs - askedMs)
    if (timeoutMs <= 0) return { code: 'GOVERNANCE_STALE', reason: lost }
    const ms = Math.floor(Math.min(EXECUTION_POLL_MS, timeoutMs / 2))
    const path = `/v1/executions/${id}/watch?ms=${ms}`
    try {
      const call = { method: 'GET', path, body: null } as const
      const view = await ask({ ...line, timeoutMs }, call, over)
      const { state, stop } = view
      if (typeof stop === 'object' && stop !== null && 'code' in stop)
        return { code: textOf(stop['code']), reason: textOf(stop['detail']) }
      if (state !== 'running' || stop !== null || view['id'] !== id)
        return { code: 'INVALID_ANSWER', reason: 'the daemon no longer vouches for it' }
      const leaseMs = spanOf(view['leaseRemainingMs'])
      if (leaseMs !== null) untilMs = askedMs + leaseMs
      lost = 'the lease ended'
    } catch (error) {
      if (error instanceof MeshError && error.code === 'NOT_FOUND')
        return { code: 'UNREACHABLE', reason: 'the daemon was restarted, and vouches no longer' }
      // Away, late or not understood: what it allowed last still bounds it.
      lost = 'the daemon did not answer before the lease ended'
      const waitMs = Math.min(EXECUTION_RETRY_MS, Math.max(0, untilMs - performance.now()))
      await sleep(waitMs, null, { signal: over }).catch(() => {}) // over: the loop sees it
    }
  }
  return null
}

async function report(line: Line, id: string, kind: string): Promise<void> {
  const body = JSON.stringify({ kind, status: null })
  const call = { method: 'POST', path: `/v1/executions/${id}/outcome`, body } as const
  const timeoutMs = Math.min(line.timeoutMs, OUTCOME_MS_MAX)
  // The daemon records it as unknown when nobody watches any more; how it ended is still the caller's to know.
  await ask({ ...line, timeoutMs }, call).catch(() => {})
}
