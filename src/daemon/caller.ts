/**
 * Who is calling, once for each connection: facts of the kernel, then the
 * configuration, then the keys that the daemon keeps (INTERFACE 5.2).
 *
 *     a socket of its own     → its principal, whoever connects: path, mode and group are the identity
 *     api.callers, in order   → the first rule whose every named fact is the kernel's
 *     key create --for uid=…  → the name that the key was made for
 *
 * Nothing of it comes from the caller. A fact that could not be read is
 * absent, and what needs it does not match.
 */
import type { Did } from '../core/keys.ts'
import type { Caller } from '../core/presented.ts'
import type { PeerCredentials } from './peer-credentials.ts'
import type { CallerRule } from './schema.ts'

/** The socket that a caller came by. */
export interface CallerSocketSpec {
  readonly path: string
  /** Of a socket that is one caller's own; null where the kernel says who calls. */
  readonly principal: string | null
}

/** What is known of callers now; it may change with a reload, and with every new key. */
export interface CallerNames {
  /** Replaced when one of them changes, never edited; and so are the keys. */
  readonly rules: readonly CallerRule[]
  readonly keys: readonly object[]
  /** The name of the key made for `uid=1001`; null when there is none. */
  nameFor(caller: string): string | null
  /** The key kept under a name; null when there is none (yet). */
  principalOf(name: string): Did | null
}

export function callerOf(
  credentials: PeerCredentials | null,
  spec: CallerSocketSpec,
  names: CallerNames,
): Caller {
  const rule = names.rules.find(({ match }) => matches(match, credentials, spec.path)) ?? null
  const kept = credentials === null ? null : names.nameFor(`uid=${credentials.uid}`)
  const name = spec.principal ?? rule?.principal ?? kept
  return {
    principal: name === null ? null : names.principalOf(name),
    name,
    uid: credentials?.uid ?? null,
    gid: credentials?.gid ?? null,
    pid: credentials?.pid ?? null,
    socket: spec.path,
    // A rule for another principal lends nothing to a socket's own.
    asserts: rule !== null && rule.principal === name ? rule.asserts : [],
    identified: credentials !== null || spec.principal !== null || rule !== null,
  }
}

/**
 * Who a connection is, by what is known at each call: the same object as long as that says the
 * same, so that what follows from a caller can be remembered with it.
 */
export function callerNow(
  credentials: PeerCredentials | null,
  spec: CallerSocketSpec,
  names: CallerNames,
): () => Caller {
  let { rules, keys } = names
  let caller = callerOf(credentials, spec, names)
  return () => {
    if (rules === names.rules && keys === names.keys) return caller
    rules = names.rules
    keys = names.keys
    caller = callerOf(credentials, spec, names)
    return caller
  }
}

/** A rule that names no fact matches nobody; one that names a fact which nobody measured, too. */
function matches(
  { uid, gid, unit, socket }: CallerRule['match'],
  credentials: PeerCredentials | null,
  path: string,
): boolean {
  // Units are not measured by this version.
  if (unit !== undefined) return false
  if (uid === undefined && gid === undefined && socket === undefined) return false
  if (uid !== undefined && credentials?.uid !== uid) return false
  if (gid !== undefined && credentials?.gid !== gid) return false
  return socket === undefined || socket === path
}

/** Who may watch, close and read back what this caller asked for: one text for one caller. */
export function ownerOf({ principal, uid, socket }: Caller): string {
  return principal ?? (uid === null ? `socket=${socket}` : `uid=${uid}`)
}
