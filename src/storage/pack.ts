/**
 * Many values as one: 128 records, or what was kept beside them, have most of
 * their text in common, and take a tenth of their room together.
 *
 *     size 4 ‖ zstd of ( length 4 ‖ bytes ) × 128        RFC 8878; length ffffffff where there is none
 *
 * Nothing in it is believed: a record is hashed against its tile before it is
 * used, and what is kept beside one by whoever holds its hashes.
 */
import { promisify } from 'node:util'
import { constants, zstdCompress, zstdDecompress } from 'node:zlib'
import { assert } from '../core/assert.ts'
import { PACK_BYTES_MAX, PACK_RECORDS } from '../core/limits.ts'

const compress = promisify(zstdCompress)
const decompress = promisify(zstdDecompress)

const LENGTH_BYTES = 4
const NONE = 0xffff_ffff
/** What zlib takes at least for one step. */
const CHUNK_BYTES_MIN = 64
/** The quickest: a higher one finds little more. */
const LEVEL = 1

export type Parts = readonly (Uint8Array | null)[]

/** @param parts PACK_RECORDS of them, PACK_BYTES_MAX at most */
export async function pack(parts: Parts): Promise<Uint8Array> {
  const plain = formatParts(parts)
  assert(plain.length <= PACK_BYTES_MAX, 'a pack has a bound')
  const params = { [constants.ZSTD_c_compressionLevel]: LEVEL }
  return Buffer.concat([lengthOf(plain.length), await compress(plain, { params })])
}

/** null for what is no pack: what was in it is not there. */
export async function unpack(bytes: Uint8Array): Promise<Parts | null> {
  const size = bytes.length < LENGTH_BYTES ? NONE : Buffer.from(bytes).readUInt32BE()
  if (size > PACK_BYTES_MAX) return null
  try {
    // One byte more than there should be, or it could not be told that there is more.
    const limits = { maxOutputLength: size + 1, chunkSize: Math.max(size + 1, CHUNK_BYTES_MIN) }
    const plain = await decompress(bytes.subarray(LENGTH_BYTES), limits)
    return plain.length === size ? parseParts(plain) : null
  } catch {
    return null // what the disk gives is untrusted, and this is not what was written
  }
}

export function formatParts(parts: Parts): Uint8Array {
  assert(parts.length === PACK_RECORDS, 'a pack is whole')
  return Buffer.concat(
    parts.flatMap((part) => [lengthOf(part?.length ?? NONE), part ?? new Uint8Array()]),
  )
}

/** null for what formatParts does not write. */
export function parseParts(bytes: Uint8Array): Parts | null {
  const plain = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length)
  const parts: (Uint8Array | null)[] = []
  let at = 0
  while (at + LENGTH_BYTES <= plain.length && parts.length < PACK_RECORDS) {
    const length = plain.readUInt32BE(at)
    at += LENGTH_BYTES
    // A copy of its own: one record does not keep all of them in memory.
    parts.push(length === NONE ? null : new Uint8Array(plain.subarray(at, at + length)))
    at += length === NONE ? 0 : length
  }
  return at === plain.length && parts.length === PACK_RECORDS ? parts : null
}

/** What one part takes in a pack, before it is compressed. */
export function sizeInPack(part: Uint8Array | null): number {
  return LENGTH_BYTES + (part?.length ?? 0)
}

function lengthOf(length: number): Buffer {
  const bytes = Buffer.alloc(LENGTH_BYTES)
  bytes.writeUInt32BE(length)
  return bytes
}
