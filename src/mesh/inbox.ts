/**
 * What gossip brings, one sentence for each condition on a message, cheap ones
 * first, signatures last. Only what no honest member could have relayed is
 * rejected; what may be true elsewhere is ignored, and sync decides.
 */
import type { Governance } from '../core/governance.ts'
import type { Did } from '../core/keys.ts'
import { ANNOUNCEMENT_BYTES_MAX, GOSSIP_BYTES_MAX, GOSSIP_STATEMENTS_MAX } from '../core/limits.ts'
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
import { formatSyncRequest, parseSyncRequest } from './sync-frames.ts'

export interface InboxPorts {
  readonly network: Pick<Network, 'publish' | 'subscribe'>
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
  listen('statements', (message, from) => takeStatements(message, from, statements, network))
  listen('state', (message, from) =>
    takeAnnouncement(message, from, statements.governance, announcer),
  )
}

const TIRED: Verdict = { verdict: 'ignore', why: 'unknown' }
const ACCEPT: Verdict = { verdict: 'accept' }
const SEEN: Verdict = { verdict: 'ignore', why: 'seen' }

/** A message brings as many as were learned in one moment, in the bytes of a push. */
function takeStatements(
  message: Uint8Array,
  from: Did,
  statements: Statements,
  network: Pick<Network, 'publish'>,
): Verdict {
  // [REJECT] It is no longer than gossip carries: nobody publishes more.
  if (message.length > GOSSIP_BYTES_MAX) return { verdict: 'reject', why: 'oversize' }

  // [REJECT] It is exactly what the printer of pushes would have written, of at least one and not too many.
  const blobs = readPush(message)
  if (blobs === null) return { verdict: 'reject', why: 'malformed' }

  // [IGNORE] One of them is new, and all that are new hold here.
  // [REJECT] None is such that no honest member would have relayed it. What is behind such a one is not worth a look.
  const taken: Uint8Array[] = []
  let refused: Verdict | null = null
  for (const bytes of blobs) {
    const verdict = takeStatement(bytes, from, statements)
    if (verdict.verdict === 'accept') taken.push(bytes)
    else if (verdict.why !== 'seen') refused = verdict
    if (verdict.verdict === 'reject') break
  }
  if (refused === null) return taken.length > 0 ? ACCEPT : SEEN
  // Whoever put it beside what does not hold would else keep it from the others, or have it passed on, too.
  if (taken.length > 0)
    network.publish('statements', formatSyncRequest({ ask: 'push', blobs: taken }))
  return refused
}

function takeStatement(bytes: Uint8Array, from: Did, statements: Statements): Verdict {
  // Everything else is the same on every way in (admission.ts).
  const { verdict, done } = statements.offer(bytes, from, 'gossip')
  // A statement that the disk does not take now comes again by sync; the store has told why.
  done.catch(() => {})
  return verdict
}

/** null for what is no push, or of none or too many. */
function readPush(message: Uint8Array): readonly Uint8Array[] | null {
  const request = read(() => parseSyncRequest(message))
  if (request?.ask !== 'push') return null
  const { length } = request.blobs
  return length > 0 && length <= GOSSIP_STATEMENTS_MAX ? request.blobs : null
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
  const signed = read(() => parseAnnouncement(message))
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

function read<T>(reader: () => T): T | null {
  try {
    return reader()
  } catch (error) {
    // Untrusted bytes come in here: what cannot be read is the verdict, not a failure.
    if (error instanceof Malformed) return null
    throw error
  }
}
