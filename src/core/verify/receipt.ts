/** One decision, proven to somebody who has the receipt and a trust root, and neither daemon nor network. */
import { Malformed } from '../malformed.ts'
import { includedIn, parseReceipt } from '../receipt.ts'
import { type LogRecord, parseRecord } from '../record.ts'
import { type Authority, authorityOf } from './authority.ts'
import { type Head, missingQuorum, openHead } from './head.ts'
import { checkPlace } from './records.ts'
import type { TrustRoot } from './trust.ts'

export interface ProvenRecord {
  readonly authority: Authority
  readonly head: Head
  readonly index: number
  readonly record: LogRecord
  /** The leaf, exactly. */
  readonly bytes: Uint8Array
  /** Hashes of the inclusion proof. */
  readonly hashes: number
}

/** @throws Malformed with the reason why it proves nothing */
export function verifyReceipt(bytes: Uint8Array, trust: TrustRoot): ProvenRecord {
  const receipt = parseReceipt(bytes)
  const authority = authorityOf(trust, receipt.statements)
  const head = openHead(receipt.checkpoint, authority)
  if (!includedIn(receipt, head.checkpoint))
    throw new Malformed('the record is not in the tree of the checkpoint')
  const record = parseRecord(receipt.record)
  checkPlace(record, head, receipt.index)
  if (!head.witnessed) throw new Malformed(missingQuorum(head))
  const { index, proof } = receipt
  return { authority, head, index, record, bytes: receipt.record, hashes: proof.length }
}
