/**
 * Marks: what must come up in a long run for its finding nothing to mean
 * something. Each is a moment that one of the checkers is about, or a fault.
 */
import type { Event } from '../history.ts'

type Mark = (event: Event) => boolean

const fault =
  (kind: string): Mark =>
  (event) =>
    event.ev === 'fault' && event.kind === kind

/** Those that answers had, why they were denied. */
const denied =
  (reason: string): Mark =>
  (event) =>
    event.ev === 'answer' && event.reason === reason

export const MARKS: Readonly<Record<string, Mark>> = {
  'an allow': (event) => event.ev === 'answer' && event.effect === 'allow',
  'a deny without a record': (event) =>
    event.ev === 'answer' && event.effect === 'deny' && event.record === null,
  'a lease that is not held': denied('GOVERNANCE_STALE'),
  'a clock that is not trusted': denied('CLOCK_UNTRUSTED'),
  'a log that takes nothing': denied('AUDIT_UNAVAILABLE'),
  'an artifact that was used': denied('REPLAYED'),
  'a cause that is none': denied('LINEAGE_BROKEN'),
  'a frozen action': denied('FROZEN'),
  'a late answer': denied('DEADLINE'),
  'a crash': fault('crash'),
  'a disk that was set back': (event) => event.ev === 'restore',
  'a pause': (event) => event.ev === 'pause' && !event.suspended,
  'a suspended machine': (event) => event.ev === 'pause' && event.suspended,
  'a step of a clock': fault('step'),
  'a drifting clock': fault('drift'),
  'a disk near its reserve': fault('low disk'),
  'a full disk': fault('full disk'),
  'a disk that does not open': fault('no open'),
  'a partition': fault('partition'),
  'a one-way partition': fault('one-way'),
  'a bridge': fault('bridge'),
  'a link that flaps': fault('flap'),
  'a slow node': fault('slow'),
  'dead gossip': fault('no gossip'),
  'a second history': (event) => event.ev === 'lie',
  evidence: (event) => event.ev === 'evidence',
  'a censor': fault('censor'),
  'a flood': fault('flood'),
  'a flood of one signer': fault('half-signed flood'),
  'a hostile node': fault('hostile'),
  'a crash when all is mended': fault('late crash'),
  'an outsider': fault('outsider'),
  'an invite that was revoked': (event) => event.ev === 'uninvited',
  'a flipped bit': fault('flip'),
  'damage that a node met': (event) => event.ev === 'read' || event.ev === 'unopened',
  'a log that began anew': (event) =>
    event.ev === 'durable' && event.log.epoch > 1 && event.log.first === 0,
  'a view of the spread without a bound': (event) => event.ev === 'printed' && event.bound === null,
  'a new root': (event) =>
    event.ev === 'made' && event.law.what.type === 'root' && event.law.what.version > 1,
}

export class Marks {
  readonly met = new Map<string, number>(Object.keys(MARKS).map((name) => [name, 0]))

  see(event: Event): void {
    if (!SEEN.has(event.ev)) return
    for (const [name, mark] of ENTRIES)
      if (mark(event)) this.met.set(name, (this.met.get(name) ?? 0) + 1)
  }
}

const ENTRIES = Object.entries(MARKS)
/** No mark is of any other event. */
const SEEN: ReadonlySet<Event['ev']> = new Set([
  ...(['answer', 'evidence', 'fault', 'lie', 'made', 'pause', 'restore'] as const),
  ...(['durable', 'uninvited', 'read', 'unopened', 'printed'] as const),
])
