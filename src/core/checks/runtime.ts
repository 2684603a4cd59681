/**
 * Check 4: the caller is whom the artifact is bound to, by facts of the kernel,
 * and speaks for nobody else unless the configuration lets it (INTERFACE 5.2).
 */
import { type Entity, formatEntity } from '../command.ts'
import * as demands from '../demands.ts'
import { globMatches, parseGlob } from '../glob.ts'
import type { Asked } from '../invocation.ts'
import type { JsonObject } from '../json.ts'
import { type Did, isDid } from '../keys.ts'
import { principalOf } from '../policy.ts'
import type { Caller, VerifiedArtifact } from '../presented.ts'
import type { Denial } from '../reasons.ts'
import type { Request } from '../request.ts'
import { type CheckResult, failed, passed, unknown } from './check.ts'
import { type NameOf, NEEDS_ARTIFACT, NEEDS_REQUEST } from './wording.ts'

export function checkRuntime(
  artifact: VerifiedArtifact | null,
  request: Request | null,
  view: JsonObject | null,
  caller: Caller,
  self: Did,
  nameOf: NameOf,
): CheckResult {
  if (artifact === null) return unknown('runtime', NEEDS_ARTIFACT)
  if (request === null || view === null) return unknown('runtime', NEEDS_REQUEST)
  const { links, invocation } = artifact
  const denial =
    demands.checkRuntime(links, invocation, self, view) ??
    checkSubject(spokenFor(request, invocation.iss, nameOf), caller)
  if (denial !== null) return failed('runtime', denial)
  const uid = caller.uid === null ? [`socket ${caller.socket}`] : [`uid ${caller.uid}`]
  const facts = [...uid, ...demands.conditionsOf(links, 'runtime')].join(' · ')
  return passed('runtime', `${facts}   (from the kernel, not from the caller)`)
}

/** For whom else the request is made; null for the caller itself, by its key or by its name. */
export function spokenFor({ subject }: Asked, caller: Did, nameOf: NameOf): Entity | null {
  if (subject === null || subject.type !== 'principal') return subject
  return subject.id === caller || subject.id === nameOf(caller) ? null : subject
}

/** Who the policies judge. */
export function principalFor(asked: Asked, caller: Did, nameOf: NameOf): Entity {
  return spokenFor(asked, caller, nameOf) ?? principalOf(caller)
}

function checkSubject(subject: Entity | null, { asserts }: Caller): Denial | null {
  if (subject === null) return null
  const text = formatEntity(subject)
  if (!asserts.some((pattern) => globMatches(parseGlob(pattern), text))) {
    const detail = `the subject is ${text}, and the caller may speak for ${asserts.join(', ') || 'itself alone'}`
    return { code: 'RUNTIME_MISMATCH', detail }
  }
  // What a policy or a revocation says of a key must not be missed because it is called by a name.
  if (subject.type !== 'principal' || isDid(subject.id)) return null
  return { code: 'RUNTIME_MISMATCH', detail: 'another principal is named by its did:key alone' }
}
