/** What runs because it was allowed: a revocation, a freeze and the loss of the lease reach it (S23). */
import type { RecordId } from '../../../src/core/id.ts'
import type { Event } from '../history.ts'
import type { Book } from './book.ts'
import type { Invariant, Say } from './checker.ts'
import { Voices } from './voices.ts'

/** From what ends it to the stop, while the node runs. */
const REACH_MS = 1_000
/** From the end, or from the start after it, until its outcome is in the log, once nothing goes wrong. */
const OUTCOME_MS = 5_000
const NEVER = Number.POSITIVE_INFINITY

interface Run {
  readonly id: RecordId
  /** True times from which it may not run; each later by what its node stood still since. */
  revokedMs: number
  frozenMs: number
}

class Runs {
  readonly running = new Map<RecordId, Run>()
  /** Those that ended, or whose node did: since when no outcome is there. */
  readonly open = new Map<RecordId, number>()
  paused = false
  /** Whether it knows its own log, at the end. */
  whole = false
  /** Since when the lease is lost, or until when it can be held. */
  leaseMs = NEVER
}

export const S23: Invariant = {
  id: 'S23',
  says: 'what runs is stopped within a second of a revocation, a freeze or the loss of the lease, and its outcome is recorded',
  begin(say) {
    const { book, fail, met } = say
    const voices = new Voices(book)
    const nodes = new Map<number, Runs>()
    return (event) => {
      voices.see(event)
      for (const [node, runs] of nodes) overdue(node, runs, event.t, fail)
      if (event.ev === 'phase' && event.phase === 'end')
        for (const [node, runs] of nodes) untold(node, runs, event.t, fail)
      if (event.node === null) return
      const runs = nodes.get(event.node) ?? new Runs()
      nodes.set(event.node, runs)
      begins(runs, event)
      reaches(book, runs, event)
      follows(book, voices, runs, event)
      ends(runs, event, met)
    }
  },
}

function overdue(
  node: number,
  { paused, running, leaseMs }: Runs,
  nowMs: number,
  fail: Say['fail'],
) {
  if (paused || running.size === 0) return
  for (const [id, { revokedMs, frozenMs }] of running) {
    const sinceMs = Math.min(revokedMs, frozenMs, leaseMs)
    if (nowMs - sinceMs <= REACH_MS) continue
    const why = sinceMs === leaseMs ? 'its lease is lost' : 'it was revoked or frozen'
    fail(`n${node} runs ${id.slice(0, 15)} ${(nowMs - sinceMs).toFixed(0)} ms after ${why}`)
    running.delete(id)
  }
}

function begins(runs: Runs, event: Event): void {
  if (event.ev === 'opened')
    runs.running.set(event.execution, { id: event.execution, revokedMs: NEVER, frozenMs: NEVER })
  // Its end is recorded by who starts after it.
  if (event.ev === 'down') {
    for (const id of runs.running.keys()) runs.open.set(id, event.t)
    runs.running.clear()
    runs.paused = false
  }
  if (event.ev === 'boot') runs.leaseMs = NEVER
  if (event.ev === 'boot') for (const id of runs.open.keys()) runs.open.set(id, event.t)
  // A disk that was set back has forgotten what ran.
  if (event.ev === 'restore') runs.open.clear()
}

/** Whether what was accepted now ends anything. */
function reaches(book: Book, { running }: Runs, event: Event): void {
  if (event.ev !== 'accept' || event.node === null) return
  const law = book.laws[event.statement]
  if (law === undefined) return
  for (const run of running.values()) {
    const asked = book.executions.get(run.id)
    if (asked === undefined) continue
    if (book.covers(law, asked, run.id)) run.revokedMs = Math.min(run.revokedMs, event.t)
    if (law.what.type !== 'freeze') continue
    run.frozenMs = book.frozenAt(event.node, asked) ? Math.min(run.frozenMs, event.t) : NEVER
  }
}

/** Time that the node does not have, and the lease as it stands now. */
function follows(book: Book, voices: Voices, runs: Runs, event: Event): void {
  if (event.node === null) return
  if (event.ev === 'pause') runs.paused = true
  if (event.ev === 'resume') {
    runs.paused = false
    for (const run of runs.running.values()) {
      run.revokedMs += event.ms
      run.frozenMs += event.ms
    }
    // Lost while it stood still: it sees that now.
    if (runs.leaseMs < event.t) runs.leaseMs = event.t
  }
  const { ev } = event
  if (ev !== 'opened' && ev !== 'heard' && ev !== 'accept' && ev !== 'resume') return
  const untilMs = voices.untilMs(event.node) + book.page(event.node).suspendedMs
  const lostMs = Math.min(runs.leaseMs, event.t)
  runs.leaseMs = untilMs > event.t ? untilMs : lostMs
}

function ends(runs: Runs, event: Event, met: () => void): void {
  if (event.ev === 'stop') {
    const run = runs.running.get(event.execution)
    if (run !== undefined && Math.min(run.revokedMs, run.frozenMs, runs.leaseMs) <= event.t) met()
    runs.running.delete(event.execution)
  }
  if (event.ev === 'ended') {
    runs.running.delete(event.execution)
    runs.open.set(event.execution, event.t)
  }
  if ('log' in event) for (const id of event.log.outcomes) runs.open.delete(id)
  if (event.ev === 'healed') runs.whole = event.done
}

/** At the end: the disks were read back by then. */
function untold(node: number, { whole, open }: Runs, nowMs: number, fail: Say['fail']): void {
  if (!whole) return
  for (const [id, sinceMs] of open)
    if (nowMs - sinceMs > OUTCOME_MS) fail(`n${node} tells no outcome of ${id.slice(0, 15)}`)
}
