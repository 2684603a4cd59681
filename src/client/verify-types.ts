/** What a look at the whole of a log answers, and what others hold of it. */

interface NodeName {
  readonly did: string
  readonly name: string | null
}

/** GET /v1/log/verify?peers=true: what another member holds of this node's log. */
export interface LogPeerView extends NodeName {
  /** null for one that answered; else why nothing is known of what it holds. */
  readonly why: string | null
  /** Its newest checkpoint: heard of or cosigned, and known to be cosigned by a quorum; `[]` for one that holds none. */
  readonly heads: readonly {
    readonly epoch: number
    readonly size: number
    /** The log here goes on from it, or retired it; ends before it; is another one. */
    readonly standing: 'continued' | 'behind' | 'another'
    readonly cosigned: readonly (NodeName & { readonly time: string })[]
  }[]
}

/** GET /v1/log/verify */
export interface LogVerifyView {
  readonly origin: string
  readonly epoch: number
  readonly size: number
  readonly rootHash: string
  readonly published: number
  readonly verified: number
  /** Of those, the first so many by their tiles alone: they were pruned. */
  readonly pruned: number
  readonly problems: readonly string[]
  /** With `peers=true`. */
  readonly others?: {
    readonly peers: readonly LogPeerView[]
    /** Of those that have to, so that one of them knows whatever a quorum cosigned. */
    readonly answered: number
    readonly need: number
    /** Nodes that showed two histories of their own logs. */
    readonly distrusted: readonly NodeName[]
  }
}
