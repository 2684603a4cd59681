/** Check 9: what is asked is what was signed, and lies inside every link. */
import * as demands from '../demands.ts'
import type { Asked } from '../invocation.ts'
import type { JsonObject } from '../json.ts'
import type { VerifiedArtifact } from '../presented.ts'
import { describe, formatScope } from '../scope.ts'
import { type CheckResult, failed, passed, unknown } from './check.ts'
import { NEEDS_ARTIFACT, NEEDS_REQUEST } from './wording.ts'

/** @param asked the request, and @param signed what the invocation says, both with the caller itself as a null subject */
export function checkScope(
  artifact: VerifiedArtifact | null,
  asked: Asked | null,
  signed: Asked | null,
  view: JsonObject | null,
): CheckResult {
  if (artifact === null || signed === null) return unknown('scope', NEEDS_ARTIFACT)
  if (asked === null || view === null) return unknown('scope', NEEDS_REQUEST)
  const { links, invocation } = artifact
  const denial =
    demands.checkAsked({ ...invocation, asked: signed }, asked) ??
    demands.checkScope(links, asked, view)
  if (denial !== null) return failed('scope', denial)
  return passed('scope', `granted ${formatScope(describe(links))}`)
}
