/** One caller of a host asks another for a delegation. */

/** GET, POST /v1/wallet/requests */
export interface DelegationRequestView {
  readonly id: string
  /** Names of keys that the daemon keeps: who asks, and who is asked. */
  readonly from: string
  readonly to: string
  readonly actions: readonly string[]
  readonly resource: string | null
  readonly ttlMs: number
  readonly message: string | null
  readonly askedAt: string
  /** It is forgotten then. */
  readonly until: string
  readonly state: 'waiting' | 'granted' | 'declined'
  /** What was granted, and is held for who asked. */
  readonly artifact: string | null
}
