/** GET /v1/lineage/{id}?direction= : the executions above or below one, each with what proves it. */
export interface LineageView {
  readonly id: string
  readonly direction: 'up' | 'down'
  /** The one that was asked for, then those above it, the nearest first; or those below, in no order. */
  readonly hops: readonly HopView[]
  /** Members that did not answer: they may know of more. */
  readonly silent: readonly string[]
  /** Whether there is more than is shown. */
  readonly more: boolean
  /** Cosignatures that a checkpoint needs, of how many witnesses. */
  readonly need: number
  readonly of: number
  /** What this node calls the keys that are named above. */
  readonly names: { readonly [did: string]: string }
}

export interface HopView {
  readonly id: string
  /** Whether its receipt was verified here, for this answer. Everything below but node and cause is null where it was not. */
  readonly verified: boolean
  /** Why it was not; null where it was. */
  readonly why: string | null
  /** That wrote it, or should have it; null when nobody says. */
  readonly node: string | null
  /** The execution that it descends from. */
  readonly cause: string | null
  /** Its own record, as it is in the log; null where it was not verified. */
  readonly decision: HopDecisionView | null
}

export interface HopDecisionView {
  readonly time: string
  readonly effect: 'allow' | 'deny'
  readonly code: string | null
  readonly principal: string | null
  readonly action: string | null
  /** `repo:acme/web` */
  readonly resource: string | null
  readonly traceparent: string | null
  /** How many witnesses cosigned the checkpoint that proves it. */
  readonly cosigned: number
  readonly outcome: {
    readonly outcome: 'ok' | 'failed' | 'stopped' | 'unknown'
    readonly status: number | null
    readonly code: string | null
  } | null
  /** What revoked this very execution; null while nothing does. */
  readonly revoked: string | null
  /** From the issuer to who acted. */
  readonly authority: {
    readonly mesh: string | null
    readonly root: number | null
    readonly issuer: string | null
    readonly links: readonly {
      readonly artifact: string
      readonly audience: string
      /** The revocation's id; null while nothing revokes the link. */
      readonly revoked: string | null
    }[]
  }
}
