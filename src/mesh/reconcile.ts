/**
 * One walk down a peer's prefix tree, beside our own: what it holds that we
 * lack, and what we hold that it lacks. Cost follows the difference.
 *
 *     ''  differs ─ 3 differs ─ 3f  of 20, listed: 3f07… is missing here
 *         │         └ 3a equal  └ nothing more to ask
 *         └ 9 equal
 *
 * The peer may lie: each part must hash and count to what the part above it
 * said, so a walk is about one set, however long it takes, and ends.
 */
import type { StatementId } from '../core/id.ts'
import { SYNC_LEAVES, SYNC_LIST_MAX, SYNC_PREFIXES_MAX } from '../core/limits.ts'
import { Malformed } from '../core/malformed.ts'
import {
  type Branch,
  hashOfBranches,
  hashOfLeaves,
  type Leaf,
  type PrefixTree,
} from '../core/prefix-tree.ts'
import type { Part } from './sync-parts.ts'

export interface Places {
  readonly nodes: readonly string[]
  readonly lists: readonly string[]
}

export class Walk {
  readonly #local: PrefixTree
  /** Subtrees of the peer that differ, by prefix: what was said of each, and how it is asked for. */
  readonly #open = new Map<string, Branch & { readonly as: Part['as'] }>()
  #found: Leaf[] = []
  #surplus: string[] = []

  /** @param hash of the peer's whole tree, as its summary says */
  constructor(local: PrefixTree, hash: string, top: Part) {
    this.#local = local
    checkPart(top, hash, null)
    this.#compare(top)
  }

  /** What to ask for next; null when every difference is known. */
  next(): Places | null {
    const open = [...this.#open.values()].slice(0, SYNC_PREFIXES_MAX)
    if (open.length === 0) return null
    const of = (as: Part['as']) => open.filter((one) => one.as === as).map(({ prefix }) => prefix)
    return { nodes: of('node'), lists: of('list') }
  }

  /** Takes an answer: parts that were asked for, as many as came. @throws Malformed for a lie */
  take(parts: readonly Part[]): void {
    if (parts.length === 0) throw new Malformed('a walk was not answered')
    for (const part of parts) {
      const said = this.#open.get(part.prefix)
      if (said === undefined) throw new Malformed('a part was not asked for')
      checkPart(part, said.hash, said.count)
      this.#open.delete(part.prefix)
      this.#compare(part)
    }
  }

  /** Leaves that are missing here, or have another hash, since the last call. */
  found(): readonly Leaf[] {
    const found = this.#found
    this.#found = []
    return found
  }

  /** Keys that are held here and that the peer lacks, or has with another hash. */
  get surplus(): readonly string[] {
    return this.#surplus
  }

  #compare(part: Part): void {
    if (part.as === 'list') this.#compareLeaves(part.prefix, part.leaves)
    else this.#compareBranches(part.prefix, part.branches)
  }

  #compareLeaves(prefix: string, leaves: readonly Leaf[]): void {
    const theirs = new Map(leaves.map(({ key, hash }) => [key, hash]))
    for (const leaf of leaves) if (this.#local.get(leaf.key) !== leaf.hash) this.#found.push(leaf)
    for (const { key, hash } of this.#local.leaves(prefix))
      if (theirs.get(key) !== hash) this.#surplus.push(key)
  }

  #compareBranches(prefix: string, branches: readonly Branch[]): void {
    const theirs = new Set(branches.map((branch) => branch.prefix))
    for (const branch of branches) {
      const ours = this.#local.branch(branch.prefix)
      if (ours?.hash !== branch.hash)
        this.#open.set(branch.prefix, { ...branch, as: wanted(branch.count, ours?.count ?? 0) })
    }
    for (let digit = 0; digit < 16; digit++) {
      const child = prefix + digit.toString(16)
      if (theirs.has(child)) continue
      for (const { key } of this.#local.leaves(child)) this.#surplus.push(key)
    }
  }
}

/** What is mostly missing here is listed whole: dividing it would only take longer. */
function wanted(theirs: number, ours: number): Part['as'] {
  return theirs <= SYNC_LEAVES || (theirs <= SYNC_LIST_MAX && ours * 2 < theirs) ? 'list' : 'node'
}

/** What a server says of a subtree: divided, or listed when it is small or wanted so and not too large. */
export function partOf(tree: PrefixTree, prefix: string, as: Part['as']): Part {
  const count = tree.branch(prefix)?.count ?? 0
  const listed = count <= SYNC_LEAVES || (as === 'list' && count <= SYNC_LIST_MAX)
  if (listed || prefix.length === 63) return { as: 'list', prefix, leaves: tree.leaves(prefix) }
  return { as: 'node', prefix, branches: tree.branches(prefix) }
}

function checkPart(part: Part, hash: string, count: number | null): void {
  const said =
    part.as === 'list'
      ? { hash: hashOfLeaves(part.prefix, part.leaves), count: part.leaves.length }
      : {
          hash: hashOfBranches(part.branches),
          count: part.branches.reduce((sum, branch) => sum + branch.count, 0),
        }
  if (said.hash !== hash || (count !== null && said.count !== count))
    throw new Malformed(`the tree at \`${part.prefix}\` is not what was said of it`)
}

export function keyOfId(id: StatementId): string {
  return id.slice('sha256:'.length)
}

export function idOfKey(key: string): StatementId {
  return `sha256:${key}`
}
