/**
 * A salted commitment: what stands in a record in the place of a value that may
 * have to go one day.
 *
 *     {"sha256":"<64 hex digits>"}
 *     sha256( meshd/commitment/v1⏎ ‖ request.args⏎ ‖ salt, 32 bytes ‖ canonical JSON of the value )
 *
 * It binds: no other value, salt or place has it. It hides: the salt is random
 * and of this value alone, so even one of two possible values is not guessed
 * from it. A bare digest would do the first and not the second: who knows that
 * a value is a name of a thousand hashes a thousand names.
 */
import { assert } from './assert.ts'
import { concat, utf8 } from './bytes.ts'
import { sha256Hex } from './id.ts'
import { formatJson, type Json } from './json.ts'
import * as shape from './shape.ts'

/** As many as the hash: who guesses a salt guesses the hash as well. */
export const SALT_BYTES = 32
const DOMAIN = 'meshd/commitment/v1'

const reader = shape.object({ sha256: shape.hash })
export type Commitment = shape.Read<typeof reader>

/** @param place where it stands in the record: `request.args` @param salt SALT_BYTES, random, of this value alone */
export function commitTo(place: string, salt: Uint8Array, value: Json): Commitment {
  assert(salt.length === SALT_BYTES, 'a salt is long enough to hide its value')
  const bytes = concat(utf8(`${DOMAIN}\n${place}\n`), salt, utf8(formatJson(value)))
  return { sha256: sha256Hex(bytes) }
}

/** No value of a record has this form: each has other fields, or is none. */
export function isCommitment(value: unknown): value is Commitment {
  return typeof value === 'object' && value !== null && 'sha256' in value
}

/** A value, or the commitment to it. */
export function committable<T>(value: shape.Reader<T>): shape.Reader<T | Commitment> {
  return (json, at) => (isCommitment(json) ? reader(json, at) : value(json, at))
}

/** The commitment alone. */
export const commitment: shape.Reader<Commitment> = reader

/** The value itself; null for one that is not there to be read, and for null. */
export function openValue<T>(value: T): Exclude<T, Commitment> | null {
  return isCommitment(value) ? null : (value as Exclude<T, Commitment>)
}
