/**
 * DAG-CBOR in its one canonical form: what is decoded is encoded again, and
 * the bytes must be the same (FACTS 6).
 *
 * The decoder recurses, and how deep it gets depends on the stack of its
 * caller; so two nodes could disagree. A scan without recursion comes first.
 */
import { decode, encode } from '@ipld/dag-cbor'
import { equalBytes } from './bytes.ts'
import { NESTING_MAX } from './limits.ts'
import { Malformed } from './malformed.ts'

/**
 * Reads one value that fills the bytes: maps come out as objects, links as
 * CIDs of multiformats. @throws Malformed
 */
export function decodeCbor(bytes: Uint8Array, bytesMax: number): unknown {
  if (bytes.length > bytesMax) throw new Malformed(`cbor is larger than ${bytesMax} bytes`)
  checkShape(bytes)
  let value: unknown
  let canonical: Uint8Array
  try {
    // Strict, and without duplicate keys: the package's own options for DAG-CBOR.
    value = decode(bytes)
    canonical = encode(value)
  } catch {
    // The package throws plain errors that quote the input; all of them mean this.
    throw new Malformed('the bytes are not dag-cbor')
  }
  // It accepts unsorted keys, short floats and undefined; none of them survives this.
  if (!equalBytes(canonical, bytes)) throw new Malformed('cbor is not canonical')
  return value
}

/** The canonical bytes of JSON values, Uint8Arrays and CIDs. */
export function encodeCbor(value: unknown): Uint8Array {
  return encode(value)
}

const [NEGATIVE, BYTES, TEXT, LIST, MAP, TAG] = [1, 2, 3, 4, 5, 6]

/**
 * Follows the heads alone, and holds nesting, lengths and whole numbers to
 * their bounds. Each head is one byte, major type × 32 + argument, or its
 * argument follows in 1, 2, 4 or 8 bytes (RFC 8949, 3).
 */
function checkShape(bytes: Uint8Array): void {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
  /** Items still to come in each open list, map or tag. */
  const open: number[] = [1]
  let at = 0
  while (open.length > 0) {
    const left = open.pop() as number
    if (left === 0) continue
    open.push(left - 1)
    const head = bytes[at]
    if (head === undefined) throw new Malformed('cbor ends too early')
    const major = head >> 5
    const size = argumentSize(head & 31)
    if (at + 1 + size > bytes.length) throw new Malformed('cbor ends too early')
    const argument = size === 0 ? head & 31 : readArgument(view, at + 1, size)
    at += 1 + size
    if (major <= NEGATIVE && argument > Number.MAX_SAFE_INTEGER) {
      throw new Malformed('cbor holds an unsafe integer')
    }
    if (major === BYTES || major === TEXT) at += argument
    if (at > bytes.length) throw new Malformed('cbor ends too early')
    if (major === LIST || major === MAP || major === TAG) {
      // The first entry of open is the value itself, not a nesting.
      if (open.length > NESTING_MAX) throw new Malformed('cbor is nested too deeply')
      open.push(major === LIST ? argument : major === MAP ? 2 * argument : 1)
    }
  }
  if (at < bytes.length) throw new Malformed('something follows the value')
}

/** Bytes of the argument that follow the head; 31 would be an indefinite length. */
function argumentSize(info: number): number {
  if (info < 24) return 0
  if (info > 27) throw new Malformed('cbor holds an indefinite length')
  return 1 << (info - 24)
}

function readArgument(view: DataView, at: number, size: number): number {
  if (size === 1) return view.getUint8(at)
  if (size === 2) return view.getUint16(at)
  if (size === 4) return view.getUint32(at)
  return Number(view.getBigUint64(at))
}
