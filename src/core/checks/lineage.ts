/** Check 6: the chain is unbroken from the issuer to who invokes it, and a cause that is named is proven. */
import { checkContinuity } from '../chain.ts'
import { shortId } from '../id.ts'
import type { VerifiedParent } from '../lineage.ts'
import type { Matter } from '../matter.ts'
import { type CheckResult, failed, passed, unknown } from './check.ts'
import { type NameOf, NEEDS_ARTIFACT, who } from './wording.ts'

export function checkLineage(
  { artifact, lineage }: Pick<Matter, 'artifact' | 'lineage'>,
  nameOf: NameOf,
): CheckResult {
  if (artifact === null) return unknown('lineage', NEEDS_ARTIFACT)
  const { links, invocation } = artifact
  const denial = checkContinuity(links, invocation)
  if (denial !== null) return failed('lineage', denial)
  const keys = [...links.map((link) => link.iss), invocation.iss]
  const chain = `${keys.map((key) => who(key, nameOf)).join(' → ')} unbroken`
  const { cause, parent } = lineage
  if (cause === null) return passed('lineage', `no cause named; ${chain}`)
  if (parent !== null && 'inherited' in parent)
    return passed('lineage', `${parentText(parent, nameOf)}; ${chain}`)
  const why =
    parent === null ? 'receipt: it was not looked at' : `${parent.condition}: ${parent.detail}`
  return failed('lineage', {
    code: 'LINEAGE_BROKEN',
    detail: `cause ${shortId('dec', cause)}: ${why}`,
  })
}

/** `cause dec_2e90b4d6 of atlas, cosigned by borealis and cygnus, 1 above it` */
function parentText(
  { id, record, cosignatures, inherited }: VerifiedParent,
  nameOf: NameOf,
): string {
  const cosigners = cosignatures.map(({ witness }) => who(witness, nameOf)).join(', ')
  const above = inherited.ancestors.length - 1
  const more = above === 0 ? '' : `, ${above} above it`
  return `cause ${shortId('dec', id)} of ${who(record.node, nameOf)}, cosigned by ${cosigners}${more}`
}
