/**
 * The next root from the newest one and what is to change: pure, so that what
 * `root rotate` signs can be read and tested without a mesh (design 9).
 */
import type { RootView } from '../client/types.ts'
import { parseDuration } from '../core/duration.ts'
import type { StatementId } from '../core/id.ts'
import { type Did, parseDid } from '../core/keys.ts'
import { defaultQuorum, quorumsIntersect } from '../core/lease-quorum.ts'
import {
  KEEPS_MAX,
  SIGNATURES_MAX,
  SKEW_MS_MAX,
  STALENESS_MS_MAX,
  STALENESS_MS_MIN,
  WITNESSES_MAX,
} from '../core/limits.ts'
import { Malformed } from '../core/malformed.ts'
import { MeshError } from '../core/problems.ts'
import {
  type LeaseTerms,
  ROLES,
  type Role,
  type RoleName,
  type Root,
} from '../core/statement/root.ts'

/** What is to be different. */
export interface Changes {
  /** `policy=did:key:…` */
  readonly addKeys: readonly string[]
  readonly dropKeys: readonly string[]
  /** `policy=2` */
  readonly thresholds: readonly string[]
  /** null leaves them as they are. */
  readonly witnesses: readonly Did[] | null
  /** `read=2`, `staleness=60s` */
  readonly lease: readonly string[]
  /** Evidence whose node is to count again. */
  readonly lifts: readonly StatementId[]
}

/** What is taken over from before, and may differ where a key is dropped. */
export interface Carried {
  readonly keeps: readonly StatementId[]
  readonly floors: ReadonlyMap<string, number>
}

export interface Times {
  readonly issuedMs: number
  readonly expiresMs: number
}

type Draft = Omit<Root, 'id'>

/** @throws MeshError USAGE for what would be no root, CONFLICT for what changes nothing */
export function nextRoot(
  root: RootView,
  changes: Changes,
  carried: Carried,
  { issuedMs, expiresMs }: Times,
  message: string | null,
): Draft {
  const witnesses = changes.witnesses ?? (root.witnesses as readonly Did[])
  if (witnesses.length < 1 || witnesses.length > WITNESSES_MAX)
    throw usage(`--witnesses: 1 to ${WITNESSES_MAX}, not ${witnesses.length}`)
  if (new Set(witnesses).size !== witnesses.length) throw usage('--witnesses: one is named twice')
  if (carried.keeps.length > KEEPS_MAX)
    throw new MeshError('TOO_MANY', `the dropped keys signed ${carried.keeps.length} statements`, {
      hint: `drop fewer at once: a root keeps ${KEEPS_MAX} at most`,
    })
  return {
    type: 'root',
    mesh: root.name,
    version: root.version + 1,
    previous: root.id as StatementId,
    issuedMs,
    expiresMs,
    roles: rolesOf(root, changes),
    witnesses: [...witnesses].sort(),
    lease: leaseOf(root, changes, witnesses.length),
    limits: root.limits,
    keeps: [...carried.keeps].sort(),
    lifts: [...changes.lifts].sort(),
    floors: new Map([...carried.floors].sort(([a], [b]) => (a < b ? -1 : 1))),
    message,
  }
}

function rolesOf(root: RootView, changes: Changes): Record<RoleName, Role> {
  const added = changes.addKeys.map((text) => pair(text, '--add-key', 'role=did'))
  const thresholds = changes.thresholds.map((text) => pair(text, '--threshold', 'role=n'))
  const dropped = changes.dropKeys.map((text) => didOf(text, '--drop-key'))
  refuseUnknown(root, dropped)
  const next = (role: RoleName): Role => {
    const old = root.roles[role] ?? { keys: [], threshold: 1 }
    const mine = added.filter(([name]) => name === role).map(([, did]) => didOf(did, '--add-key'))
    const keys = [...new Set([...(old.keys as readonly Did[]), ...mine])]
      .filter((key) => !dropped.includes(key))
      .sort()
    const asked = thresholds.findLast(([name]) => name === role)?.[1]
    const threshold = asked === undefined ? old.threshold : wholeNumber(asked, '--threshold')
    checkRole(role, keys, threshold)
    return { keys, threshold }
  }
  return {
    root: next('root'),
    policy: next('policy'),
    issuer: next('issuer'),
    revoker: next('revoker'),
    admitter: next('admitter'),
    breakglass: next('breakglass'),
  }
}

