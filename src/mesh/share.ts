/** Whom this node shows its records to: what was asked of it, by whom, and what was answered. */
import type { Governance } from '../core/governance.ts'
import type { Did } from '../core/keys.ts'

/** As `audit.share` has it, each more than the one before. */
export const SHARES = ['none', 'witnesses', 'members'] as const
export type Share = (typeof SHARES)[number]

/** Proofs and heads are everybody's; records are for those whom the operator names. */
export function mayRead(
  share: Share,
  peer: Did,
  { root, members, distrusted }: Pick<Governance, 'root' | 'members' | 'distrusted'>,
): boolean {
  if (!members.has(peer) || distrusted.has(peer)) return false
  if (share === 'witnesses') return root?.witnesses.includes(peer) === true
  return share === 'members'
}
