/**
 * A receipt: proof that one record is in a log, in one file (C2SP tlog-proof).
 *
 *   c2sp.org/tlog-proof@v1
 *   extra eyJhcnRpZmFjdCI6bnVsbCwiY2FsbGVyIjp7…      the record, and statements
 *   index 7
 *   47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=    from the leaf's sibling upwards
 *   …
 *
 *   meshd/9f86d081884c7d65/z6Mkh…/1                  the checkpoint, with its
 *   42                                               signature and cosignatures
 *   …
 *
 * `extra` is lines: first the record, byte for byte as its log hashed it, then
 * envelopes of statements (roots, members) that name the keys below. Canonical
 * JSON holds no line feed, so nothing is escaped. None of it is believed: the
 * record must hash into the tree, and a statement needs signatures of its own.
 */
import { assert } from './assert.ts'
import { equalBytes, fromBase64, textOf, toBase64, utf8 } from './bytes.ts'
import { type Checkpoint, openCheckpoint, readCheckpoint } from './checkpoint.ts'
import type { Did } from './keys.ts'
import {
  LOG_RECORDS_MAX,
  PROOF_HASHES_MAX,
  RECEIPT_BYTES_MAX,
  RECEIPT_STATEMENTS_MAX,
  RECORD_BYTES_MAX,
  STATEMENT_BYTES_MAX,
} from './limits.ts'
import { Malformed } from './malformed.ts'
import { HASH_BYTES, type Hash, leafHash } from './merkle.ts'
import { verifyInclusion } from './proof.ts'

export interface Receipt {
  /** The leaf. */
  readonly record: Uint8Array
  /** Envelopes that name the log's key and the witnesses'; what their reader already holds may be left out. */
  readonly statements: readonly Uint8Array[]
  readonly index: number
  /** From the leaf's sibling upwards. */
  readonly proof: readonly Hash[]
  /** The signed note, with its cosignatures. */
  readonly checkpoint: Uint8Array
}

const RECEIPT_HEAD = 'c2sp.org/tlog-proof@v1\n'
const LINE_FEED = '\n'

/** By its first line; what follows may still be anything. */
export function isReceipt(bytes: Uint8Array): boolean {
  return equalBytes(bytes.subarray(0, RECEIPT_HEAD.length), utf8(RECEIPT_HEAD))
}

export function formatReceipt(receipt: Receipt): Uint8Array {
  const { record, statements, index, proof, checkpoint } = receipt
  const lines = [record, ...statements].map(textOf)
  assert(
    lines.every((line) => line !== '' && !line.includes(LINE_FEED)),
    'records and envelopes are canonical JSON',
  )
  const hashes = proof.map((hash) => `${toBase64(hash)}\n`)
  const head = `extra ${toBase64(utf8(lines.join(LINE_FEED)))}\nindex ${index}\n`
  return utf8(`${RECEIPT_HEAD}${head}${hashes.join('')}\n${textOf(checkpoint)}`)
}

/** The exact inverse of formatReceipt; of the checkpoint only its form is looked at. @throws Malformed */
export function parseReceipt(bytes: Uint8Array): Receipt {
  if (bytes.length > RECEIPT_BYTES_MAX) throw new Malformed('a receipt is too long')
  const text = textOf(bytes)
  if (!text.startsWith(RECEIPT_HEAD))
    throw new Malformed('a receipt begins with `c2sp.org/tlog-proof@v1`')
  const end = text.indexOf('\n\n')
  if (end < 0) throw new Malformed('a receipt has a checkpoint after an empty line')
  const [extra, index, ...hashes] = text.slice(RECEIPT_HEAD.length, end).split(LINE_FEED)
  const checkpoint = utf8(text.slice(end + 2))
  readCheckpoint(checkpoint)
  const [record, ...statements] = parseExtra(after(extra, 'extra '))
  return {
    record,
    statements,
    index: parseIndex(after(index, 'index ')),
    proof: parseHashes(hashes),
    checkpoint,
  }
}

/**
 * The checkpoint that proves the record: of that origin, signed by that log
 * key, with the record in its tree. null when it proves nothing. Who cosigned
 * it is for cosignature.ts, and what the record says for its reader.
 */
export function openReceipt(receipt: Receipt, origin: string, logDid: Did): Checkpoint | null {
  const checkpoint = openCheckpoint(receipt.checkpoint, origin, logDid)
  if (checkpoint === null) return null
  return includedIn(receipt, checkpoint) ? checkpoint : null
}

/** Whether the record hashes into the tree of that checkpoint, whoever signed it. */
export function includedIn(
  { record, index, proof }: Receipt,
  { size, rootHash }: Checkpoint,
): boolean {
  return verifyInclusion(leafHash(record), index, size, proof, rootHash)
}

function after(line: string | undefined, label: string): string {
  if (line === undefined || !line.startsWith(label))
    throw new Malformed('a receipt has lines `extra`, `index` and hashes')
  return line.slice(label.length)
}

function parseExtra(encoded: string): [Uint8Array, ...Uint8Array[]] {
  const [record = '', ...statements] = textOf(fromBase64(encoded)).split(LINE_FEED)
  if (statements.length > RECEIPT_STATEMENTS_MAX)
    throw new Malformed('a receipt holds too many statements')
  return [
    parseLine(record, RECORD_BYTES_MAX),
    ...statements.map((each) => parseLine(each, STATEMENT_BYTES_MAX)),
  ]
}

function parseLine(line: string, bytesMax: number): Uint8Array {
  const bytes = utf8(line)
  if (bytes.length === 0 || bytes.length > bytesMax)
    throw new Malformed('a line of a receipt is empty or too long')
  return bytes
}

function parseIndex(digits: string): number {
  const index = Number(digits)
  if (!/^[0-9]+$/.test(digits) || digits !== String(index) || index > LOG_RECORDS_MAX)
    throw new Malformed('the index of a receipt is the number of a record')
  return index
}

function parseHashes(lines: readonly string[]): readonly Hash[] {
  if (lines.length > PROOF_HASHES_MAX) throw new Malformed('a proof has too many hashes')
  return lines.map((line) => {
    const hash = fromBase64(line)
    if (hash.length !== HASH_BYTES) throw new Malformed('a hash of a proof has 32 bytes')
    return hash
  })
}
