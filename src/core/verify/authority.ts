/**
 * Who may sign what, for somebody who holds a trust root and no daemon: the
 * statements that came with the evidence, each checked down from that root and
 * folded as a node folds them. One that is not signed as its type needs, or
 * belongs to another mesh, refuses all of it: nobody would have kept it.
 */
import { checkSignatures } from '../admission.ts'
import { mergeSignatures, parseEnvelope } from '../dsse.ts'
import { Fold, type KnownStatement } from '../fold.ts'
import type { Governance } from '../governance.ts'
import type { StatementId } from '../id.ts'
import type { Did } from '../keys.ts'
import { Malformed } from '../malformed.ts'
import { signedByLog } from '../statement/evidence.ts'
import type { Member } from '../statement/member.ts'
import type { Root } from '../statement/root.ts'
import { parseStatement } from '../statement/statement.ts'
import type { TrustRoot } from './trust.ts'

export interface Authority {
  readonly mesh: StatementId
  readonly governance: Governance
  /** The newest root. */
  readonly root: Root
  /** Everything that was shown, in the order of the fold: roots first. */
  readonly statements: ReadonlyMap<StatementId, KnownStatement>
  /** Every effective membership, of every node. */
  members(): readonly Member[]
  /** Those of one node, the newest first: older ones name keys that were retired. */
  memberships(node: Did): readonly Member[]
  /** The name its membership gives it, or null. */
  nameOf(did: Did): string | null
}

/** @param envelopes that came with what is verified, in any order; some may be in the trust root too. @throws Malformed */
export function authorityOf(trust: TrustRoot, envelopes: readonly Uint8Array[]): Authority {
  const trusted = trust.map(read)
  const roots = trusted.filter(({ statement }) => statement.type === 'root')
  const [first] = roots
  if (first?.statement.type !== 'root' || first.statement.version !== 1)
    throw new Malformed('the trust root does not begin with version 1 of a root')
  const mesh = first.statement.id
  const fold = new Fold(
    mesh,
    roots.map(({ statement }) => statement.id),
  )
  for (const known of [...trusted, ...envelopes.map(read)].sort(byRoot)) put(fold, known)
  if (roots.some(({ statement }) => fold.standing(statement.id) !== 'effective'))
    throw new Malformed('the roots of the trust root do not follow each other')
  return authority(mesh, fold)
}

function authority(mesh: StatementId, fold: Fold): Authority {
  const { governance } = fold
  const { root } = governance
  if (root === null) throw new Malformed('the trust root holds no root')
  const statements = new Map([...fold.all()].map((known) => [known.statement.id, known]))
  const members = [...statements.values()].flatMap(({ statement }) =>
    statement.type === 'member' && fold.standing(statement.id) === 'effective' ? statement : [],
  )
  return {
    ...{ mesh, governance, root, statements },
    members: () => members,
    memberships: (node) =>
      members
        .filter(({ principal }) => principal === node)
        .sort((a, b) => b.version - a.version || (a.id < b.id ? -1 : 1)),
    nameOf: (did) => governance.members.get(did)?.name ?? null,
  }
}

function read(bytes: Uint8Array): KnownStatement {
  const envelope = parseEnvelope(bytes)
  return { envelope, statement: parseStatement(envelope.type, envelope.payload) }
}

/** Each root before what was signed under it, and after what was signed under the one before: a new witness is a member first. */
function byRoot(a: KnownStatement, b: KnownStatement): number {
  return placeOf(a) - placeOf(b)
}

function placeOf({ statement }: KnownStatement): number {
  // Of members alone: after all of them.
  if (statement.type === 'evidence') return Number.MAX_SAFE_INTEGER
  return statement.type === 'root' ? statement.version : statement.root + 0.5
}

function put(fold: Fold, { envelope, statement }: KnownStatement): void {
  if (statement.type === 'evidence') {
    if (statement.mesh !== fold.trust.mesh || !signedByLog(statement))
      throw new Malformed(`statement ${statement.id} ${WHY.proof}`)
    fold.put({ statement, envelope })
    return
  }
  const checked = checkSignatures(envelope, statement, fold.trust)
  if ('verdict' in checked) throw new Malformed(`statement ${statement.id} ${WHY[checked.why]}`)
  // A node keeps and hands on the good ones alone.
  if (checked.signatures.length !== envelope.signatures.length)
    throw new Malformed(`statement ${statement.id} carries a signature that does not count`)
  const before = fold.get(statement.id)
  const merged = before === null ? checked : mergeSignatures(before.envelope, checked)
  fold.put({ statement, envelope: merged })
}

const WHY = {
  ...{ seen: 'is known', stale: 'is out of date', conflicting: 'contradicts another' },
  unknown: 'was signed under a root that is not known here',
  malformed: 'belongs to another mesh than the trust root',
  oversize: 'is too large',
  signature: 'is signed by nobody in its role',
  proof: 'does not prove what it says',
} as const
