/** Check 3: every window is open, and nothing that may be used once was used before. */
import { checkTimes } from '../chain.ts'
import type { Cid } from '../id.ts'
import { SKEW_MS_MAX } from '../limits.ts'
import type { VerifiedArtifact } from '../presented.ts'
import { expiresS } from '../scope.ts'
import { type CheckResult, failed, passed, unknown } from './check.ts'
import { NEEDS_ARTIFACT, span } from './wording.ts'

/** Something that one allow spends. */
export interface Use {
  readonly cid: Cid
  /** After this it is refused as expired anyway, even by a clock that stepped back a little. */
  readonly expiresMs: number
}

export function checkTime(
  artifact: VerifiedArtifact | null,
  nowMs: number,
  seen: (cid: Cid) => boolean,
): CheckResult {
  if (artifact === null) return unknown('time', NEEDS_ARTIFACT)
  const { links, invocation, root } = artifact
  const bounds = { skewMs: root.lease.skewMs, artifactTtlMs: root.limits.artifactTtlMs }
  const denial = checkTimes(links, invocation, nowMs, bounds)
  if (denial !== null) return failed('time', denial)
  if (seen(invocation.cid)) {
    return failed('time', { code: 'REPLAYED', detail: 'the invocation was used before' })
  }
  const once = links.some((link) => link.once)
  if (links.some((link) => link.once && seen(link.cid))) {
    return failed('time', { code: 'REPLAYED', detail: 'the single-use artifact was used before' })
  }
  const left = `${span(expiresS(links) * 1000 - nowMs)} left`
  return passed('time', `${left}; ${once ? 'for single use, and ' : ''}nonce not seen before`)
}

/** What an allow spends: the invocation, and each single-use link. */
export function usesOf({ links, invocation }: VerifiedArtifact): readonly Use[] {
  const spent = [invocation, ...links.filter((link) => link.once)]
  return spent.map(({ cid, expS }) => ({ cid, expiresMs: expS * 1000 + SKEW_MS_MAX }))
}
