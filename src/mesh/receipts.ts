/**
 * Receipts of this node's own records: the proof that a record is in the log,
 * under a checkpoint that a quorum of witnesses cosigned, and the statements
 * that name the keys, so that whoever has the trust root needs nothing else.
 */
import { readCheckpoint } from '../core/checkpoint.ts'
import { formatEnvelope } from '../core/dsse.ts'
import type { Did } from '../core/keys.ts'
import { RECEIPT_STATEMENTS_MAX } from '../core/limits.ts'
import type { Receipt } from '../core/receipt.ts'
import type { Known } from './learned.ts'
import type { Durable } from './log.ts'
import type { LogReader } from './log-reader.ts'

export interface ReceiptPorts {
  readonly self: Did
  readonly reader: Pick<LogReader, 'inclusion'>
  readonly statements: { all(): Iterable<Known> }
}

/** @param checkpoint over the record, as it is signed and cosigned */
export async function makeReceipt(
  record: Durable,
  checkpoint: Uint8Array,
  { self, reader, statements }: ReceiptPorts,
): Promise<Receipt> {
  const { size } = readCheckpoint(checkpoint)
  return {
    record: record.bytes,
    statements: keyStatements(statements.all(), [self]).slice(0, RECEIPT_STATEMENTS_MAX),
    index: record.index,
    proof: await reader.inclusion(record.index, size),
    checkpoint,
  }
}

/** Envelopes that say which key is whose: all roots, version 1 first, and the memberships of their witnesses and of these nodes. */
export function keyStatements(
  known: Iterable<Known>,
  nodes: readonly Did[],
): readonly Uint8Array[] {
  const effective = [...known].filter(({ state }) => state === 'effective')
  const roots = effective.flatMap(({ statement, envelope }) =>
    statement.type === 'root' ? { root: statement, envelope } : [],
  )
  const named = new Set([...nodes, ...roots.flatMap(({ root }) => root.witnesses)])
  const members = effective.filter(
    ({ statement }) => statement.type === 'member' && named.has(statement.principal),
  )
  const ordered = roots.sort((a, b) => a.root.version - b.root.version)
  return [...ordered, ...members].map(({ envelope }) => formatEnvelope(envelope))
}
