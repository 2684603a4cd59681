/**
 * Lineage: what names a cause starts only with proof of it. The proof is the
 * parent's receipt, brought along or fetched; nine conditions are held against
 * it, in this order, and the first that does not hold is named (design 5):
 *
 *   receipt     there is one, and it is of the record that the cause names
 *   log         the receipt's checkpoint is signed by the log key of the node that wrote it
 *   inclusion   the record is in the tree of that checkpoint, in its own place
 *   witnesses   `write` witnesses of the root in force cosigned it
 *   evidence    neither that log has two histories, nor is anybody distrusted for one on whom it rests
 *   allow       the record is a decision, and allows
 *   standing    nothing that it or its ancestors rest on is revoked or frozen
 *   holder      who ran it is a key of this request's chain: it hands on what it held
 *   bounds      not too deep, none twice, not from the future, not older than an artifact may be
 *
 * The first five are about a record, the others about who asks, and when. None is
 * remembered from one request to the next: what was good may be revoked by now.
 */
import { type Inherited, inheritedFrom, tooMuch } from './ancestry.ts'
import { textOf } from './bytes.ts'
import { logOrigin, openCheckpoint } from './checkpoint.ts'
import { inheritedDenial } from './checks/revocation.ts'
import { type Cosignature, cosignaturesOf, witnessed, witnessKeysOf } from './cosignature.ts'
import { idOf, type RecordId, shortId } from './id.ts'
import type { Did } from './keys.ts'
import { Malformed } from './malformed.ts'
import type { Governed } from './presented.ts'
import { includedIn, parseReceipt, type Receipt } from './receipt.ts'
import { type LogRecord, parseRecord } from './record.ts'
import type { Evidence } from './statement/evidence.ts'
import type { Root } from './statement/root.ts'

export const CONDITIONS = [
  'receipt',
  'log',
  'inclusion',
  'witnesses',
  'evidence',
  'allow',
  'standing',
  'holder',
  'bounds',
] as const

export type Condition = (typeof CONDITIONS)[number]

/** The first condition that does not hold. */
export interface Broken {
  readonly condition: Condition
  readonly detail: string
}

/** What there is to prove a cause with. */
export type Parent =
  | { readonly kind: 'receipt'; readonly receipt: Uint8Array }
  /** Neither brought along nor to be had; why. */
  | { readonly kind: 'none'; readonly detail: string }

/** A record that a quorum saw in its log. */
export interface ProvenRecord {
  readonly id: RecordId
  readonly record: LogRecord
  readonly cosignatures: readonly Cosignature[]
}

export interface VerifiedParent {
  readonly id: RecordId
  readonly record: LogRecord<'decision'>
  readonly cosignatures: readonly Cosignature[]
  /** What its child takes over from it. */
  readonly inherited: Inherited
}

/** As much of governance as says whose word counts. */
export type Vouching = Pick<Governed, 'mesh' | 'root' | 'members' | 'distrusted' | 'evidence'>

/** Who asks to descend from it. */
export interface Child {
  /** The keys of the chain, from the issuer to who invokes. */
  readonly chain: readonly Did[]
  readonly governance: Governed
  readonly nowMs: number
}

/** All nine. */
export function checkParent(
  cause: RecordId,
  parent: Parent,
  child: Child,
): VerifiedParent | Broken {
  if (parent.kind === 'none') return broken('receipt', parent.detail)
  const { governance } = child
  const proven = checkReceipt(cause, parent.receipt, governance)
  if ('condition' in proven) return proven
  const { id, record, cosignatures } = proven
  const { root } = governance
  if (record.type !== 'decision' || record.effect !== 'allow' || root === null)
    return broken('allow', record.type === 'decision' ? 'it was denied' : 'it is no decision')
  const inherited = inheritedFrom(id, record)
  const verified = { id, record, cosignatures, inherited }
  return checkStanding(inherited, child) ?? checkRelation(verified, root, child) ?? verified
}

/**
 * The first five: that a quorum saw this record in the only log of its node.
 * @param id of the record that is meant; null for whichever it proves
 */
