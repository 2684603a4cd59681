/** One hostile peer holds up nobody else: L6. What it costs of a processor is not to be seen here: no time passes while a node computes. */
import { ASK_TIMEOUT_MS } from '../../../src/core/limits.ts'
import type { Event } from '../history.ts'
import { PROBE } from '../people.ts'
import type { Invariant } from './checker.ts'
import { mayLack } from './liveness.ts'

type Answer = Extract<Event, { ev: 'answer' }>

/** Three times what it may take where nobody is hostile (L2). */
const SPREAD_MS = 3 * 3_000
/** Twice what it takes where nobody is hostile: two batches of 2.5 ms, the one on its way and its own. */
const ALLOW_MS = 2 * 5
/** From when a node is cut off until what it asked in vain is given up, and asked again. */
const DEAF_MS = ASK_TIMEOUT_MS + 1_000

/** A statement on its way, and who does not have it yet. */
interface Spreading {
  readonly t: number
  readonly lacking: Set<number>
}

export const L6: Invariant = {
  id: 'L6',
  says: 'while one node is hostile, the others allow as soon as ever, and what one of them accepts all have within nine seconds',
  begin({ book, fail, met }) {
    let hostile: { readonly node: number; readonly t: number } | null = null
    /** When a node was cut off last. */
    const deaf = new Map<number, number>()
    const spreading = new Map<number, Spreading>()
    /** What is on no way: it was everywhere, or somewhere before anybody was hostile. */
    const settled = new Set<number>()
    const settle = (statement: number) => {
      spreading.delete(statement)
      settled.add(statement)
    }
    const overdue = (nowMs: number) => {
      for (const [statement, { t, lacking }] of spreading) {
        if (nowMs <= t + SPREAD_MS) continue
        const places = [...lacking].map((place) => `n${place}`)
        fail(`${statement} did not reach ${places.join()} within ${SPREAD_MS} ms`)
        settle(statement)
      }
    }
    const accepted = (statement: number, node: number, t: number) => {
      if (settled.has(statement) || mayLack(book, statement)) return
      const is = spreading.get(statement) ?? { t, lacking: new Set(book.pages.keys()) }
      spreading.set(statement, is)
      is.lacking.delete(node)
      if (hostile !== null) is.lacking.delete(hostile.node)
      if (is.lacking.size > 0) return
      met()
      settle(statement)
    }
    /** Whether so many speak to a node that it can have a lease: the hostile one need not, and what one that was cut off was asked is lost. */
    const enoughSpeak = (node: number, t: number) => {
      const root = book.rootAt(node)
      const heard = (place: number) =>
        place !== hostile?.node && t >= (deaf.get(place) ?? Number.NEGATIVE_INFINITY) + DEAF_MS
      return root !== null && root.witnesses.filter(heard).length >= root.lease.read
    }
    const answered = ({ req, effect, reason, t }: Answer, node: number, sinceMs: number) => {
      const called = book.calls.get(req)
      if (called?.asked.action !== PROBE.action || called.t < sinceMs) return
      if (called.t < (deaf.get(node) ?? Number.NEGATIVE_INFINITY) + DEAF_MS) return
      if (reason === 'GOVERNANCE_STALE' && !enoughSpeak(node, t)) return
      const ms = t - called.t
      if (effect === 'deny') fail(`n${node} denied ${req} by ${reason}`)
      else if (ms > ALLOW_MS) fail(`n${node} allowed ${req} after ${ms.toFixed(0)} ms`)
      else met()
    }
    return (event) => {
      const { node, t } = event
      if (event.ev === 'fault' && event.kind === 'hostile' && node !== null) {
        hostile = { node, t }
        for (const page of book.pages.values()) for (const each of page.accepted) settled.add(each)
      }
      if (hostile === null) return
      overdue(t)
      if (event.ev === 'fault' && event.kind === 'deaf' && node !== null) deaf.set(node, t)
      if (node === null || node === hostile.node) return
      if (event.ev === 'accept') accepted(event.statement, node, t)
      if (event.ev === 'answer') answered(event, node, hostile.t)
    }
  },
}
