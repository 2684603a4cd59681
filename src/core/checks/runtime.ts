/**
 * Check 4: the caller is whom the artifact is bound to, by facts of the kernel,
 * and speaks for nobody else unless the configuration lets it (INTERFACE 5.2).
 */
import { type Entity, formatEntity } from '../command.ts'
import * as demands from '../demands.ts'
import type { Facts } from '../facts.ts'
import { globMatches, parseGlob } from '../glob.ts'
import type { Asked } from '../invocation.ts'
import type { JsonObject } from '../json.ts'
import { type Did, isDid } from '../keys.ts'
import { principalOf } from '../policy.ts'
import { type Caller, socketPath, type VerifiedArtifact } from '../presented.ts'
import type { Denial } from '../reasons.ts'
import type { Request } from '../request.ts'
import { type CheckResult, failed, passed, unknown } from './check.ts'
import { type NameOf, NEEDS_ARTIFACT, NEEDS_REQUEST } from './wording.ts'

export function checkRuntime(
  artifact: VerifiedArtifact | null,
  request: Request | null,
  view: JsonObject | null,
  caller: Caller,
  facts: Facts,
  nameOf: NameOf,
): CheckResult {
  if (artifact === null) return unknown('runtime', NEEDS_ARTIFACT)
  if (request === null || view === null) return unknown('runtime', NEEDS_REQUEST)
  const { links, invocation } = artifact
  const denial =
    demands.checkRuntime(links, invocation, facts.node.id, view) ??
    checkSubject(spokenFor(request, invocation.iss, nameOf), caller)
  if (denial !== null) return failed('runtime', denial)
  const known =
    socketPath(caller) === null
      ? 'over TCP, by what the caller showed'
      : 'from the kernel, not from the caller'
  const source = caller.identified ? known : 'not identified'
  return passed('runtime', `${measured(facts).join(' · ')}   (${source})`)
}

/** `uid 1001`, `unit planner.service`, `node atlas` */
function measured({ runtime, node }: Facts): readonly string[] {
  const { uid, unit, container, exe, socket } = runtime
  return [
    uid === null ? `socket ${socket ?? 'none'}` : `uid ${uid}`,
    ...(unit === null ? [] : [`unit ${unit}`]),
    ...(container === null ? [] : [`container ${container.slice(0, 12)}`]),
    ...(exe === null ? [] : [`exe ${exe.slice(0, 8)}`]),
    `node ${node.name ?? node.id}`,
  ]
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