export function checkReceipt(
  id: RecordId | null,
  bytes: Uint8Array,
  governance: Vouching,
): ProvenRecord | Broken {
  const read = readReceipt(bytes)
  if (read instanceof Malformed) return broken('receipt', read.message)
  const { receipt, record } = read
  const found = idOf(receipt.record)
  if (id !== null && id !== found) return broken('receipt', 'it is of another record')
  return checkProof(found, receipt, record, governance)
}

function readReceipt(bytes: Uint8Array): { receipt: Receipt; record: LogRecord } | Malformed {
  try {
    const receipt = parseReceipt(bytes)
    return { receipt, record: parseRecord(receipt.record) }
  } catch (error) {
    // Untrusted bytes come in here; what they lack is the answer.
    if (error instanceof Malformed) return error
    throw error
  }
}

function checkProof(
  id: RecordId,
  receipt: Receipt,
  record: LogRecord,
  governance: Vouching,
): ProvenRecord | Broken {
  const { mesh, members } = governance
  const member = members.get(record.node)
  if (mesh === null || member === undefined)
    return broken('log', 'the node that wrote it is no member of this mesh')
  const origin = logOrigin(mesh, record.node, record.epoch)
  const checkpoint = openCheckpoint(receipt.checkpoint, origin, member.log)
  if (checkpoint === null)
    return broken('log', 'its checkpoint is not signed by the log key of the node that wrote it')
  // A record says its own place: a log that holds it in another one is not the one it was written to.
  if (receipt.index !== record.index || !includedIn(receipt, checkpoint))
    return broken('inclusion', 'it is not in the tree of its checkpoint')
  const cosignatures = cosigned(receipt, member.log, governance)
  if (cosignatures === null || !witnessed(cosignatures, governance)) {
    const [count, need] = [cosignatures?.length ?? 0, governance.root?.lease.write ?? '?']
    return broken('witnesses', `${count} of ${need} witnesses cosigned its checkpoint`)
  }
  // Also of one that was lifted: its node counts again, with another log.
  const fork = governance.evidence.get(origin)?.evidence
  return distrust(fork ?? governance.distrusted.get(record.node)) ?? { id, record, cosignatures }
}

function distrust(evidence: Evidence | undefined): Broken | null {
  if (evidence === undefined) return null
  return broken('evidence', `${shortId('evd', evidence.id)} shows two histories of a log`)
}

/** null when a signature that claims to be a witness's is not. */
function cosigned(
  { checkpoint }: Receipt,
  log: Did,
  governance: Vouching,
): readonly Cosignature[] | null {
  try {
    return cosignaturesOf(textOf(checkpoint), witnessKeysOf(governance), log)
  } catch (error) {
    if (error instanceof Malformed) return null
    throw error
  }
}

function checkStanding(inherited: Inherited, { governance, nowMs }: Child): Broken | null {
  for (const did of [...inherited.nodes, ...inherited.principals]) {
    const distrusted = distrust(governance.distrusted.get(did))
    if (distrusted !== null) return distrusted
  }
  const denial = inheritedDenial(governance, inherited, nowMs)
  return denial === null ? null : broken('standing', denial.detail)
}

function checkRelation(
  { record, inherited }: VerifiedParent,
  { limits, lease }: Root,
  { chain, nowMs }: Child,
): Broken | null {
  const { principal, time } = record
  if (principal === null || !chain.includes(principal))
    return broken('holder', 'who ran it is not in the chain of this artifact')
  const much = tooMuch(inherited)
  if (much !== null) return broken('bounds', much)
  if (time > nowMs + lease.skewMs) return broken('bounds', 'it lies in the future')
  const days = Math.round(limits.artifactTtlMs / 86_400_000)
  if (nowMs - time <= limits.artifactTtlMs) return null
  return broken('bounds', `it was allowed longer ago than an artifact may live, ${days} d`)
}

function broken(condition: Condition, detail: string): Broken {
  return { condition, detail }
}
