/**
 * A log's signed head: a note whose body is a checkpoint (C2SP tlog-checkpoint).
 *
 *   meshd/9f86d081884c7d65/z6Mkh…/1          origin: mesh, node, epoch of the log
 *   42                                       size, in records
 *   47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=
 *
 *   — meshd/9f86d081884c7d65/z6Mkh…/1 <base64>
 *
 * No extension lines. The log key's name is the origin.
 */
import { assert } from './assert.ts'
import { fromBase64, textOf, toBase64, utf8 } from './bytes.ts'
import type { StatementId } from './id.ts'
import type { Did, Signer } from './keys.ts'
import { LOG_RECORDS_MAX } from './limits.ts'
import { Malformed } from './malformed.ts'
import { HASH_BYTES, type Hash } from './merkle.ts'
import { openNote, signNote, splitNote } from './note.ts'

export interface Checkpoint {
  readonly origin: string
  readonly size: number
  readonly rootHash: Hash
}

const ORIGIN = /^[!-*,-~]+$/

/** The name of one epoch of one node's log in one mesh. */
export function logOrigin(mesh: StatementId, node: Did, epoch: number): string {
  const mesh16 = mesh.slice('sha256:'.length).slice(0, 16)
  return `meshd/${mesh16}/${node.slice('did:key:'.length)}/${epoch}`
}

/** The last part of an origin, of the first line of a note: `meshd/9f86…/z6Mkh…/1`. null when it is none. */
export function epochOf(note: string): number | null {
  const digits = /^[^\n]*\/(0|[1-9][0-9]{0,9})\n/.exec(note)?.[1]
  return digits === undefined ? null : Number(digits)
}

/** The body, without signature. */
export function formatCheckpoint(checkpoint: Checkpoint): string {
  const { origin, size, rootHash } = checkpoint
  assert(ORIGIN.test(origin), 'an origin is printable, without spaces and plus')
  assert(size <= LOG_RECORDS_MAX && rootHash.length === HASH_BYTES, 'a checkpoint is of a log')
  return `${origin}\n${size}\n${toBase64(rootHash)}\n`
}

/** The exact inverse of formatCheckpoint. @throws Malformed */
export function parseCheckpoint(body: string): Checkpoint {
  const [origin, digits, encoded, end, more] = body.split('\n')
  if (encoded === undefined || end !== '' || more !== undefined) {
    throw new Malformed('a checkpoint has three lines')
  }
  if (origin === undefined || !ORIGIN.test(origin)) throw new Malformed('an origin is malformed')
  const size = Number(digits)
  if (digits !== String(size) || !/^[0-9]+$/.test(digits) || size > LOG_RECORDS_MAX) {
    throw new Malformed('the size of a checkpoint is a whole number of records')
  }
  const rootHash = fromBase64(encoded)
  if (rootHash.length !== HASH_BYTES) throw new Malformed('a root hash has 32 bytes')
  return { origin, size, rootHash }
}

/** What a signed note says, without a look at its signatures: for one that this node wrote itself. @throws Malformed */
export function readCheckpoint(note: Uint8Array | string): Checkpoint {
  return parseCheckpoint(splitNote(asText(note)).body)
}

export function signCheckpoint(checkpoint: Checkpoint, logSigner: Signer): Uint8Array {
  return utf8(signNote(formatCheckpoint(checkpoint), checkpoint.origin, logSigner))
}

/** null unless it is a checkpoint of that origin, signed by that log key. Other signatures on it are ignored. */
export function openCheckpoint(
  note: Uint8Array | string,
  origin: string,
  logDid: Did,
): Checkpoint | null {
  try {
    const { body, signedBy } = openNote(asText(note), [{ name: origin, did: logDid }])
    const checkpoint = parseCheckpoint(body)
    return signedBy.length === 1 && checkpoint.origin === origin ? checkpoint : null
  } catch (error) {
    // Whatever is wrong with it, nobody signed a checkpoint here.
    if (error instanceof Malformed) return null
    throw error
  }
}

/** @throws Malformed */
function asText(note: Uint8Array | string): string {
  return typeof note === 'string' ? note : textOf(note)
}
