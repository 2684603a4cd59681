/**
 * What stands where in the database. All numbers are big-endian, so that keys
 * sort as they count.
 *
 *     m                                   standing ‖ peaks ‖ check
 *     r <epoch 4> <index 4>               a record, as it is; its tile or peak is its check
 *     e <epoch 4> <index 4>               what is kept beside a record; its reader holds the hashes
 *     b <epoch 4> <pack 4>                128 records in one: pack.ts
 *     d <epoch 4> <pack 4>                what is kept beside them, likewise
 *     t <epoch 4> <level 1> <index 4>     a full tile: 256 hashes; its parent is its check
 *     p <space> / <key>                   check ‖ value
 *     k copy/<did>/<epoch>/<index>        check ‖ a record of another node's log, in no tally: its owner holds the hashes
 *     i <epoch 4> <12 bytes of the id>    index 4; a hint, unsynced, rebuilt
 *     s <epoch 4> <term 8> <chunk 4>      places; likewise, as c and x: postings.ts
 *     c <epoch 4> <chunk 4>               times of a chunk
 *     x <epoch 4>                         which chunks the index knows
 *     w                                   was a count of indexed records; not written any more
 *
 * A check is 16 bytes of SHA-256 over the key's length, the key and the value:
 * LevelDB hands out changed values without a word (FACTS 4), and one value in
 * another's place. Evolution: a first byte, once used, never changes its
 * meaning; a new layout gets a new byte, and `m` a new version in front.
 */
import { assert } from '../core/assert.ts'
import { concat, equalBytes, textOf, utf8 } from '../core/bytes.ts'
import { type RecordId, sha256 } from '../core/id.ts'
import { PACK_RECORDS } from '../core/limits.ts'
import { Malformed } from '../core/malformed.ts'
import { HASH_BYTES, peakCount, type Tree } from '../core/merkle.ts'
import type { Space } from '../mesh/ports.ts'
import type { Range } from './database.ts'
import { formatStanding, parseStanding, STANDING_BYTES, type Standing } from './standing.ts'

const CHECK_BYTES = 16
const INDEX_ID_BYTES = 12

const [PUT_LETTER, COPY_LETTER] = ['p', 'k']
const [META, RECORD, EXHIBIT, TILE, PUT] = ['m', 'r', 'e', 't', PUT_LETTER].map(codeOf) as [
  number,
  number,
  number,
  number,
  number,
]
const [RECORD_PACK, EXHIBIT_PACK] = ['b', 'd'].map(codeOf) as [number, number]
const [INDEX, POSTING, CHUNK, CURSOR] = ['i', 's', 'c', 'x'].map(codeOf) as [
  number,
  number,
  number,
  number,
]

export const META_KEY = Uint8Array.of(META)

export function recordKey(epoch: number, index: number): Uint8Array {
  return indexedUnder(RECORD, epoch, index)
}

export function exhibitKey(epoch: number, index: number): Uint8Array {
  return indexedUnder(EXHIBIT, epoch, index)
}

export function recordPackKey(epoch: number, pack: number): Uint8Array {
  return indexedUnder(RECORD_PACK, epoch, pack)
}

export function exhibitPackKey(epoch: number, pack: number): Uint8Array {
  return indexedUnder(EXHIBIT_PACK, epoch, pack)
}

function indexedUnder(code: number, epoch: number, index: number): Uint8Array {
  const key = Buffer.alloc(9)
  key[0] = code
  key.writeUInt32BE(epoch, 1)
  key.writeUInt32BE(index, 5)
  return key
}

export function tileKey(epoch: number, level: number, index: number): Uint8Array {
  const key = Buffer.alloc(10)
  key[0] = TILE
  key.writeUInt32BE(epoch, 1)
  key[5] = level
  key.writeUInt32BE(index, 6)
  return key
}

export function indexKey(epoch: number, id: RecordId): Uint8Array {
  const key = Buffer.alloc(5 + INDEX_ID_BYTES)
  key[0] = INDEX
  key.writeUInt32BE(epoch, 1)
  key.write(id.slice('sha256:'.length), 5, INDEX_ID_BYTES, 'hex')
  return key
}

export function postingKey(epoch: number, term: Uint8Array, chunk: number): Uint8Array {
  return concat(Uint8Array.of(POSTING), formatCount(epoch), term, formatCount(chunk))
}

export function chunkKey(epoch: number, chunk: number): Uint8Array {
  return concat(Uint8Array.of(CHUNK), formatCount(epoch), formatCount(chunk))
}

