/**
 * What an execution takes over from the one it descends from. It stands in
 * each descendant's record, so whoever holds a record knows, without asking
 * anybody, which revocations end it:
 *
 *   "ancestors":["sha256:2e90…","sha256:71d0…"]        the parent first
 *   "inherited":{"issuers":[…],"links":["bafyrei…"],"nodes":[…],"origins":[…],"principals":[…]}
 */
import type { Cid, RecordId } from './id.ts'
import type { Did } from './keys.ts'
import { LINEAGE_DEPTH_MAX, LINEAGE_LINKS_MAX, LINEAGE_PRINCIPALS_MAX } from './limits.ts'
import type { LogRecord } from './record.ts'

/** Of all ancestors together, each once. */
export interface Inherited {
  /** The parent first. */
  readonly ancestors: readonly RecordId[]
  /** That decided. */
  readonly nodes: readonly Did[]
  /** Who signed the first link of each: issuers in role, when it was allowed. */
  readonly origins: readonly Did[]
  /** Signers of links. */
  readonly issuers: readonly Did[]
  readonly links: readonly Cid[]
  readonly principals: readonly Did[]
}

export const NOTHING_INHERITED: Inherited = {
  ancestors: [],
  nodes: [],
  origins: [],
  issuers: [],
  links: [],
  principals: [],
}

/** What a child of that allow inherits: the parent's own, and what it inherited. */
export function inheritedFrom(id: RecordId, parent: LogRecord<'decision'>): Inherited {
  const { node, links, principals } = parent
  const above = inheritedBy(parent)
  // A chain goes on where the last link ended, so its keys stand in its order: all but the last signed.
  const issuers = principals.slice(0, links.length)
  return {
    ancestors: [id, ...above.ancestors],
    nodes: joined([node], above.nodes),
    origins: joined(issuers.slice(0, 1), above.origins),
    issuers: joined(issuers, above.issuers),
    links: joined(links, above.links),
    principals: joined(principals, above.principals),
  }
}

/** What the record says that it descends from. */
function inheritedBy({ ancestors = [], inherited }: LogRecord<'decision'>): Inherited {
  return { ...NOTHING_INHERITED, ...inherited, ancestors }
}

/** null while a record can hold it all. */
export function tooMuch({ ancestors, links, principals }: Inherited): string | null {
  if (new Set(ancestors).size < ancestors.length) return 'it descends from itself'
  if (ancestors.length > LINEAGE_DEPTH_MAX)
    return `more than ${LINEAGE_DEPTH_MAX} executions would stand above it`
  if (links.length > LINEAGE_LINKS_MAX)
    return `what is above it rests on more than ${LINEAGE_LINKS_MAX} links`
  if (principals.length <= LINEAGE_PRINCIPALS_MAX) return null
  return `what is above it rests on more than ${LINEAGE_PRINCIPALS_MAX} principals`
}

function joined<T>(own: readonly T[], above: readonly T[]): readonly T[] {
  return [...new Set([...own, ...above])]
}
