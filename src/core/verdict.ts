/**
 * What a peer's message earns: spread it; drop it in silence; or drop it and
 * hold it against the peer that sent it. Only what no honest peer could have
 * relayed is rejected.
 */
export type Verdict =
  | { readonly verdict: 'accept' }
  | { readonly verdict: 'ignore'; readonly why: 'seen' | 'stale' | 'unknown' | 'conflicting' }
  | { readonly verdict: 'reject'; readonly why: 'malformed' | 'oversize' | 'signature' | 'proof' }
