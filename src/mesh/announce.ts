/**
 * Announcements: each node gossips its own governance state when it changes, so
 * that neighbours sync at once and status pages know who lacks what. One never
 * extends a lease: receipt says nothing about age (FAULTS 1.2, note 3).
 *
 *     {"announcement":{"checkpoint":null,"cosigned":null,"digest":"5c1e…",
 *      "mesh":"sha256:…","node":"did:key:…","root":3,"size":41,
 *      "time":"2026-11-24T14:03:10.000Z"},
 *      "signature":"<base64>"}
 *
 * Signed by the node's witness key over "meshd/announce/1\n" and the inner JSON:
 * a line of its own, so that no announcement passes for an answer to a question.
 */
import { concat, textOf, toBase64, utf8 } from '../core/bytes.ts'
import type { Governance } from '../core/governance.ts'
import type { StatementId } from '../core/id.ts'
import { formatJson, parseCanonical } from '../core/json.ts'
import { type Did, type Signer, verifySignature } from '../core/keys.ts'
import {
  ANNOUNCE_INTERVAL_MS,
  ANNOUNCEMENT_BYTES_MAX,
  CHECKPOINT_BYTES_MAX,
  COSIGNED_BYTES_MAX,
} from '../core/limits.ts'
import {
  base64,
  did,
  formatTime,
  hash,
  id,
  integer,
  nullable,
  object,
  text,
  time,
} from '../core/shape.ts'
import type { Clock, Network } from './ports.ts'
import type { Statements } from './statements.ts'

export interface Announcement {
  readonly mesh: StatementId
  readonly node: Did
  readonly root: number
  /** 64 hex digits. */
  readonly digest: string
  /** Effective statements. */
  readonly size: number
  /** The newest published checkpoint of the node's log, a signed note. */
  readonly checkpoint: string | null
  /** The newest that a quorum of witnesses cosigned, with their lines: it is older than the other, or the same. */
  readonly cosigned: string | null
  readonly timeMs: number
}

export interface SignedAnnouncement {
  readonly announcement: Announcement
  readonly signature: Uint8Array
}

const DOMAIN = utf8('meshd/announce/1\n')

const READ = object({
  announcement: object({
    checkpoint: nullable(text(CHECKPOINT_BYTES_MAX)),
    cosigned: nullable(text(COSIGNED_BYTES_MAX)),
    digest: hash,
    mesh: id,
    node: did,
    root: integer(1, Number.MAX_SAFE_INTEGER),
    size: integer(0, Number.MAX_SAFE_INTEGER),
    time,
  }),
  signature: base64,
})

function jsonOf({ timeMs, ...rest }: Announcement) {
  return { ...rest, time: formatTime(timeMs) }
}

function signedBytes(announcement: Announcement): Uint8Array {
  return concat(DOMAIN, utf8(formatJson(jsonOf(announcement))))
}

export function signAnnouncement(announcement: Announcement, witness: Signer): Uint8Array {
  // Printed once: what is signed is a part of what is sent.
  const text = formatJson(jsonOf(announcement))
  const signature = toBase64(witness.sign(concat(DOMAIN, utf8(text))))
  return utf8(`{"announcement":${text},"signature":"${signature}"}`)
}

/** Says nothing about the signature. @throws Malformed */
export function parseAnnouncement(bytes: Uint8Array): SignedAnnouncement {
  const { announcement, signature } = READ(
    parseCanonical(bytes, ANNOUNCEMENT_BYTES_MAX),
    'announcement',
  )
  const { time: timeMs, ...rest } = announcement
  return { announcement: { ...rest, timeMs }, signature }
}

/** By the witness key that the node's own member statement names. */
export function verifyAnnouncement(
  { announcement, signature }: SignedAnnouncement,
  governance: Governance,
): boolean {
  const witness = governance.members.get(announcement.node)?.witness
  return witness !== undefined && verifySignature(witness, signedBytes(announcement), signature)
}

export interface AnnouncePorts {
  readonly statements: Statements
  readonly network: Pick<Network, 'self' | 'publish' | 'onPeer'>
  readonly clock: Clock
  /** The node's witness key. */
  readonly witness: Signer
  /** The newest published checkpoint of this node's log. */
  checkpoint(): Uint8Array | null
  /** The newest that a quorum cosigned, with their lines. */
  cosigned(): string | null
}

export class Announcer {
  readonly #ports: AnnouncePorts
  /** The newest of each node, by the node's own clock. */
  readonly #heard = new Map<Did, Announcement>()
  /** When each of them came, monotonic. */
  readonly #heardMs = new Map<Did, number>()
  readonly #listeners: ((from: Did, announcement: Announcement) => void)[] = []
  /** Resolves the wait for the next change. */
  #wake: () => void = () => {}
  #changed = true

  private constructor(ports: AnnouncePorts) {
    this.#ports = ports
    ports.statements.onChange(() => this.changed())
    ports.network.onPeer((_, greeted) => greeted && this.changed())
  }

  static open(ports: AnnouncePorts): Announcer {
    return new Announcer(ports)
  }

  /** What each node said last; for status pages and as a reason to sync, nothing more. */
  get heard(): ReadonlyMap<Did, Announcement> {
    return this.#heard
  }

  /** Whether the node announced more often than any needs to: once in ANNOUNCE_INTERVAL_MS, and gossip may bunch two. */
  heardLately(node: Did): boolean {
    const atMs = this.#heardMs.get(node) ?? Number.NEGATIVE_INFINITY
    return this.#ports.clock.monotonicMs() - atMs < ANNOUNCE_INTERVAL_MS / 4
  }

  /** Told of each newer announcement and of the neighbour that brought it. */
  onHeard(listener: (from: Did, announcement: Announcement) => void): void {
    this.#listeners.push(listener)
  }

  /** Takes an announcement that the inbox accepted. */
  hear(from: Did, announcement: Announcement): void {
    this.#heard.set(announcement.node, announcement)
    this.#heardMs.set(announcement.node, this.#ports.clock.monotonicMs())
    for (const listener of this.#listeners) listener(from, announcement)
  }

  /** There is something new to announce: governance, a checkpoint, or a peer that has heard nothing yet. */
  changed(): void {
    this.#changed = true
    this.#wake()
  }

  /** Announces each change, and waits between two, longer in a larger mesh. Returns when the signal aborts. */
  async run(signal: AbortSignal): Promise<void> {
    const { clock, statements } = this.#ports
    signal.addEventListener('abort', () => this.#wake(), { once: true })
    while (!signal.aborted) {
      if (!this.#changed) await new Promise<void>((resolve) => (this.#wake = resolve))
      if (signal.aborted) return
      this.#changed = false
      this.#announce()
      // Design 5: at most every max(1 s, nodes / 100 s), so that all together stay linear.
      const members = statements.governance.members.size
      await clock.sleep(Math.max(ANNOUNCE_INTERVAL_MS, members * 10), signal)
    }
  }

  #announce(): void {
    const { statements, network, clock, witness, checkpoint, cosigned } = this.#ports
    const { mesh, root, members, digest, size } = statements.governance
    if (mesh === null || root === null) return
    // INVARIANT: a node announces only what it would also sign; one that is no member has no voice.
    if (members.get(network.self)?.witness !== witness.did) return
    const published = checkpoint()
    network.publish(
      'state',
      signAnnouncement(
        {
          // In the order in which they are printed, which costs a third.
          checkpoint: published === null ? null : textOf(published),
          cosigned: cosigned(),
          digest,
          mesh,
          node: network.self,
          root: root.version,
          size,
          timeMs: clock.wallMs(),
        },
        witness,
      ),
    )
  }
}
