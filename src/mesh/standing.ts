/** Whether a node's word is asked for: an admitted member, neither revoked nor suspended nor distrusted nor expired. */
import type { Governance } from '../core/governance.ts'
import type { Did } from '../core/keys.ts'
import { scopeKey } from '../core/statement/freeze.ts'

export function inGoodStanding(governance: Governance, node: Did, nowMs: number): boolean {
  const { members, revocations, freezes, distrusted } = governance
  const member = members.get(node)
  if (distrusted.has(node)) return false
  if (member === undefined || nowMs >= member.expiresMs) return false
  if (freezes.get(scopeKey({ kind: 'node', did: node }))?.frozen === true) return false
  const revoked = revocations.did('node', node) ?? revocations.did('principal', node)
  return revoked === null || nowMs >= revoked.untilMs
}

/** The others whose word is asked for. */
export function othersInGoodStanding(governance: Governance, self: Did, nowMs: number): Did[] {
  const nodes = [...governance.members.keys()]
  return nodes.filter((node) => node !== self && inGoodStanding(governance, node, nowMs))
}
