/**
 * The trust root: who may sign what, who witnesses, and how fresh a lease must be (design 2).
 *
 *   {"expires":"…","floors":{"agents":7},"issued":"…","keeps":["sha256:…"],
 *    "lease":{"faults":0,"read":1,"skewMs":2000,"stalenessMs":60000,"write":2},
 *    "lifts":["sha256:…"],"limits":{"artifactTtlMs":2592000000},"mesh":"prod","previous":null,
 *    "roles":{"admitter":{"keys":["did:key:z6Mk…"],"threshold":1}, …},
 *    "version":1,"witnesses":["did:key:z6Mk…"]}
 *
 * `lifts` is left out when it lifts nothing.
 * A key stands once in a role: a did has one spelling, so equal keys are equal texts.
 */
import type { StatementId } from '../id.ts'
import type { Json, JsonObject } from '../json.ts'
import type { Did } from '../keys.ts'
import { quorumsIntersect } from '../lease-quorum.ts'
import {
  ARTIFACT_TTL_MS_MAX,
  BUNDLES_MAX,
  KEEPS_MAX,
  LIFTS_MAX,
  SIGNATURES_MAX,
  SKEW_MS_MAX,
  STALENESS_MS_MAX,
  STALENESS_MS_MIN,
  WITNESSES_MAX,
} from '../limits.ts'
import { Malformed } from '../malformed.ts'
import type { Read, Reader } from '../shape.ts'
import {
  did,
  formatTime,
  id,
  integer,
  list,
  map,
  name,
  nullable,
  object,
  optional,
  time,
} from '../shape.ts'
import { distinct, message, messageJson, named, version } from './common.ts'

export const ROLES = ['root', 'policy', 'issuer', 'revoker', 'admitter', 'breakglass'] as const
export type RoleName = (typeof ROLES)[number]

export interface Role {
  readonly keys: readonly Did[]
  readonly threshold: number
}

export interface LeaseTerms {
  readonly read: number
  readonly write: number
  readonly faults: number
  readonly stalenessMs: number
  readonly skewMs: number
}

export interface Root {
  readonly type: 'root'
  readonly id: StatementId
  /** The name of the mesh; its id is that of version 1. */
  readonly mesh: string
  readonly version: number
  /** null for version 1. */
  readonly previous: StatementId | null
  readonly issuedMs: number
  readonly expiresMs: number
  readonly roles: Readonly<Record<RoleName, Role>>
  /** Nodes, by their principals. */
  readonly witnesses: readonly Did[]
  readonly lease: LeaseTerms
  readonly limits: { readonly artifactTtlMs: number }
  /** Statements of keys that this root drops, which keep their force. */
  readonly keeps: readonly StatementId[]
  /** Evidence whose node counts again, once it keeps another log (distrust.ts). */
  readonly lifts: readonly StatementId[]
  /** Bundle → the version below which it denies until it is signed anew. */
  readonly floors: ReadonlyMap<string, number>
  readonly message: string | null
}

const roleFields = object({
  keys: distinct(list(did, SIGNATURES_MAX)),
  threshold: integer(1, SIGNATURES_MAX),
})

const role: Reader<Role> = (value, at) => {
  const read = roleFields(value, at)
  if (read.threshold > read.keys.length) {
    throw new Malformed(`${at}: has a threshold of ${read.threshold} and ${read.keys.length} keys`)
  }
  return read
}

const count = integer(0, WITNESSES_MAX)

const fields = object({
  mesh: name,
  version,
  previous: nullable(id),
  issued: time,
  expires: time,
  roles: object({
    root: role,
    policy: role,
    issuer: role,
    revoker: role,
    admitter: role,
    breakglass: role,
  }),
  witnesses: distinct(list(did, WITNESSES_MAX)),
  lease: object({
    read: count,
    write: count,
    faults: count,
    stalenessMs: integer(STALENESS_MS_MIN, STALENESS_MS_MAX),
    skewMs: integer(0, SKEW_MS_MAX),
  }),
  limits: object({ artifactTtlMs: integer(1, ARTIFACT_TTL_MS_MAX) }),
  keeps: distinct(list(id, KEEPS_MAX)),
  lifts: optional(distinct(list(id, LIFTS_MAX))),
  floors: named(map(version, BUNDLES_MAX)),
  message,
})

/** @throws Malformed */
export function readRoot(of: StatementId, json: Json): Root {
  const read = fields(json, 'root')
  check(read)
  const { mesh, version, previous, issued, expires, roles, witnesses, lease, limits } = read
  return {
    type: 'root',
    id: of,
    ...{ mesh, version, previous, issuedMs: issued, expiresMs: expires },
    ...{ roles, witnesses, lease, limits, keeps: read.keeps, lifts: read.lifts ?? [] },
    floors: read.floors,
    message: read.message ?? null,
  }
}

function check({
  version,
  previous,
  issued,
  expires,
  witnesses,
  lease,
  lifts,
}: Read<typeof fields>): void {
  if ((version === 1) !== (previous === null)) {
    throw new Malformed('version 1 of a root has no previous one, and every later version has')
  }
  if (expires <= issued) throw new Malformed('a root ends after it was issued')
  if (lifts?.length === 0) throw new Malformed('a root that lifts nothing says nothing of it')
  // Q6. A lease and a commit that share no honest witness bound nothing; no witness, no lease.
  if (!quorumsIntersect(lease, witnesses.length)) {
    const { read, write, faults } = lease
    const found = `read ${read}, write ${write}, faults ${faults} of ${witnesses.length} witnesses`
    throw new Malformed(`the quorums of a root must meet, and these do not: ${found}`)
  }
}

export function rootJson(draft: Omit<Root, 'id'>): JsonObject {
  const { mesh, version, previous, issuedMs, expiresMs, witnesses, lease, limits, keeps } = draft
  const { read, write, faults, stalenessMs, skewMs } = lease
  return {
    ...{ mesh, version, previous, witnesses, keeps },
    issued: formatTime(issuedMs),
    expires: formatTime(expiresMs),
    roles: Object.fromEntries(ROLES.map((each) => [each, roleJson(draft.roles[each])])),
    lease: { read, write, faults, stalenessMs, skewMs },
    limits: { artifactTtlMs: limits.artifactTtlMs },
    floors: Object.fromEntries(draft.floors),
    ...(draft.lifts.length > 0 ? { lifts: draft.lifts } : {}),
    ...messageJson(draft.message),
  }
}

function roleJson({ keys, threshold }: Role): JsonObject {
  return { keys, threshold }
}
