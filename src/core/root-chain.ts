/**
 * The chain of trust roots, from the pinned version 1 to the newest (S7, TUF 5.3).
 *
 *   v1 ──previous── v2 ──previous── v3      each by the threshold of the last one and its own
 *                      └─ v3'               a second one: nobody decides until an operator pins one
 *
 * It is a function of the set of statements alone. Dates never count here: an
 * expired root is denied where it is used (FACTS: a fold that reads clocks diverges).
 */
import type { StatementId } from './id.ts'
import type { Did } from './keys.ts'
import { reaches } from './roles.ts'
import type { Role, Root } from './statement/root.ts'

/** A root of the chain, with what it says about keys that it drops. */
export interface ChainRoot {
  readonly root: Root
  readonly keeps: ReadonlySet<StatementId>
}

export interface RootChain {
  /** Version 1 first. */
  readonly roots: readonly ChainRoot[]
  /** The contradicting ones of the next version, sorted; [] when there are none. */
  readonly disputed: readonly StatementId[]
}

/** A root and who signed it well. */
interface SignedRoot {
  readonly root: Root
  readonly signers: readonly Did[]
}

export interface RootChainInput {
  readonly mesh: StatementId | null
  readonly pins: ReadonlySet<StatementId>
  rootsOf(version: number): Iterable<SignedRoot>
  /** Whether this chain admits that node. */
  isMember(principal: Did, chain: readonly ChainRoot[]): boolean
}

export function chainOf(input: RootChainInput): RootChain {
  const roots: ChainRoot[] = []
  for (;;) {
    const found = [...input.rootsOf(roots.length + 1)].filter((each) => follows(each, roots, input))
    const pinned = found.filter(({ root }) => input.pins.has(root.id))
    const [next, other] = pinned.length > 0 ? pinned : found
    if (next === undefined) return { roots, disputed: [] }
    if (other !== undefined) {
      return { roots, disputed: found.map(({ root }) => root.id).sort() }
    }
    roots.push({ root: next.root, keeps: new Set(next.root.keeps) })
  }
}

function follows(
  { root, signers }: SignedRoot,
  chain: readonly ChainRoot[],
  { mesh, isMember }: RootChainInput,
): boolean {
  if (!rolesThatSign(root, chain.at(-1)?.root ?? null).every((role) => reaches(role, signers))) {
    return false
  }
  const last = chain.at(-1)?.root
  if (last === undefined) return root.id === mesh && root.version === 1
  if (root.previous !== last.id || root.version !== last.version + 1) return false
  // A stranger must not vouch for what others know (row 114). Version 1 comes before any member.
  return root.witnesses.every((each) => last.witnesses.includes(each) || isMember(each, chain))
}

/** Whose thresholds a root needs: the last one's and its own (TUF 5.3.4). */
export function rolesThatSign(root: Root, last: Root | null): readonly Role[] {
  return last === null ? [root.roles.root] : [last.roles.root, root.roles.root]
}
