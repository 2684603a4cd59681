/** Check 2: every signature is good, and the first is an issuer's. What passes is the only artifact that later checks read. */
import * as chain from '../chain.ts'
import type { Presented, VerifiedArtifact } from '../presented.ts'
import type { Root } from '../statement/root.ts'
import { type CheckResult, failed, passed, unknown } from './check.ts'
import { type NameOf, who } from './wording.ts'

interface Verification {
  readonly result: CheckResult
  /** null unless check 1 and this one let it pass. */
  readonly artifact: VerifiedArtifact | null
}

export function checkSignatures(
  presented: Presented,
  root: Root | null,
  nameOf: NameOf,
): Verification {
  if (presented.kind !== 'artifact' || chain.checkForm(presented.links) !== null) {
    return { result: unknown('signatures', 'needs a well-formed artifact'), artifact: null }
  }
  const { links, invocation } = presented
  const isIssuer = (key: string) => root?.roles.issuer.keys.some((each) => each === key) === true
  const denial = chain.checkSignatures(links, invocation, isIssuer)
  const [first] = links
  if (denial !== null || root === null || first === undefined) {
    const detail = denial ?? { code: 'ISSUER_UNTRUSTED', detail: 'there is no trust root' }
    return { result: failed('signatures', detail), artifact: null }
  }
  const tokens = links.length + 1
  const delegations = links.length === 1 ? '1 delegation' : `${links.length} delegations`
  const good = `${tokens} of ${tokens} good (${delegations}, 1 invocation)`
  const issuer = `${who(first.iss, nameOf)} is an issuer in root v${root.version}`
  return {
    result: passed('signatures', `${good}; ${issuer}`),
    artifact: { links, invocation, root },
  }
}
