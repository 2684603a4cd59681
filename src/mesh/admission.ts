/**
 * Whether a statement may enter the set, on every way in: one sentence for
 * each condition, cheap ones first, signatures last, policies after them.
 *
 * Only what no honest member could have relayed is rejected. What another
 * node may have reason to believe is ignored, and every refusal says why:
 * local callers are told in the same words.
 */
import { checkSignatures, type Trust } from '../core/admission.ts'
import { equalBytes } from '../core/bytes.ts'
import { type Envelope, mergeSignatures, parseEnvelope, statementIdOf } from '../core/dsse.ts'
import { mayBlock } from '../core/fold-bundles.ts'
import { forceOf, speakersOf } from '../core/force.ts'
import type { StatementId } from '../core/id.ts'
import { STATEMENT_BYTES_MAX } from '../core/limits.ts'
import { Malformed } from '../core/malformed.ts'
import type { PolicyProblem } from '../core/policy.ts'
import type { ProblemCode } from '../core/problems.ts'
import { reaches, roleOf } from '../core/roles.ts'
import { type ChainRoot, rolesThatSign } from '../core/root-chain.ts'
import { type Evidence, signedByLog } from '../core/statement/evidence.ts'
import type { Policy } from '../core/statement/policy.ts'
import type { Root } from '../core/statement/root.ts'
import { parseStatement, type Signed, type Statement } from '../core/statement/statement.ts'
import type { Verdict } from '../core/verdict.ts'
import { ownersOf } from './owners.ts'

/** What a statement is looked at against. */
export interface Ground {
  readonly trust: Trust
  /** What is held of the statement already, or is on its way to the disk. */
  known(id: StatementId): Envelope | null
  /** What is wrong with a bundle; [] is good. */
  problemsOf(policy: Policy): readonly PolicyProblem[]
  /** What is known of the log that it is about. */
  caseOf(evidence: Evidence): 'strange' | 'closed' | 'open'
}

export interface Admitted {
  readonly is: 'admitted'
  readonly id: StatementId
  readonly statement: Statement
  /** With the good signatures of keys in role alone, and those known before. */
  readonly envelope: Envelope
  /** Whether it has its signatures, and no root has taken them away. */
  readonly state: 'held' | 'pending' | 'disarmed'
}

/** Signed under a root that is not known here yet. */
interface Unjudged {
  readonly is: 'unjudged'
  readonly id: StatementId
  readonly envelope: Envelope
  readonly verdict: Verdict
  readonly code: ProblemCode
  readonly says: string
}

export interface Refused {
  readonly is: 'refused'
  readonly verdict: Verdict
  readonly code: ProblemCode
  readonly says: string
}

export type Admission =
  | Admitted
  | Unjudged
  | Refused
  | { readonly is: 'seen'; readonly id: StatementId }

const UNKNOWN: Verdict = { verdict: 'ignore', why: 'unknown' }
const MALFORMED: Verdict = { verdict: 'reject', why: 'malformed' }
const UNSIGNED = { verdict: 'reject', why: 'signature' } as const
const PROVEN: Verdict = { verdict: 'ignore', why: 'seen' }

export function admit(bytes: Uint8Array, ground: Ground): Admission {
  // [REJECT] It is no longer than any statement.
  if (bytes.length > STATEMENT_BYTES_MAX) {
    const says = `the statement has ${bytes.length} bytes, and at most ${STATEMENT_BYTES_MAX} are allowed`
    return refuse({ verdict: 'reject', why: 'oversize' }, 'TOO_LARGE', says)
  }

  // [REJECT] It is exactly what the printer of envelopes would have written.
  const envelope = read(() => parseEnvelope(bytes))
  if (typeof envelope === 'string') return refuse(MALFORMED, 'STATEMENT_INVALID', envelope)

  // [IGNORE] It brings a signature that is not known yet.
  const id = statementIdOf(envelope)
  const known = ground.known(id)
  if (known !== null && covers(known, envelope)) return { is: 'seen', id }

  // [REJECT] It is exactly what the printer of its type would have written.
  const statement = read(() => parseStatement(envelope.type, envelope.payload))
  if (typeof statement === 'string') return refuse(MALFORMED, 'STATEMENT_INVALID', statement)

  const elsewhere = checkMesh(statement, ground)
  if (elsewhere !== null) return elsewhere
  if (statement.type === 'evidence') return admitEvidence(statement, envelope, ground)
  return admitSigned(statement, envelope, known, ground)
}

/** It proves itself: whoever brings it, nothing but what it says is looked at. */
function admitEvidence(evidence: Evidence, envelope: Envelope, ground: Ground): Admission {
  const { id, node } = evidence
  const about = ground.caseOf(evidence)

  // [IGNORE] It is about a log of a member: of strangers there is no end, and the member may not be known here yet.
  if (about === 'strange')
    return refuse(UNKNOWN, 'STATEMENT_INVALID', `no member \`${node}\` keeps such a log`)

  // [IGNORE] Nothing about this log is proven already: one counts, and a flood of others costs no signature.
  if (about === 'closed')
    return refuse(PROVEN, 'CONFLICT', 'another evidence about the same log is in force')

  // [REJECT] The log key signed both checkpoints.
  if (!signedByLog(evidence)) {
    const says = 'the log key did not sign both checkpoints of the evidence'
    return refuse(UNSIGNED, 'STATEMENT_INVALID', says)
  }
  return { is: 'admitted', id, statement: evidence, envelope, state: 'held' }
}

