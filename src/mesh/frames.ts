/**
 * The shape of a frame of sync and of log: one line of RFC 8785 JSON, then
 * blobs, each after its length in four bytes, most significant first. One frame
 * has one spelling.
 *
 *     {"ask":"fetch","ids":["sha256:0a77…"]}⏎
 *     {"missing":[],"say":"statements"}⏎ 00 00 02 9f {"payload":"…
 */
import { assert } from '../core/assert.ts'
import { concat, utf8 } from '../core/bytes.ts'
import { formatJson, type JsonObject, parseCanonical } from '../core/json.ts'
import { FRAME_HEADER_BYTES_MAX } from '../core/limits.ts'
import { Malformed } from '../core/malformed.ts'

export interface Frame {
  readonly header: JsonObject
  readonly blobs: readonly Uint8Array[]
}

const NEWLINE = 0x0a

export function formatFrame(header: JsonObject, blobs: readonly Uint8Array[]): Uint8Array {
  const line = utf8(`${formatJson(header)}\n`)
  assert(line.length <= FRAME_HEADER_BYTES_MAX, 'what is sent can be read')
  return concat(line, ...blobs.flatMap((blob) => [fourBytes(blob.length), blob]))
}

/** @param bytesMax of the whole frame @throws Malformed */
export function parseFrame(bytes: Uint8Array, bytesMax: number): Frame {
  if (bytes.length > bytesMax) throw new Malformed(`a frame has ${bytes.length} bytes`)
  const end = bytes.indexOf(NEWLINE)
  if (end < 0) throw new Malformed('a frame has no header line')
  const header = parseCanonical(bytes.subarray(0, end), FRAME_HEADER_BYTES_MAX - 1)
  if (typeof header !== 'object' || header === null || Array.isArray(header))
    throw new Malformed('the header of a frame is no object')
  return { header: header as JsonObject, blobs: readBlobs(bytes.subarray(end + 1)) }
}

/** Of a frame that brings no blobs. @throws Malformed */
export function alone<T>(value: T, blobs: readonly Uint8Array[]): T {
  if (blobs.length > 0) throw new Malformed('a frame brings blobs that it does not name')
  return value
}

/** @throws Malformed */
export function atMost<T>(max: number, items: readonly T[]): readonly T[] {
  if (items.length > max) throw new Malformed(`a frame brings more than ${max} blobs`)
  return items
}

function readBlobs(bytes: Uint8Array): Uint8Array[] {
  const blobs: Uint8Array[] = []
  for (let at = 0; at < bytes.length; ) {
    const start = at + 4
    if (start > bytes.length) throw new Malformed('a blob has no length')
    at = start + numberOf(bytes.subarray(at, start))
    if (at > bytes.length) throw new Malformed('a blob is cut off')
    blobs.push(bytes.subarray(start, at))
  }
  return blobs
}

/** Most significant first. */
export function fourBytes(value: number): Uint8Array {
  return Uint8Array.of(value >>> 24, value >>> 16, value >>> 8, value)
}

export function numberOf(four: Uint8Array): number {
  return four.reduce((value, byte) => value * 256 + byte, 0)
}
