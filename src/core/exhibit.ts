/**
 * What a decision was asked with, kept beside its record for whoever judges it
 * again: the invocation, the links, and the receipt that proved a cause. In the
 * form of an entry bundle (tile.ts), each with its length before it.
 *
 * The record names all of it by hashes, so none of it is in the tree, and it
 * may go before the record does. A link is left out that stands in an exhibit
 * of the same log a little before (mesh/exhibits.ts). Nothing is kept of an artifact that did not
 * verify: strangers do not fill the disk.
 */
import { type Delegation, parseDelegation } from './delegation.ts'
import { type Cid, cidOf } from './id.ts'
import { type Invocation, parseInvocation } from './invocation.ts'
import type { JudgeInput, Judgement } from './judgement.ts'
import { RECORD_BYTES_MAX } from './limits.ts'
import { isReceipt } from './receipt.ts'
import type { LogRecord } from './record.ts'
import { formatBundle, parseBundle } from './tile.ts'

/** null where there is nothing to keep. @param known links that stand in an exhibit a little before this one */
export function exhibitOf(
  { presented, parent }: Pick<JudgeInput, 'presented' | 'parent'>,
  { coverage }: Pick<Judgement, 'coverage'>,
  known: ReadonlySet<Cid> = new Set(),
): Uint8Array | null {
  if (presented.kind !== 'artifact' || coverage.links.length === 0) return null
  const { invocation, links } = presented
  const receipt = parent?.kind === 'receipt' ? [parent.receipt] : []
  const unknown = links.filter(({ cid }) => !known.has(cid))
  const parts = [invocation.bytes, ...unknown.map(({ bytes }) => bytes), ...receipt]
  // One that is too long for the form is not kept, and its decision not judged again.
  return parts.every(({ length }) => length <= RECORD_BYTES_MAX) ? formatBundle(parts) : null
}

/** Its parts by what names them: tokens by their CID, a receipt by `receipt`. @throws Malformed */
export function readExhibit(bytes: Uint8Array): ReadonlyMap<Cid | 'receipt', Uint8Array> {
  return new Map(
    parseBundle(bytes).map((part) => [isReceipt(part) ? 'receipt' : cidOf(part), part]),
  )
}

export interface Shown {
  readonly invocation: Invocation
  /** Root first. */
  readonly links: readonly Delegation[]
}

/** The artifact of a decision. @param tokenOf what has that CID, or null. Gives null when one of them is missing. @throws Malformed */
export function artifactShown(
  { invocation, links }: LogRecord<'decision'>,
  tokenOf: (cid: Cid) => Uint8Array | null,
): Shown | null {
  if (invocation === null) return null
  const [closing, ...tokens] = [invocation, ...links].map(tokenOf)
  if (closing === undefined || closing === null || tokens.length === 0) return null
  const found = tokens.filter((token) => token !== null)
  if (found.length < tokens.length) return null
  return { invocation: parseInvocation(closing), links: found.map(parseDelegation) }
}
