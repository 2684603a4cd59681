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
import { NO_PROCESS, type ProcessFacts } from '../core/facts.ts'
import type { Did } from '../core/keys.ts'
import type { Caller } from '../core/presented.ts'
import type { PeerCredentials } from './peer-credentials.ts'
import type { PeerProcess } from './peer-process.ts'
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
  process: ProcessFacts = NO_PROCESS,
): Caller {
  const kernel = kernelFacts(credentials, spec, process)
  const rule = names.rules.find(({ match }) => matches(match, kernel)) ?? null
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

/** Which process a caller is the voice of. Beside it, for a caller is a value, and is recorded. */
const processes = new WeakMap<Caller, PeerProcess>()

export function processOf(caller: Caller): PeerProcess | null {
  return processes.get(caller) ?? null
}

/**
 * Who a connection is, by what is known at each call: the same object as long as that says the
 * same, so that what follows from a caller can be remembered with it. A promise only where a rule
 * names an executable, and this one was not measured before.
 */
export function callerNow(
  credentials: PeerCredentials | null,
  spec: CallerSocketSpec,
  names: CallerNames,
  process: PeerProcess | null = null,
): () => Caller | Promise<Caller> {
  let known: { rules: object; keys: object; facts: ProcessFacts; caller: Caller } | null = null
  const named = (facts: ProcessFacts): Caller => {
    const { rules, keys } = names
    if (known?.rules === rules && known.keys === keys && known.facts === facts) return known.caller
    const caller = callerOf(credentials, spec, names, facts)
    if (process !== null) processes.set(caller, process)
    known = { rules, keys, facts, caller }
    return caller
  }
  return () => {
    const facts = process === null ? NO_PROCESS : asNeeded(process, names.rules)
    return facts instanceof Promise ? facts.then(named) : named(facts)
  }
}

/** What rules look at of a process; an executable is not hashed to tell who calls where no rule asks for it. */
function asNeeded(process: PeerProcess, rules: readonly CallerRule[]) {
  const { group, executable } = lookingAt(rules)
  if (executable) return process.measure()
  return group ? process.connected() : NO_PROCESS
}

/** What was made of rules, which are never edited. */
const looks = new WeakMap<readonly CallerRule[], ReturnType<typeof look>>()

function lookingAt(rules: readonly CallerRule[]) {
  const known = looks.get(rules) ?? look(rules)
  looks.set(rules, known)
  return known
}

function look(rules: readonly CallerRule[]) {
  return {
    executable: rules.some(({ match }) => match.exe !== undefined),
    group: rules.some(({ match }) => match.unit !== undefined || match.container !== undefined),
  }
}

/** What a rule may name; null is what nobody measured. */
type KernelFacts = Readonly<Record<keyof CallerRule['match'], string | number | null>>

function kernelFacts(
  credentials: PeerCredentials | null,
  spec: CallerSocketSpec,
  { exe, unit, container }: ProcessFacts,
): KernelFacts {
  const { uid = null, gid = null } = credentials ?? {}
  return { uid, gid, exe, unit, container, socket: spec.path }
}

/** A rule that names no fact matches nobody; one that names a fact which nobody measured, too. */
function matches(match: CallerRule['match'], kernel: KernelFacts): boolean {
  const named = Object.entries(match)
  return (
    named.length > 0 && named.every(([fact, value]) => kernel[fact as keyof KernelFacts] === value)
  )
}

/** Who may watch, close and read back what this caller asked for: one text for one caller. */
export function ownerOf({ principal, uid, socket }: Caller): string {
  return principal ?? (uid === null ? `socket=${socket}` : `uid=${uid}`)
}
