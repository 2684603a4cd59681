/**
 * A log as a directory of files (C2SP tlog-tiles):
 *
 *   tile/<level>/<n>             256 hashes of 32 bytes
 *   tile/<level>/<n>.p/<width>   the first <width> of them
 *   tile/entries/<n>[.p/<width>] records, each: length in 2 bytes, big-endian ‖ bytes
 *
 * n in groups of three digits, all but the last with an x: 1234067 is `x001/x234/067`.
 */
import { assert } from './assert.ts'
import { concat } from './bytes.ts'
import { LOG_RECORDS_MAX, RECORD_BYTES_MAX } from './limits.ts'
import { Malformed } from './malformed.ts'

/** Hashes of a full tile, records of a full bundle: height 8. */
export const TILE_WIDTH = 256

const LENGTH_BYTES = 2

/** @param level 0 for leaf hashes @param width of a partial tile, 1 to 255 */
export function tilePath(level: number, n: number, width = TILE_WIDTH): string {
  return `tile/${level}/${indexPath(n)}${partial(width)}`
}

/** @param width of a partial bundle, 1 to 255 */
export function entriesPath(n: number, width = TILE_WIDTH): string {
  return `tile/entries/${indexPath(n)}${partial(width)}`
}

export interface TilePlace {
  /** 0 for leaf hashes; null for the records themselves. */
  readonly level: number | null
  readonly n: number
  /** 256, or less for a partial one. */
  readonly width: number
}

export function placePath({ level, n, width }: TilePlace): string {
  return level === null ? entriesPath(n, width) : tilePath(level, n, width)
}

/** The exact inverse of placePath; null for any other path. */
export function parseTilePath(path: string): TilePlace | null {
  const match = PATH.exec(path)
  if (match === null) return null
  const [, level = '', groups = '', width] = match
  const place = {
    level: level === 'entries' ? null : Number(level),
    n: Number(groups.replaceAll(/[x/]/g, '')),
    width: width === undefined ? TILE_WIDTH : Number(width),
  }
  if (place.n > LOG_RECORDS_MAX || place.width < 1 || place.width > TILE_WIDTH) return null
  return placePath(place) === path ? place : null
}

/** Sixty-four levels are more than any tree has; digits are compared afterwards. */
const PATH = /^tile\/(entries|[0-9]{1,2})\/((?:x[0-9]{3}\/){0,4}[0-9]{3})(?:\.p\/([0-9]{1,3}))?$/

/** The tiles and entry bundles of a log of that size, lowest level first; those at the right edge are partial. */
export function* tilesOf(size: number): Generator<TilePlace> {
  for (let count = size, level = 0; count > 0; level += 1) {
    for (let n = 0; n * TILE_WIDTH < count; n += 1) {
      const width = Math.min(TILE_WIDTH, count - n * TILE_WIDTH)
      if (level === 0) yield { level: null, n, width }
      yield { level, n, width }
    }
    count = Math.floor(count / TILE_WIDTH)
  }
}

function indexPath(n: number): string {
  assert(Number.isSafeInteger(n) && n >= 0, 'tiles are counted from zero')
  const digits = String(n)
  const groups = digits.padStart(Math.ceil(digits.length / 3) * 3, '0').match(/.../g) ?? []
  return groups.map((group, i) => (i < groups.length - 1 ? `x${group}` : group)).join('/')
}

function partial(width: number): string {
  assert(width >= 1 && width <= TILE_WIDTH, 'a tile is never empty')
  return width === TILE_WIDTH ? '' : `.p/${width}`
}

/** @param records 1 to 256, each at most RECORD_BYTES_MAX */
export function formatBundle(records: readonly Uint8Array[]): Uint8Array {
  assert(records.length >= 1 && records.length <= TILE_WIDTH, 'a bundle is as wide as a tile')
  return concat(...records.flatMap((record) => [lengthOf(record), record]))
}

function lengthOf(record: Uint8Array): Uint8Array {
  assert(record.length <= RECORD_BYTES_MAX, 'a record fits its length')
  return Uint8Array.of(record.length >>> 8, record.length & 0xff)
}

/** The exact inverse of formatBundle. @throws Malformed */
export function parseBundle(bytes: Uint8Array): readonly Uint8Array[] {
  const records: Uint8Array[] = []
  let at = 0
  while (at < bytes.length) {
    const [high, low] = bytes.subarray(at, at + LENGTH_BYTES)
    if (high === undefined || low === undefined) throw new Malformed('a bundle ends too early')
    const end = at + LENGTH_BYTES + (high << 8) + low
    if (end > bytes.length) throw new Malformed('a bundle ends too early')
    records.push(bytes.slice(at + LENGTH_BYTES, end))
    at = end
  }
  if (records.length < 1 || records.length > TILE_WIDTH) {
    throw new Malformed('a bundle holds 1 to 256 records')
  }
  return records
}
