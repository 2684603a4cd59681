/** Check 5: the conditions of the artifact on the environment that this node measured. */
import * as demands from '../demands.ts'
import type { JsonObject } from '../json.ts'
import type { VerifiedArtifact } from '../presented.ts'
import { type CheckResult, failed, passed, unknown } from './check.ts'
import { NEEDS_ARTIFACT, NEEDS_REQUEST } from './wording.ts'

export function checkEnvironment(
  artifact: VerifiedArtifact | null,
  view: JsonObject | null,
): CheckResult {
  if (artifact === null) return unknown('environment', NEEDS_ARTIFACT)
  if (view === null) return unknown('environment', NEEDS_REQUEST)
  const denial = demands.checkEnvironment(artifact.links, view)
  if (denial !== null) return failed('environment', denial)
  const conditions = demands.conditionsOf(artifact.links, 'env')
  return passed('environment', conditions.join(' · ') || 'no condition')
}
