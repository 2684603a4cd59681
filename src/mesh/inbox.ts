/**
 * What gossip brings, one sentence for each condition on a message, cheap ones
 * first, signatures last. Only what no honest member could have relayed is
 * rejected; what may be true elsewhere is ignored, and sync decides.
 */
import type { Governance } from '../core/governance.ts'
import type { Did } from '../core/keys.ts'
import { ANNOUNCEMENT_BYTES_MAX, GOSSIP_BYTES_MAX } from '../core/limits.ts'
import { Malformed } from '../core/malformed.ts'
import type { Verdict } from '../core/verdict.ts'
import {
  type Announcer,
  parseAnnouncement,
  type SignedAnnouncement,
  verifyAnnouncement,
} from './announce.ts'
import { Burden, isUseful } from './burden.ts'
import type { Clock, Network, Topic } from './ports.ts'
import type { Statements } from './statements.ts'

export interface InboxPorts {
  readonly network: Pick<Network, 'subscribe'>
  readonly statements: Statements
  readonly announcer: Announcer
  readonly clock: Pick<Clock, 'monotonicMs'>
  /** Told of each message and what it earned, for metrics. */
  readonly seen?: (topic: Topic, verdict: Verdict) => void
}

/** Subscribes to both topics. The validators answer at once; what they accept is made durable afterwards. */
export function openInbox({ network, statements, announcer, clock, seen }: InboxPorts): void {
  const burden = new Burden(clock)
  const listen = (topic: Topic, take: (message: Uint8Array, from: Did) => Verdict) =>
    network.subscribe(topic, (from, message) => {
      // [IGNORE] Its sender has not just cost much time for nothing.
      const verdict = burden.tooMuch(from)
        ? TIRED
        : burden.weigh(from, () => take(message, from), isUseful)
      seen?.(topic, verdict)
      return verdict
    })
  listen('statements', (message, from) => takeStatement(message, from, statements))
  listen('state', (message, from) =>
    takeAnnouncement(message, from, statements.governance, announcer),
  )
}

const TIRED: Verdict = { verdict: 'ignore', why: 'unknown' }

function takeStatement(message: Uint8Array, from: Did, statements: Statements): Verdict {
  // [REJECT] It is no longer than gossip carries: nobody publishes more.
  if (message.length > GOSSIP_BYTES_MAX) return { verdict: 'reject', why: 'oversize' }

  // Everything else is the same on every way in (admission.ts).
  const { verdict, done } = statements.offer(message, from, 'gossip')
  // A statement that the disk does not take now comes again by sync; the store has told why.
  done.catch(() => {})
  return verdict
}

function takeAnnouncement(
  message: Uint8Array,
  from: Did,
  governance: Governance,
  announcer: Announcer,
): Verdict {
  // [REJECT] It is no longer than an announcement can be.
  if (message.length > ANNOUNCEMENT_BYTES_MAX) return { verdict: 'reject', why: 'oversize' }

  // [REJECT] It is exactly what the printer would have written.
  const signed = read(message)
  if (signed === null) return { verdict: 'reject', why: 'malformed' }

  const verdict = checkAnnouncement(signed, governance, announcer)
  if (verdict.verdict === 'accept') announcer.hear(from, signed.announcement)
  return verdict
}

function checkAnnouncement(
  signed: SignedAnnouncement,
  governance: Governance,
  announcer: Announcer,
): Verdict {
  const { announcement } = signed
  const last = announcer.heard.get(announcement.node)

  // [REJECT] It is of this mesh: the topic carries no other.
  if (announcement.mesh !== governance.mesh) return { verdict: 'reject', why: 'malformed' }

  // [IGNORE] Its node is a member here. An honest peer may have learned of it first.
  if (!governance.members.has(announcement.node)) return { verdict: 'ignore', why: 'unknown' }

  // [IGNORE] It is newer than the last one, by its node's own clock. Gossip repeats and reorders.
  if (last !== undefined && announcement.timeMs <= last.timeMs)
    return { verdict: 'ignore', why: announcement.timeMs === last.timeMs ? 'seen' : 'stale' }

  // [IGNORE] Its node said nothing a moment ago: each one costs signatures, and a write to the disk.
  if (announcer.heardLately(announcement.node)) return { verdict: 'ignore', why: 'seen' }

  // [IGNORE] The witness key of its node signed it. A newer member statement may name another one,
  // which an honest peer knows already.
  if (!verifyAnnouncement(signed, governance)) return { verdict: 'ignore', why: 'unknown' }

  return { verdict: 'accept' }
}

function read(message: Uint8Array): SignedAnnouncement | null {
  try {
    return parseAnnouncement(message)
  } catch (error) {
    // Untrusted bytes come in here: what cannot be read is the verdict, not a failure.
    if (error instanceof Malformed) return null
    throw error
  }
}
