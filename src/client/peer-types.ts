/** What the API says of a node: `GET /v1/peers`. */

export type PeerState =
  | 'self'
  | 'member'
  | 'pending'
  | 'suspended'
  | 'distrusted'
  | 'revoked'
  | 'unknown'

/** GET /v1/peers, /v1/peers/{did}; the first is this node itself. */
export interface PeerView {
  readonly did: string
  readonly name: string | null
  readonly state: PeerState
  readonly role: 'witness' | 'member' | null
  /** As its member statement says, or for a pending node as its hello did; null when neither is known. */
  readonly keys: { readonly log: string; readonly witness: string } | null
  readonly link: { readonly address: string; readonly direction: 'in' | 'out' } | null
  readonly rttMs: number | null
  readonly addresses: readonly string[]
  /** What it last said of itself in a signed answer; null when it never did. */
  readonly heard: {
    readonly digest: string
    readonly size: number
    readonly rootVersion: number
    readonly logSize: number | null
    readonly epoch: number | null
    readonly clockOffsetMs: number
    readonly at: string
  } | null
  /** The newest checkpoint of its log that a quorum of witnesses cosigned, as far as this node knows: dids, and the latest of their times. */
  readonly witnessed: {
    readonly epoch: number
    readonly size: number
    readonly by: readonly string[]
    readonly at: string
  } | null
  /** Statements it lacks, as far as this node knows; null when unknown. */
  readonly behind: number | null
  readonly expiresAt: string | null
  readonly labels: { readonly [name: string]: string }
  /** What is proven against its logs, newest log first. */
  readonly evidence: readonly {
    readonly id: string
    readonly epoch: number
    /** Of the two checkpoints that contradict each other. */
    readonly sizes: readonly [number, number]
    /** By a root: the node counts again once it keeps another log. */
    readonly lifted: boolean
  }[]
  readonly lastSeenAt: string | null
  readonly lastError: string | null
}
