/**
 * Why a command or a call failed; never why an execution was denied.
 *
 * The list is closed. Exit statuses are frozen at 1.0 (docs/reasons.md); a
 * problem code is never a reason code, and no record carries one as its reason.
 */

interface Problem {
  /** The exit status of a command that ends with it. */
  readonly exit: number
  /** What it means, for `meshd help <CODE>`: lowercase, one line. */
  readonly says: string
  /** What to try next, printed as `hint:` unless the thrower knows better. */
  readonly hint: string
}

export const PROBLEMS = {
  USAGE: { exit: 64, says: 'the command line, or the call, is not understood', hint: 'meshd help' },
  CONFIG_INVALID: {
    exit: 3,
    says: 'the configuration, or a key file it names, is not valid',
    hint: 'meshd config check',
  },
  NOT_FOUND: { exit: 4, says: 'nothing here has that name or id', hint: 'list what there is' },
  AMBIGUOUS: { exit: 4, says: 'more than one thing has that name', hint: 'give the full id' },
  UNREACHABLE: { exit: 5, says: 'the daemon or peer does not answer', hint: 'meshd start' },
  SOCKET_FORBIDDEN: {
    exit: 5,
    says: 'the socket exists and this user may not use it',
    hint: 'ask for membership of the group that owns the socket',
  },
  UNAUTHENTICATED: {
    exit: 5,
    says: 'who calls over TCP shows nothing that the daemon knows',
    hint: 'a client certificate, or a token: docs/guides/authzen.md',
  },
  NOT_READY: { exit: 6, says: 'this node fails closed now', hint: 'meshd doctor' },
  NOT_ADMITTED: {
    exit: 6,
    says: 'this node is not a member of the mesh',
    hint: 'meshd peer approve, on a node with an admitter key',
  },
  WRONG_MESH: {
    exit: 3,
    says: 'the other side belongs to another mesh than the one pinned here',
    hint: 'compare the mesh id with `meshd root show` on a member',
  },
  KEY_UNAVAILABLE: {
    exit: 3,
    says: 'a key that is needed is missing or its file is not private',
    hint: 'meshd key list',
  },
  ROLE_MISSING: {
    exit: 3,
    says: 'no key here is in the role that this needs',
    hint: 'meshd root show',
  },
  STATEMENT_INVALID: {
    exit: 3,
    says: 'the statement is malformed, or its signatures do not hold',
    hint: 'meshd sign, to see what waits for signatures',
  },
  POLICY_INVALID: {
    exit: 3,
    says: 'the policy bundle does not validate, or its tests fail',
    hint: 'meshd policy test <bundle>',
  },
  PROOF_INVALID: { exit: 3, says: 'a proof does not hold', hint: 'fetch it again' },
  LOG_DAMAGED: {
    exit: 3,
    says: 'the stored log or governance state is not what was acknowledged',
    hint: 'meshd doctor',
  },
  CONFLICT: {
    exit: 3,
    says: 'it contradicts what is already in force',
    hint: 'look at the newest version and try again',
  },
  TOO_LARGE: { exit: 3, says: 'it is larger than its bound', hint: 'make it smaller' },
  TOO_MANY: { exit: 6, says: 'a bound on how many there may be is reached', hint: 'wait' },
  TIMEOUT: { exit: 124, says: 'the time allowed is over', hint: 'try a longer --timeout' },
  INVALID_ANSWER: {
    exit: 5,
    says: 'the answer of the daemon or peer is not understood',
    hint: 'check that both run the same version',
  },
  BUG: { exit: 1, says: 'meshd contradicts itself', hint: 'report it, with -v' },
} as const satisfies Record<string, Problem>

export type ProblemCode = keyof typeof PROBLEMS

interface Options extends ErrorOptions {
  readonly hint?: string
}

/** A failure: expected, named, and never a denial. */
export class MeshError extends Error {
  override readonly name = 'MeshError'
  readonly code: ProblemCode
  readonly hint: string

  constructor(code: ProblemCode, message: string, options: Options = {}) {
    super(message, options)
    this.code = code
    this.hint = options.hint ?? PROBLEMS[code].hint
  }
}

export function isProblemCode(text: string): text is ProblemCode {
  return Object.hasOwn(PROBLEMS, text)
}
