/** Check 6: the chain is unbroken from the issuer to who invokes it; and no cause is believed that nobody verified. */
import { checkContinuity } from '../chain.ts'
import type { Malformed } from '../malformed.ts'
import type { VerifiedArtifact } from '../presented.ts'
import type { Request } from '../request.ts'
import { type CheckResult, failed, passed, unknown } from './check.ts'
import { type NameOf, NEEDS_ARTIFACT, who } from './wording.ts'

const UNVERIFIED_CAUSE = {
  code: 'LINEAGE_BROKEN',
  detail: 'a cause is named, and lineage is not verified by this version',
} as const

export function checkLineage(
  request: Request | Malformed,
  artifact: VerifiedArtifact | null,
  nameOf: NameOf,
): CheckResult {
  const cause = 'cause' in request && typeof request.cause === 'string'
  if (cause) return failed('lineage', UNVERIFIED_CAUSE)
  if (artifact === null) return unknown('lineage', NEEDS_ARTIFACT)
  const { links, invocation } = artifact
  if (invocation.cause !== null) return failed('lineage', UNVERIFIED_CAUSE)
  const denial = checkContinuity(links, invocation)
  if (denial !== null) return failed('lineage', denial)
  const keys = [...links.map((link) => link.iss), invocation.iss]
  const chain = keys.map((key) => who(key, nameOf)).join(' → ')
  return passed('lineage', `no cause named; ${chain} unbroken`)
}
