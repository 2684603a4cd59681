/**
 * Whether an answer rests on what its caller runs. Only then is that measured:
 * to hash a large program takes a third of a second, and most mandates look at
 * users and units alone. In doubt it is needed; what is not measured is absent,
 * and what looks at it all the same denies.
 */
import type { Artifact } from '../core/artifact.ts'
import * as demands from '../core/demands.ts'
import type { PolicyEngine } from '../core/policy.ts'
import type { Caller } from '../core/presented.ts'
import type { Wallet } from './wallet.ts'

export interface NeedPorts {
  readonly policy: Pick<PolicyEngine, 'readsExecutables'>
  readonly wallet: Pick<Wallet, 'heldFor'>
}

/** @param brought what came with the request; null: what is held for the caller is looked through */
export function needsExecutable(
  { name }: Caller,
  brought: Artifact | null,
  { policy, wallet }: NeedPorts,
): boolean {
  if (policy.readsExecutables) return true
  if (brought !== null) return demands.readExecutables(brought.links)
  if (name === null) return false
  for (const { links } of wallet.heldFor(name)) if (demands.readExecutables(links)) return true
  return false
}