function refuseUnknown(root: RootView, dropped: readonly Did[]): void {
  const known = Object.values(root.roles).flatMap(({ keys }) => keys)
  for (const did of dropped)
    if (!known.includes(did))
      throw usage(`--drop-key: ${did} is in no role of root v${root.version}`)
}

function checkRole(role: RoleName, keys: readonly Did[], threshold: number): void {
  if (keys.length > SIGNATURES_MAX) throw usage(`${role}: ${SIGNATURES_MAX} keys at most`)
  if (keys.length === 0)
    throw usage(`role ${role} would have no key; add one with --add-key ${role}=<did>`)
  if (threshold < 1 || threshold > keys.length)
    throw usage(`role ${role} would need ${threshold} of ${keys.length} keys`)
}

/** A new number of witnesses brings its default quorums, unless --lease names them. */
function leaseOf(root: RootView, changes: Changes, witnesses: number): LeaseTerms {
  const fresh = witnesses !== root.witnesses.length
  const lease = { ...root.lease, ...(fresh ? defaultQuorum(witnesses) : {}) }
  for (const text of changes.lease) {
    const [name, value] = pair(
      text,
      '--lease',
      'read=n, write=n, faults=n, staleness=60s or skew=2s',
    )
    if (name === 'read' || name === 'write' || name === 'faults')
      lease[name] = wholeNumber(value, '--lease')
    else if (name === 'staleness') lease.stalenessMs = ms(value)
    else if (name === 'skew') lease.skewMs = ms(value)
    else throw usage(`--lease: \`${name}\` is none of read, write, faults, staleness, skew`)
  }
  if (!quorumsIntersect(lease, witnesses))
    throw usage(
      `lease read ${lease.read} + write ${lease.write} must exceed ${witnesses} witnesses + ${lease.faults} faults, each between 1 and ${witnesses}`,
    )
  if (lease.stalenessMs < STALENESS_MS_MIN || lease.stalenessMs > STALENESS_MS_MAX)
    throw usage('--lease: staleness is between 1s and 1d')
  if (lease.skewMs > SKEW_MS_MAX) throw usage('--lease: skew is 1m at most')
  return lease
}

function pair(text: string, flag: string, form: string): readonly [string, string] {
  const at = text.indexOf('=')
  if (at < 1) throw usage(`${flag}: \`${text}\` is no ${form}`)
  const name = text.slice(0, at)
  if (flag !== '--lease' && !ROLES.some((role) => role === name))
    throw usage(`${flag}: \`${name}\` is none of ${ROLES.join(', ')}`)
  return [name, text.slice(at + 1)]
}

function didOf(text: string, flag: string): Did {
  try {
    return parseDid(text)
  } catch (error) {
    if (!(error instanceof Malformed)) throw error
    // Typed by hand.
    throw usage(`${flag}: \`${text}\` is no did:key of an Ed25519 key`)
  }
}

function wholeNumber(text: string, flag: string): number {
  if (!/^\d{1,2}$/.test(text)) throw usage(`${flag}: \`${text}\` is no small number`)
  return Number(text)
}

function ms(text: string): number {
  const value = parseDuration(text)
  if (value === null) throw usage(`--lease: \`${text}\` is no duration`)
  return value
}

function usage(message: string): MeshError {
  return new MeshError('USAGE', message, { hint: 'meshd help root rotate' })
}
