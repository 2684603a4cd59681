/**
 * What a local caller is told instead of being let in: statements that would
 * be accepted and change nothing, or contradict what is in force. Peers are
 * not held to this: what they bring may have been right where it began.
 */
import type { Governance } from '../core/governance.ts'
import { MeshError } from '../core/problems.ts'
import { scopeKey } from '../core/statement/freeze.ts'
import type { Policy } from '../core/statement/policy.ts'
import type { Statement } from '../core/statement/statement.ts'

/** @param statement one that is not known here yet @throws MeshError CONFLICT */
export function checkTimely(statement: Statement, governance: Governance): void {
  const stale = staleness(statement, governance)
  if (stale === null) return
  throw new MeshError('CONFLICT', `${stale.what} ${stale.given} does not follow ${stale.newest}`, {
    hint: `make version ${stale.newest + 1}`,
  })
}

interface Staleness {
  readonly what: string
  readonly given: number
  readonly newest: number
}

/** null when it is the next of its kind. */
function staleness(statement: Statement, governance: Governance): Staleness | null {
  const { root, members, freezes, epochs } = governance
  switch (statement.type) {
    case 'root':
      return unlessNext('root version', statement.version, root?.version ?? 0)
    case 'policy':
      return checkPolicy(statement, governance)
    case 'member': {
      const newest = members.get(statement.principal)?.version ?? 0
      return unlessAfter('member version', statement.version, newest)
    }
    case 'freeze': {
      const newest = freezes.get(scopeKey(statement.scope))?.version ?? 0
      return unlessAfter('freeze version', statement.version, newest)
    }
    case 'epoch':
      return unlessAfter('log epoch', statement.epoch, epochs.get(statement.node)?.epoch ?? 0)
    case 'revocation':
    case 'evidence':
      return null
  }
}

function checkPolicy(policy: Policy, { bundles }: Governance): Staleness | null {
  const { versions = [], conflict = null } = bundles.get(policy.bundle) ?? {}
  const newest = versions.reduce((most, { version }) => Math.max(most, version), 0)
  const what = `policy ${policy.bundle} version`
  // What lost its signers is not among the versions, and what is signed anew comes after it.
  if (conflict !== null) return unlessAfter(what, policy.version, newest)
  return unlessNext(what, policy.version, newest)
}

function unlessNext(what: string, given: number, newest: number): Staleness | null {
  return given === newest + 1 ? null : { what, given, newest }
}

function unlessAfter(what: string, given: number, newest: number): Staleness | null {
  return given > newest ? null : { what, given, newest }
}
