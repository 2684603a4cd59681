/** What answers are: in time (L7), and a deny with a reason that is one, and true (S10). */
import { DECISION_DEADLINE_MS, PARENT_MS_MAX } from '../../../src/core/limits.ts'
import type { ReasonCode } from '../../../src/core/reasons.ts'
import type { Asked, Event } from '../history.ts'
import type { Book } from './book.ts'
import type { Invariant } from './checker.ts'

type Answer = Extract<Event, { ev: 'answer' }>

/** Reasons that blame nobody in a world whose requests, artifacts and policies are all well made: what passes by itself, and what others did. */
const BLAMELESS: ReadonlySet<string> = new Set<ReasonCode>([
  ...(['GOVERNANCE_STALE', 'CLOCK_UNTRUSTED', 'AUDIT_UNAVAILABLE'] as const),
  ...(['OVERLOADED', 'DEADLINE', 'LINEAGE_BROKEN'] as const),
  // By a clock that stepped.
  ...(['NOT_YET_VALID', 'EXPIRED'] as const),
])

export const S10: Invariant = {
  id: 'S10',
  says: 'a deny has a reason of the closed list, and nobody is blamed for what did not happen',
  begin({ book, fail, met }) {
    /** How often each thing that is good for one use was brought. */
    const brought = new Map<string, number>()
    const uses = ({ invocation, once }: Asked) => [invocation, once].filter((cid) => cid !== null)
    /** What each reason says has happened. */
    const happened: Partial<Record<ReasonCode, (event: Answer, asked: Asked) => boolean>> = {
      REVOKED: (_, asked) => revoked(book, asked),
      FROZEN: () => book.laws.some(({ what }) => what.type === 'freeze' && what.frozen),
      REPLAYED: (_, asked) => uses(asked).some((cid) => (brought.get(cid) ?? 0) > 1),
      POLICY_FORBID: () => book.laws.some(({ what }) => what.type === 'policy' && what.version > 1),
      POLICY_CONFLICT: () => book.roots.size > 1,
      ...Object.fromEntries(GAINS.map((reason) => [reason, gains])),
      NODE_SUSPENDED: () => [...book.pages.values()].some(({ evidence }) => evidence.size > 0),
    }
    return (event) => {
      if (event.ev === 'call')
        for (const cid of uses(event.asked)) brought.set(cid, (brought.get(cid) ?? 0) + 1)
      if (event.ev !== 'answer' || event.effect === 'allow') return
      const { reason, req, node } = event
      if (reason !== null && BLAMELESS.has(reason)) return
      const asked = book.calls.get(req)?.asked
      const so = happened[reason as ReasonCode]
      if (asked === undefined || so === undefined)
        return fail(`n${node} denied ${req} by ${reason}, for which there is no reason here`)
      met()
      if (!so(event as Answer, asked)) fail(`n${node} denied ${req} by ${reason}, and it is not`)
    }
  },
}

/** Why a chain is refused that is not in order. */
const GAINS: readonly ReasonCode[] = [
  ...(['AUTHORIZATION_MALFORMED', 'SIGNATURE_INVALID', 'ISSUER_UNTRUSTED'] as const),
  ...(['RUNTIME_MISMATCH', 'SCOPE_EXCEEDED'] as const),
]

function gains({ reason }: Answer, { brought }: Asked): boolean {
  if (brought === null) return false
  // S14 looks whether it was.
  if (reason === 'RUNTIME_MISMATCH' && brought.process !== null) return true
  return brought.gains !== null
}

/** Whether anybody ever revoked what it rests on. What ran above it may have been allowed by an answer that nobody heard. */
function revoked(book: Book, asked: Asked): boolean {
  const { cause } = asked
  if (cause !== null && !book.executions.has(cause)) return true
  const above = cause === null ? undefined : book.executions.get(cause)
  if (above !== undefined && revoked(book, above)) return true
  return book.laws.some((law) => law.what.type === 'revocation' && book.covers(law, asked, null))
}

/** Two times are read, each in whole milliseconds, and a wait may end a turn later. */
const MARGIN_MS = 250

export const L7: Invariant = {
  id: 'L7',
  says: 'every request is answered by its deadline, while its node runs',
  begin({ book, fail, met }) {
    /** Node → when each of its requests came that is not answered; later by what the node stood still since. */
    const open = new Map<number, { readonly req: number; atMs: number }[]>()
    const boundMs = (req: number) =>
      DECISION_DEADLINE_MS +
      (book.calls.get(req)?.asked.cause == null ? 0 : PARENT_MS_MAX) +
      MARGIN_MS
    const of = (node: number) => {
      const list = open.get(node) ?? []
      open.set(node, list)
      return list
    }
    const overdue = (nowMs: number) =>
      [...open].flatMap(([node, list]) =>
        list.flatMap(({ req, atMs }) => (nowMs - atMs > boundMs(req) ? [`n${node} ${req}`] : [])),
      )
    return (event) => {
      if (event.ev === 'phase' && event.phase === 'end') {
        const late = overdue(event.t)
        if (late.length > 0) fail(`never answered: ${late.join(', ')}`)
      }
      if (event.node === null) return
      const list = of(event.node)
      if (event.ev === 'down' || event.ev === 'boot') open.delete(event.node)
      if (event.ev === 'resume') for (const each of list) each.atMs += event.ms
      if (event.ev === 'call') list.push({ req: event.asked.req, atMs: event.t })
      if (event.ev !== 'answer') return
      // One that was late before it could be judged has no number: the oldest.
      const at = event.req < 0 ? 0 : list.findIndex(({ req }) => req === event.req)
      const [answered] = list.splice(Math.max(0, at), 1)
      if (answered === undefined) return
      const ms = event.t - answered.atMs
      if (event.reason === 'DEADLINE') met()
      if (ms > boundMs(answered.req))
        fail(`n${event.node} answered ${answered.req} after ${ms.toFixed(0)} ms`)
    }
  },
}
