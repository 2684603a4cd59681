/** Check 7: there is one trust root, it has not expired, this node is a member in good standing, nothing rests on a log with two histories, and governance is what the artifact demands. */
import * as demands from '../demands.ts'
import { shortId } from '../id.ts'
import type { JsonObject } from '../json.ts'
import type { Did } from '../keys.ts'
import type { Governed, VerifiedArtifact } from '../presented.ts'
import type { Denial } from '../reasons.ts'
import { formatTime } from '../shape.ts'
import type { Evidence } from '../statement/evidence.ts'
import { scopeKey } from '../statement/freeze.ts'
import { type CheckResult, failed, passed, unknown } from './check.ts'
import { shortStatement } from './revocation.ts'
import { NEEDS_ARTIFACT, NEEDS_REQUEST } from './wording.ts'

export function checkGovernance(
  governance: Governed,
  self: Did,
  nowMs: number,
  artifact: VerifiedArtifact | null,
  view: JsonObject | null,
  principals: readonly Did[],
): CheckResult {
  const denial = checkStanding(governance, self, nowMs) ?? distrustDenial(governance, principals)
  if (denial !== null) return failed('governance', denial)
  const standing = 'node in good standing'
  if (artifact === null) return unknown('governance', `${standing}; ${NEEDS_ARTIFACT} for the rest`)
  if (view === null) return unknown('governance', `${standing}; ${NEEDS_REQUEST} for the rest`)
  const demand = demands.checkGovernance(artifact.links, view)
  if (demand !== null) return failed('governance', demand)
  const asked = demands.conditionsOf(artifact.links, 'gov').map((each) => `asks ${each}`)
  return passed('governance', [...asked, standing].join('; '))
}

/** What must hold of governance and of this node, whatever is asked; it is asked again before every answer and while anything runs. */
export function checkStanding(governance: Governed, self: Did, nowMs: number): Denial | null {
  return checkRoot(governance, nowMs) ?? checkMember(governance, self, nowMs)
}

/** Whose log has two histories, his word is worth nothing in any role (S4). */
export function distrustDenial(
  { distrusted }: Governed,
  principals: readonly Did[],
): Denial | null {
  for (const did of principals) {
    const evidence = distrusted.get(did)
    if (evidence !== undefined) return suspended(`\`${did}\` is distrusted: ${shown(evidence)}`)
  }
  return null
}

function checkRoot({ mesh, root, disputed }: Governed, nowMs: number): Denial | null {
  if (disputed.length > 0) {
    return mismatch(
      `there are ${disputed.length} trust roots of one version: an operator must pin one`,
    )
  }
  if (mesh === null || root === null) return mismatch('this node belongs to no mesh')
  if (nowMs < root.expiresMs) return null
  return mismatch(`trust root v${root.version} expired at ${formatTime(root.expiresMs)}`)
}

function checkMember(governance: Governed, self: Did, nowMs: number): Denial | null {
  const member = governance.members.get(self)
  if (member === undefined) return mismatch('this node is no member of the mesh')
  const { revocations, freezes, distrusted } = governance
  const evidence = distrusted.get(self)
  if (evidence !== undefined) return suspended(`this node is distrusted: ${shown(evidence)}`)
  const revoked = revocations.did('node', self) ?? revocations.did('principal', self)
  if (revoked !== null && nowMs < revoked.untilMs) {
    return suspended(`this node is revoked: ${shortStatement('rev', revoked)}`)
  }
  const freeze = freezes.get(scopeKey({ kind: 'node', did: self }))
  if (freeze?.frozen === true)
    return suspended(`this node is frozen: ${shortStatement('frz', freeze)}`)
  if (nowMs < member.expiresMs) return null
  return suspended(`its membership expired at ${formatTime(member.expiresMs)}`)
}

function shown({ id, epoch }: Evidence): string {
  return `${shortId('evd', id)} shows two histories of its log, epoch ${epoch}`
}

function mismatch(detail: string): Denial {
  return { code: 'GOVERNANCE_MISMATCH', detail }
}

function suspended(detail: string): Denial {
  return { code: 'NODE_SUSPENDED', detail }
}