/** The chunk at the end of such a key. */
export function chunkOf(key: Uint8Array): number {
  return Buffer.from(key).readUInt32BE(key.length - 4)
}

export function cursorKey(epoch: number): Uint8Array {
  return concat(Uint8Array.of(CURSOR), formatCount(epoch))
}

/** The number that an index entry holds. */
export function formatCount(count: number): Uint8Array {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32BE(count)
  return bytes
}

/** null for what is no such number: then there is no hint. */
export function parseCount(bytes: Uint8Array | undefined): number | null {
  return bytes?.length === 4 ? Buffer.from(bytes).readUInt32BE() : null
}

export function putKey(space: Space, key: string): Uint8Array {
  assert(key !== '', 'what is kept has a name')
  return utf8(`${space === 'copy' ? COPY_LETTER : PUT_LETTER}${space}/${key}`)
}

/** Records [0, least) of one log, and what was kept beside them, wherever they are. @param least where a pack begins */
export function valuesBelow(epoch: number, least: number): readonly Range[] {
  const packs = least / PACK_RECORDS
  assert(Number.isInteger(packs), 'a pack is pruned whole')
  return [
    { gte: recordKey(epoch, 0), lt: recordKey(epoch, least) },
    { gte: exhibitKey(epoch, 0), lt: exhibitKey(epoch, least) },
    recordPacksBelow(epoch, packs),
    { gte: exhibitPackKey(epoch, 0), lt: exhibitPackKey(epoch, packs) },
  ]
}

export function recordPacksBelow(epoch: number, pack: number): Range {
  return { gte: recordPackKey(epoch, 0), lt: recordPackKey(epoch, pack) }
}

/** From the first key of a space, or of all of them, up to the first that is behind. */
export function putRange(space?: Space): Range {
  if (space === undefined) return { gte: Uint8Array.of(PUT), lt: Uint8Array.of(PUT + 1) }
  // `0` is the character behind `/`.
  return {
    gte: concat(Uint8Array.of(PUT), utf8(`${space}/`)),
    lt: concat(Uint8Array.of(PUT), utf8(`${space}0`)),
  }
}

/** @throws Malformed */
export function parsePutKey(bytes: Uint8Array): { space: Space; key: string } {
  const text = textOf(bytes.subarray(1))
  const slash = text.indexOf('/')
  if (slash < 1) throw new Malformed('a key names its space')
  return { space: text.slice(0, slash) as Space, key: text.slice(slash + 1) }
}

/** The value as it is on disk. */
export function seal(key: Uint8Array, value: Uint8Array): Uint8Array {
  return concat(checkOf(key, value), value)
}

/** The value and its check; null when they do not belong together, or to that key. */
export function open(key: Uint8Array, sealed: Uint8Array): Uint8Array | null {
  const value = sealed.subarray(CHECK_BYTES)
  return equalBytes(sealed.subarray(0, CHECK_BYTES), checkOf(key, value)) ? value : null
}

function checkOf(key: Uint8Array, value: Uint8Array): Uint8Array {
  const size = 4 + key.length + value.length
  const bytes = size <= CHECKED.length ? CHECKED.subarray(0, size) : Buffer.allocUnsafe(size)
  bytes.writeUInt32BE(key.length, 0)
  bytes.set(key, 4)
  bytes.set(value, 4 + key.length)
  return sha256(bytes).subarray(0, CHECK_BYTES)
}

/** The bytes that are being checked: most fit. */
const CHECKED = Buffer.alloc(8 * 1024)

/** The one entry that every batch writes. */
export interface Meta {
  readonly standing: Standing
  readonly tree: Tree
}

export function formatMeta({ standing, tree }: Meta): Uint8Array {
  return seal(META_KEY, concat(formatStanding(standing), ...tree.peaks))
}

/** null when it is not what was written. */
export function parseMeta(sealed: Uint8Array): Meta | null {
  const bytes = open(META_KEY, sealed)
  if (bytes === null) return null
  const standing = parseStanding(bytes.subarray(0, STANDING_BYTES))
  const rest = bytes.subarray(STANDING_BYTES)
  if (rest.length !== peakCount(standing.size) * HASH_BYTES) return null
  const peaks = Array.from({ length: rest.length / HASH_BYTES }, (_, i) =>
    rest.slice(i * HASH_BYTES, (i + 1) * HASH_BYTES),
  )
  return { standing, tree: { size: standing.size, peaks } }
}

function codeOf(letter: string): number {
  return letter.charCodeAt(0)
}
