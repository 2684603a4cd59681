/**
 * Watches one execution for whoever carries it out, until it must stop.
 *
 * A stop, a lost lease, a lost or replaced daemon all end the same way: at
 * once on a stop, else at the time until which the last answer allowed it.
 */
import type { DecisionView, ExecutionView } from '../client/types.ts'
import { isSha256Id } from '../core/id.ts'
import { EXECUTION_POLL_MS, EXECUTION_RETRY_MS } from '../core/limits.ts'
import { MeshError } from '../core/problems.ts'

/** Why it stops, or was not begun: never an allow. */
export interface Stop {
  readonly code: string
  readonly detail: string
}

/** A long poll of the daemon: answers after ms, or at once when there is a stop. */
export type Poll = (id: string, ms: number, signal: AbortSignal) => Promise<ExecutionView>

/** An execution that was opened, and until when it may run unless the daemon says more (monotonic). */
export interface Opened {
  readonly id: string
  readonly untilMs: number
}

/** What an answer allows; null for nothing. @param askedMs of the question: an answer that was long on its way is worth less, never more. @throws MeshError INVALID_ANSWER */
export function openedBy(answer: DecisionView, askedMs: number): Opened | null {
  const { decision, id, leaseRemainingMs } = answer ?? {}
  const good =
    typeof decision === 'boolean' &&
    (id === null || (typeof id === 'string' && isSha256Id(id))) &&
    (leaseRemainingMs === null || Number.isFinite(leaseRemainingMs))
  if (!good) throw new MeshError('INVALID_ANSWER', 'the daemon gave no decision')
  if (decision !== true || id === null || leaseRemainingMs === null) return null
  return { id, untilMs: askedMs + leaseRemainingMs }
}

/** Resolves why it must stop; null when the signal came first. */
export async function untilStopped(
  poll: Poll,
  { id, untilMs }: Opened,
  monotonicMs: () => number,
  signal: AbortSignal,
): Promise<Stop | null> {
  let allowedMs = untilMs
  let lost = 'the lease ended'
  while (!signal.aborted) {
    const askedMs = monotonicMs()
    const leftMs = allowedMs - askedMs
    if (leftMs <= 0) return { code: 'GOVERNANCE_STALE', detail: lost }
    try {
      const deadline = AbortSignal.any([signal, AbortSignal.timeout(Math.ceil(leftMs))])
      const view = checkView(await poll(id, Math.min(EXECUTION_POLL_MS, leftMs / 2), deadline))
      if (view.stop !== null) return { code: `${view.stop.code}`, detail: `${view.stop.detail}` }
      if (view.state !== 'running')
        return { code: 'INTERNAL', detail: 'the daemon no longer knows this execution' }
      if (view.leaseRemainingMs !== null) allowedMs = askedMs + view.leaseRemainingMs
      lost = 'the lease ended'
    } catch (error) {
      if (signal.aborted) break
      // The daemon is away or restarted: what it allowed last still bounds us.
      if (error instanceof MeshError && error.code === 'NOT_FOUND')
        return { code: 'INTERNAL', detail: 'the daemon was restarted and no longer vouches for it' }
      lost = 'the daemon did not answer before the lease ended'
      await pause(Math.min(EXECUTION_RETRY_MS, Math.max(leftMs, 0)), signal)
    }
  }
  return null
}

/** A view that cannot be read extends nothing. @throws MeshError INVALID_ANSWER */
function checkView(view: ExecutionView): ExecutionView {
  const { state, stop, leaseRemainingMs } = view ?? {}
  const good =
    typeof state === 'string' &&
    (stop === null || typeof stop === 'object') &&
    (leaseRemainingMs === null || Number.isFinite(leaseRemainingMs))
  if (good) return view
  throw new MeshError('INVALID_ANSWER', 'the daemon gave no state of the execution')
}

/** Cut short by the signal. */
export function pause(ms: number, signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve()
  return new Promise((done) => {
    const end = () => {
      clearTimeout(timer)
      signal.removeEventListener('abort', end)
      done()
    }
    const timer = setTimeout(end, ms)
    signal.addEventListener('abort', end)
  })
}