function checkMesh(statement: Statement, { trust: { mesh } }: Ground): Refused | null {
  // [IGNORE] This node belongs to a mesh. Before that it takes nothing.
  if (mesh === null) return refuse(UNKNOWN, 'NOT_ADMITTED', 'this node belongs to no mesh yet')

  // [REJECT] It is of this mesh: nobody in it passes on another's.
  const found = meshOf(statement)
  if (found === null || found === mesh) return null
  const says = `the statement is of the mesh \`${found}\`, and this node belongs to \`${mesh}\``
  return refuse(MALFORMED, 'WRONG_MESH', says)
}

/** A later root names the one that it follows, and its signatures decide. */
function meshOf(statement: Statement): StatementId | null {
  if (statement.type !== 'root') return statement.mesh
  return statement.version === 1 ? statement.id : null
}

function admitSigned(
  statement: Signed,
  brought: Envelope,
  known: Envelope | null,
  { trust, problemsOf }: Ground,
): Admission {
  const { id } = statement

  // [IGNORE] Its root is known here: without it nobody can say whose signatures count.
  const unknown = unknownRoot(statement, trust)
  if (unknown !== null) {
    const says = `the statement needs the root version ${unknown}, which is not known here`
    return {
      is: 'unjudged',
      id,
      envelope: brought,
      verdict: UNKNOWN,
      code: 'STATEMENT_INVALID',
      says,
    }
  }

  // [REJECT] All its signatures by keys in role are good, and there is one at least.
  const good = checkSignatures(brought, statement, trust)
  if ('verdict' in good) return refuse(good, ...whySignatures(good, statement))

  // [REJECT] One at least is by a key that was known before: a root brings keys of its own, as many as it likes.
  const envelope = known === null ? good : read(() => mergeSignatures(known, good))
  if (typeof envelope === 'string') return refuse(UNKNOWN, 'TOO_MANY', envelope)
  if (ownersOf(statement, envelope, trust).length === 0)
    return refuse(UNSIGNED, ...whySignatures(UNSIGNED, statement))

  // [IGNORE] A good one is new.
  if (known !== null && covers(known, envelope)) return { is: 'seen', id }

  // [IGNORE] A bundle is valid, and passes its own tests. Another version of meshd may see that otherwise.
  const problems = statement.type === 'policy' && known === null ? problemsOf(statement) : []
  if (problems.length > 0) return refuse(UNKNOWN, 'POLICY_INVALID', textOf(problems))

  return {
    is: 'admitted',
    id,
    statement,
    envelope,
    state: stateOf(statement, envelope, trust),
  }
}

/** The version that must be there first; null when it is. */
function unknownRoot(statement: Signed, { roots }: Trust): number | null {
  const needed = statement.type === 'root' ? statement.version - 1 : statement.root
  return needed > roots.length ? needed : null
}

/** What its signatures are worth under these roots. */
export function stateOf(
  statement: Statement,
  envelope: Envelope,
  { roots }: Trust,
): Admitted['state'] {
  if (statement.type === 'evidence') return 'held'
  if (statement.type === 'root') {
    const signers = envelope.signatures.map(({ key }) => key)
    const last = roots[statement.version - 2] ?? null
    const signed = rolesThatSign(statement, last).every((role) => reaches(role, signers))
    return signed ? 'held' : 'pending'
  }
  const chain = roots.map(chainRootOf)
  const force = forceOf(statement, speakersOf(statement, envelope), chain)
  // A version that denies its bundle although it is disarmed belongs into the fold of every node.
  if (statement.type === 'policy' && mayBlock(statement.bundle, force, chain)) return 'held'
  return force.kind === 'held' || force.kind === 'disarmed' ? force.kind : 'pending'
}

const chainRoots = new WeakMap<Root, ChainRoot>()

function chainRootOf(root: Root): ChainRoot {
  const known = chainRoots.get(root)
  if (known !== undefined) return known
  const made = { root, keeps: new Set(root.keeps) }
  chainRoots.set(root, made)
  return made
}

/** In words for the one who signs. */
function whySignatures(
  { why }: Exclude<Verdict, { verdict: 'accept' }>,
  statement: Signed,
): [ProblemCode, string] {
  if (why === 'unknown' && statement.type === 'root')
    return [
      'CONFLICT',
      `the root follows another version ${statement.version - 1} than this mesh has`,
    ]
  if (why === 'proof')
    return [
      'STATEMENT_INVALID',
      'the chain that the revocation carries proves no right to revoke its link',
    ]
  const version = statement.type === 'root' ? Math.max(1, statement.version - 1) : statement.root
  const role = roleOf(statement)
  return [
    'ROLE_MISSING',
    `no good signature is by a key of the role \`${role}\` of root version ${version}`,
  ]
}

/** Whether each signature of the second is one of the first. */
function covers(known: Envelope, other: Envelope): boolean {
  return other.signatures.every(({ key, bytes }) =>
    known.signatures.some((one) => one.key === key && equalBytes(one.bytes, bytes)),
  )
}

export function refuse(verdict: Verdict, code: ProblemCode, says: string): Refused {
  return { is: 'refused', verdict, code, says }
}

const PROBLEMS_SHOWN = 5

function textOf(problems: readonly PolicyProblem[]): string {
  const shown = problems.slice(0, PROBLEMS_SHOWN).map(({ where, says }) => `${where}: ${says}`)
  const rest = problems.length - shown.length
  return [...shown, ...(rest > 0 ? [`and ${rest} more`] : [])].join('; ')
}

/** The value, or why it is malformed. */
function read<T extends object>(reader: () => T): T | string {
  try {
    return reader()
  } catch (error) {
    // Untrusted bytes come in here: what cannot be read is the verdict, not a failure.
    if (error instanceof Malformed) return error.message
    throw error
  }
}
