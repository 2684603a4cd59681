/**
 * What a log asks of a witness: the body of an add-checkpoint request (C2SP
 * tlog-witness). The size that the witness saw last, a proof that the checkpoint
 * continues that, from the leaf's side upwards, and the checkpoint:
 *
 *   old 20
 *   PlRNCrwHpqhGrupue0L7gxbjbMiKA9temvuZZDDpkaw=
 *   jrJZDmY8Y7SyJE0MWLpLozkIVMSMZcD5kvuKxPC3swk=
 *
 *   meshd/9f86d081884c7d65/z6Mkh…/1
 *   42
 *   47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=
 *
 *   — meshd/9f86d081884c7d65/z6Mkh…/1 <base64>
 */
import { assert } from './assert.ts'
import { fromBase64, toBase64 } from './bytes.ts'
import { ADD_CHECKPOINT_BYTES_MAX, CONSISTENCY_HASHES_MAX, LOG_RECORDS_MAX } from './limits.ts'
import { Malformed } from './malformed.ts'
import { HASH_BYTES, type Hash } from './merkle.ts'

export interface AddCheckpoint {
  readonly old: number
  readonly proof: readonly Hash[]
  /** As it was signed. */
  readonly note: string
}

export function formatAddCheckpoint({ old, proof, note }: AddCheckpoint): string {
  assert(proof.length <= CONSISTENCY_HASHES_MAX, 'no tree is so high')
  return `old ${old}\n${proof.map((hash) => `${toBase64(hash)}\n`).join('')}\n${note}`
}

/** The exact inverse of formatAddCheckpoint. Says nothing about the proof and the note. @throws Malformed */
export function parseAddCheckpoint(text: string): AddCheckpoint {
  if (text.length > ADD_CHECKPOINT_BYTES_MAX) throw new Malformed('a request is too long')
  const end = text.indexOf('\n\n')
  if (end < 0) throw new Malformed('a request is a size, a proof, an empty line and a checkpoint')
  const [first = '', ...encoded] = text.slice(0, end).split('\n')
  const digits = /^old (0|[1-9][0-9]{0,9})$/.exec(first)?.[1]
  const old = Number(digits)
  if (digits === undefined || old > LOG_RECORDS_MAX)
    throw new Malformed('a request begins with the size that the witness saw')
  if (encoded.length > CONSISTENCY_HASHES_MAX) throw new Malformed('a proof has too many hashes')
  const proof = encoded.map(fromBase64)
  if (!proof.every(({ length }) => length === HASH_BYTES))
    throw new Malformed('a hash has 32 bytes')
  return { old, proof, note: text.slice(end + 2) }
}
