/**
 * Why meshd denies.
 *
 * The list is closed and its order is law: checks run in this order and the
 * first that fails names the denial, so two nodes with the same evidence give
 * the same answer. Codes are on the wire and in the log: adding a row is a
 * protocol change, and no row is ever renamed or removed (design 4).
 */

interface Reason {
  /** The check that gives it, 1 to 12; 0 for what no check can foresee. */
  readonly check: number
  /** What the operator reads: lowercase, one line, no full stop. */
  readonly says: string
  /** True if the same request may succeed later without anyone signing or changing anything. */
  readonly passes: boolean
  /** What to do about it, for `meshd help <CODE>`. */
  readonly mend: string
}

const stands = (check: number, says: string, mend: string): Reason => ({
  check,
  says,
  passes: false,
  mend,
})
const passes = (check: number, says: string, mend: string): Reason => ({
  check,
  says,
  passes: true,
  mend,
})

export const REASONS = {
  REQUEST_MALFORMED: stands(1, 'the request is not well formed', 'correct the request'),
  AUTHORIZATION_MISSING: stands(
    1,
    'no artifact was given and none is held for this caller',
    'meshd artifact issue --to <principal> --hold',
  ),
  AUTHORIZATION_MALFORMED: stands(
    1,
    'the artifact is not well formed',
    'meshd artifact inspect <file>',
  ),
  SIGNATURE_INVALID: stands(
    2,
    'a signature does not verify under the key it names',
    'issue the artifact again',
  ),
  ISSUER_UNTRUSTED: stands(
    2,
    'the chain does not begin at a key in the issuer role',
    'meshd root show, for the issuers',
  ),
  NOT_YET_VALID: passes(3, 'a link of the artifact is not valid yet', 'wait, or check the clock'),
  EXPIRED: stands(3, 'a link of the artifact is no longer valid', 'issue a new artifact'),
  REPLAYED: stands(
    3,
    'the invocation, or a single-use artifact, was used before',
    'sign a new invocation; a single-use artifact is spent',
  ),
  RUNTIME_MISMATCH: stands(
    4,
    'the caller is not the runtime that the artifact is bound to',
    'meshd explain <decision>, for what was expected and what was seen',
  ),
  ENVIRONMENT_FAILED: passes(
    5,
    'a condition on the environment does not hold, or could not be measured',
    'meshd explain <decision>',
  ),
  LINEAGE_BROKEN: passes(
    6,
    'the execution that this one descends from is not proven',
    'the detail names the condition that does not hold: docs/guides/lineage.md',
  ),
  GOVERNANCE_MISMATCH: passes(
    7,
    'governance is in dispute, expired, or not the one that the artifact demands',
    'meshd mesh status',
  ),
  NODE_SUSPENDED: stands(
    7,
    'this node is suspended from its mesh, or it or one that the artifact names signed two histories',
    'meshd peer show <node>',
  ),
  GOVERNANCE_STALE: passes(
    8,
    'this node holds no lease: too few witnesses confirmed its state recently',
    'meshd doctor',
  ),
  CLOCK_UNTRUSTED: passes(8, 'the clock of this node cannot be trusted', 'check the clock'),
  SCOPE_EXCEEDED: stands(
    9,
    'the request asks for more than was delegated',
    'ask a holder for a delegation that covers it',
  ),
  POLICY_NO_PERMIT: stands(10, 'no policy permits it', 'meshd policy list'),
  POLICY_FORBID: stands(10, 'a policy forbids it', 'meshd policy list'),
  POLICY_ERROR: stands(10, 'a policy could not be evaluated', 'meshd policy test <bundle>'),
  POLICY_CONFLICT: stands(
    10,
    'two effective policy statements share one version, or a bundle lost its signers',
    'publish a version that names both as previous',
  ),
  REVOKED: stands(
    11,
    'a revocation covers the artifact, or something it rests on',
    'issue a new artifact; a revocation is never undone',
  ),
  FROZEN: stands(11, 'a freeze covers this request', 'meshd unfreeze <scope>'),
  AUDIT_UNAVAILABLE: passes(12, 'the record could not be made durable', 'meshd doctor'),
  OVERLOADED: passes(0, 'too many requests are waiting', 'wait'),
  DEADLINE: passes(0, 'no answer was ready in time', 'try again'),
  INTERNAL: passes(0, 'a fault inside meshd', 'report it'),
} as const satisfies Record<string, Reason>

export type ReasonCode = keyof typeof REASONS

export function isReasonCode(text: string): text is ReasonCode {
  return Object.hasOwn(REASONS, text)
}

export interface Denial {
  readonly code: ReasonCode
  /** What was found and what was needed, about this request alone. */
  readonly detail: string
}
