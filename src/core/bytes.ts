/**
 * Bytes and their texts: hex, base64, UTF-8. Each text has one spelling: what
 * a decoder accepts, its encoder prints again.
 */
import { Malformed } from './malformed.ts'

/** Lower case. */
export function toHex(bytes: Uint8Array): string {
  return viewOf(bytes).toString('hex')
}

/** @throws Malformed for upper case, an odd length, anything else */
export function fromHex(text: string): Uint8Array {
  return decode(text, 'hex')
}

/** RFC 4648 section 4, padded. */
export function toBase64(bytes: Uint8Array): string {
  return viewOf(bytes).toString('base64')
}

/** @throws Malformed unless padded, without spaces, and with zeroes in the unused bits */
export function fromBase64(text: string): Uint8Array {
  return text.length <= SHORT ? decodeShort(text) : decode(text, 'base64')
}

/** Characters of base64 that are read here, faster than a Buffer is made: hashes and signatures, by the dozen in a proof. */
const SHORT = 128
/** What six bits each character stands for; -1 for none. */
const SIX_BITS = new Int8Array(128).fill(-1)
for (const [value, letter] of [
  ...'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/',
].entries())
  SIX_BITS[letter.charCodeAt(0)] = value

function decodeShort(text: string): Uint8Array {
  const padding = text.endsWith('==') ? 2 : text.endsWith('=') ? 1 : 0
  const [end, size] = [text.length - padding, (text.length / 4) * 3 - padding]
  if (text.length % 4 !== 0 || size < 0) throw new Malformed(NOT_CANONICAL)
  const bytes = new Uint8Array(size)
  let [bits, count, at, wrong] = [0, 0, 0, 0]
  for (let i = 0; i < end; i += 1) {
    const value = SIX_BITS[text.charCodeAt(i)] ?? -1
    wrong |= value
    bits = ((bits << 6) | value) & 0xffff
    count += 6
    if (count < 8) continue
    count -= 8
    bytes[at] = bits >> count
    at += 1
  }
  // The bits that no byte takes are zero, or two texts would give the same bytes.
  if (wrong < 0 || (bits & ((1 << count) - 1)) !== 0) throw new Malformed(NOT_CANONICAL)
  return bytes
}
const NOT_CANONICAL = 'a text is not canonical base64'

/** RFC 4648 section 5, without padding. */
export function toBase64Url(bytes: Uint8Array): string {
  return viewOf(bytes).toString('base64url')
}

/** @throws Malformed for padding, and for non-zero unused bits */
export function fromBase64Url(text: string): Uint8Array {
  return decode(text, 'base64url')
}

export function concat(...parts: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0))
  let at = 0
  for (const part of parts) {
    whole.set(part, at)
    at += part.length
  }
  return whole
}

/** Takes a time that depends on the bytes: nothing here compares secrets. */
export function equalBytes(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && compareBytes(a, b) === 0
}

/** Lexicographic; negative when a comes first. */
export function compareBytes(a: Uint8Array, b: Uint8Array): number {
  return Buffer.compare(a, b)
}

const encoder = new TextEncoder()
const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/** @throws Malformed for a lone surrogate, which the encoder would replace in silence */
export function utf8(text: string): Uint8Array {
  if (!text.isWellFormed()) throw new Malformed('a text holds half of a surrogate pair')
  return encoder.encode(text)
}

/** @throws Malformed unless the bytes are UTF-8 without a byte order mark */
export function textOf(bytes: Uint8Array): string {
  let text: string
  try {
    text = decoder.decode(bytes)
  } catch {
    // The decoder's own error is a TypeError of the language; what it means is this.
    throw new Malformed('the bytes are not UTF-8')
  }
  if (text.startsWith('\ufeff')) throw new Malformed('a byte order mark has no place here')
  return text
}

function viewOf(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length)
}

/** Buffer skips or stops at what it does not know, so its answer is printed and compared. */
function decode(text: string, encoding: 'hex' | 'base64' | 'base64url'): Uint8Array {
  const bytes = Buffer.from(text, encoding)
  if (bytes.toString(encoding) !== text) throw new Malformed(`a text is not canonical ${encoding}`)
  // A copy: a Buffer may share its memory with others, and slices differently.
  return new Uint8Array(bytes)
}
