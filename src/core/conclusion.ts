/**
 * What several statements prove together, and others could prove as well: that
 * too much was taken back below a link, that a log has two histories. Whoever
 * floods has as many proofs of it as he likes. Nodes keep the first that came
 * to each; in the digest, and in the trees that sync compares, the conclusion
 * stands in the place of its proof:
 *
 *     0a77…  447f…  4b02…  …  1,001 revocations below A    →    9c1e…  "A is over"
 *
 * So what governs is named alike whichever proof a node holds, and another
 * proof of the same is no news: neither sets nor logs grow by it (rows 129, 136).
 *
 * No statement has such an id: the payload of one begins with a brace.
 */
import { utf8 } from './bytes.ts'
import { type StatementId, sha256Hex } from './id.ts'
import type { Evidence } from './statement/evidence.ts'

/** 64 hex digits, as those of an id. */
export type ConclusionKey = string

export interface Conclusion {
  readonly key: ConclusionKey
  /** In the order in which they came; none of them counts by itself. */
  readonly proof: readonly StatementId[]
  /** Conclusions that this one says, too: they stand no longer. */
  readonly instead: readonly ConclusionKey[]
}

/** What the fold comes to by one statement more. */
export interface Drawn<S> {
  /** Those that are left out from now on, perhaps that one: something covers them. */
  readonly gone: readonly S[]
  readonly conclusion: Conclusion | null
}

export const NOTHING_DRAWN: Drawn<never> = { gone: [], conclusion: null }

/** @param path the cids of the links that lead to it, parted by spaces; or, for all that an issuer gave, that issuer */
export function overKey(path: string): ConclusionKey {
  return sha256Hex(utf8(`meshd over 1\n${path}\n`))
}

/** @param lifted by some root of the chain */
export function forkedKey({ origin }: Evidence, lifted: boolean): ConclusionKey {
  return sha256Hex(utf8(`meshd forked 1\n${origin}\n${lifted ? 'lifted' : 'held'}\n`))
}
