/**
 * The governance digest: one name for all that governs (design 2, digest).
 *
 *   sha256("meshd governance 1\n" ‖ "sha256:<newest root>\n" ‖ "<root hash of the tree of effective ids>\n")
 *
 * Nodes with equal digests hold the same effective statements, or others that
 * prove the same (conclusion.ts), so the fold gives them the same governance. No
 * sums and no xor: those can be steered.
 */
import { utf8 } from './bytes.ts'
import { type StatementId, sha256Hex } from './id.ts'
import type { PrefixTree } from './prefix-tree.ts'

/** @param root the newest one; null before there is one @param effective digits of ids and of conclusions → themselves */
export function governanceDigest(root: StatementId | null, effective: PrefixTree): string {
  return sha256Hex(utf8(`meshd governance 1\n${root ?? 'none'}\n${effective.rootHash}\n`))
}
