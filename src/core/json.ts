/**
 * JSON with one meaning: strict reading, and the canonical printing of RFC 8785.
 *
 * Refused, because two parsers would read it differently, or a reader would
 * not see what is hashed: duplicate keys, numbers that a double cannot hold
 * (2^53 + 1, 1e999, -0), lone surrogates, byte order marks, deep nesting,
 * anything after the value (FACTS 8). Objects have no prototype.
 */
import { assert } from './assert.ts'
import { textOf, utf8 } from './bytes.ts'
import { BytesWriter } from './bytes-writer.ts'
import { NESTING_MAX } from './limits.ts'
import { Malformed } from './malformed.ts'

export type Json = null | boolean | number | string | readonly Json[] | JsonObject
export type JsonObject = { readonly [key: string]: Json }

/**
 * Reads one value that fills the bytes.
 * @param inexact what stands for a number that a double cannot hold; without it there is none (lossless.ts)
 * @throws Malformed
 */
export function parseJson(
  bytes: Uint8Array,
  bytesMax: number,
  nestingMax = NESTING_MAX,
  inexact: ((digits: string) => Json) | null = null,
): Json {
  if (bytes.length > bytesMax) throw new Malformed(`json is larger than ${bytesMax} bytes`)
  return readWhole(scanOf(bytes, nestingMax, inexact))
}

/** Like parseJson, and the bytes must be what formatJson prints. @throws Malformed */
export function parseCanonical(bytes: Uint8Array, bytesMax: number): Json {
  if (bytes.length > bytesMax) throw new Malformed(`json is larger than ${bytesMax} bytes`)
  const scan = scanOf(bytes, NESTING_MAX)
  const value = readWhole(scan)
  if (!scan.canonical) throw new Malformed('json is not canonical')
  return value
}

/** The one text of a value (RFC 8785): keys in UTF-16 order, numbers as ECMAScript prints them. */
export function formatJson(value: Json): string {
  let text = ''
  print(value, NESTING_MAX, (part) => {
    text += typeof part === 'string' ? part : part.text
  })
  return text
}

/** The same in UTF-8. What was printed once is copied, so a record that shares most of its parts with others costs little. */
export function jsonBytes(value: Json): Uint8Array {
  const writer = new BytesWriter()
  print(value, NESTING_MAX, (part) => {
    if (typeof part === 'string') writer.text(part)
    else writer.bytes(part.bytes)
  })
  return writer.take()
}

interface Printed {
  readonly text: string
  readonly bytes: Uint8Array
  /** How deep it is; 1 for a list without lists or objects in it. */
  readonly nesting: number
}

const printed = new WeakMap<object, Printed>()

/** Keeps the print of a value that is a part of many others. INVARIANT: nothing of it is edited any more. */
export function printOnce<T extends readonly Json[] | JsonObject>(value: T): T {
  if (printed.has(value)) return value
  const text = formatJson(value)
  printed.set(value, { text, bytes: utf8(text), nesting: nestingOf(value) })
  return value
}

function nestingOf(value: Json): number {
  if (typeof value !== 'object' || value === null) return 0
  const parts: readonly Json[] = isList(value) ? value : Object.values(value)
  return 1 + parts.reduce<number>((most, each) => Math.max(most, nestingOf(each)), 0)
}

type Out = (part: string | Printed) => void

function print(value: Json, nestingLeft: number, out: Out): void {
  const known = typeof value === 'object' && value !== null ? printed.get(value) : undefined
  if (known !== undefined && known.nesting <= nestingLeft) out(known)
  else if (typeof value === 'string') out(printText(value))
  else if (typeof value === 'number') out(printNumber(value))
  else if (typeof value !== 'object' || value === null) out(String(value))
  // The language's own printer says the same of what is in order already, three times as fast.
  else if (inOrder(value, nestingLeft)) out(JSON.stringify(value))
  else printParts(value, nestingLeft - 1, out)
}

function printParts(value: readonly Json[] | JsonObject, nestingLeft: number, out: Out): void {
  assert(nestingLeft >= 0, 'what is printed can be read again: it is not nested too deeply')
  let before = ''
  if (isList(value)) {
    out('[')
    for (const each of value) {
      out(before)
      print(each, nestingLeft, out)
      before = ','
    }
    out(']')
  } else {
    out('{')
    for (const key of Object.keys(value).sort()) {
      out(`${before}${printText(key)}:`)
      print(value[key] as Json, nestingLeft, out)
      before = ','
    }
    out('}')
  }
}

/** Whether all of it is what print would write, with every object's keys in order; and none of it was printed yet. */
function inOrder(value: Json, nestingLeft: number): boolean {
  if (typeof value === 'string') return value.isWellFormed()
  if (typeof value === 'number') return exact(value)
  if (typeof value !== 'object' || value === null) return value !== undefined
  if (nestingLeft <= 0 || printed.has(value)) return false
  if (isList(value)) return value.every((each) => inOrder(each, nestingLeft - 1))
  let last: string | null = null
  for (const key of Object.keys(value)) {
    if ((last !== null && last > key) || !key.isWellFormed()) return false
    if (!inOrder(value[key] as Json, nestingLeft - 1)) return false
    last = key
  }
  return true
}

function printText(text: string): string {
  // JSON.stringify would print half of a pair as an escape, which RFC 8785 forbids.
  assert(text.isWellFormed(), 'what is printed is text')
  return JSON.stringify(text)
}

function printNumber(value: number): string {
  assert(exact(value), 'a number that is printed can be read again')
  return String(value)
}

/** False for what JSON cannot hold, and for whole numbers that a double may have rounded. */
function exact(value: number): boolean {
  return Number.isSafeInteger(value) || (Number.isFinite(value) && !Number.isInteger(value))
}

function isList(value: readonly Json[] | JsonObject): value is readonly Json[] {
  return Array.isArray(value)
}

interface Scan {
  readonly text: string
  readonly inexact: ((digits: string) => Json) | null
  at: number
  nestingLeft: number
  /** Whether all that was read so far is what formatJson prints. */
  canonical: boolean
}

function scanOf(bytes: Uint8Array, nestingMax: number, inexact: Scan['inexact'] = null): Scan {
  return { text: textOf(bytes), inexact, at: 0, nestingLeft: nestingMax, canonical: true }
}

function readWhole(scan: Scan): Json {
  const value = readValue(scan)
  skipSpace(scan)
  if (scan.at < scan.text.length) throw malformed(scan, 'something follows the value')
  return value
}

const NUMBER = /-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?/y
const [SPACE, QUOTE, COMMA, COLON, BACKSLASH] = [0x20, 0x22, 0x2c, 0x3a, 0x5c]
const [LIST, LIST_END, OBJECT, OBJECT_END] = [0x5b, 0x5d, 0x7b, 0x7d]

function readValue(scan: Scan): Json {
  skipSpace(scan)
  switch (scan.text.charCodeAt(scan.at)) {
    case OBJECT:
      return readObject(scan)
    case LIST:
      return readList(scan)
    case QUOTE:
      return readText(scan)
    case 0x74:
      return readWord(scan, 'true', true)
    case 0x66:
      return readWord(scan, 'false', false)
    case 0x6e:
      return readWord(scan, 'null', null)
    default:
      return readNumber(scan)
  }
}

function readObject(scan: Scan): JsonObject {
  const object: Record<string, Json> = Object.create(null)
  enter(scan)
  if (took(scan, OBJECT_END)) return leave(scan, object)
  let last = ''
  do {
    skipSpace(scan)
    if (scan.text.charCodeAt(scan.at) !== QUOTE) throw malformed(scan, 'a key is missing')
    const key = readText(scan)
    if (key in object) throw malformed(scan, 'a key is there twice')
    if (key < last) scan.canonical = false
    last = key
    if (!took(scan, COLON)) throw malformed(scan, 'a colon is missing')
    object[key] = readValue(scan)
  } while (took(scan, COMMA))
  if (!took(scan, OBJECT_END)) throw malformed(scan, 'an object does not end')
  return leave(scan, object)
}

function readList(scan: Scan): readonly Json[] {
  const list: Json[] = []
  enter(scan)
  if (took(scan, LIST_END)) return leave(scan, list)
  do list.push(readValue(scan))
  while (took(scan, COMMA))
  if (!took(scan, LIST_END)) throw malformed(scan, 'a list does not end')
  return leave(scan, list)
}

function enter(scan: Scan): void {
  scan.at += 1
  scan.nestingLeft -= 1
  if (scan.nestingLeft < 0) throw malformed(scan, 'json is nested too deeply')
}

function leave<T>(scan: Scan, value: T): T {
  scan.nestingLeft += 1
  return value
}

function readText(scan: Scan): string {
  const { text } = scan
  const start = scan.at
  let at = start + 1
  let escaped = false
  for (let code = text.charCodeAt(at); code !== QUOTE; code = text.charCodeAt(at)) {
    // NaN at the end of the text, where no comparison holds but this one.
    if (!(code >= SPACE)) throw malformed(scan, 'a text does not end, or holds a control character')
    if (code === BACKSLASH) escaped = true
    at += code === BACKSLASH ? 2 : 1
  }
  scan.at = at + 1
  return escaped ? readEscapes(scan, start) : text.slice(start + 1, at)
}

/** The language's own parser knows the escapes; nothing but a text is between the two quotes. */
function readEscapes(scan: Scan, start: number): string {
  let value: string
  try {
    value = JSON.parse(scan.text.slice(start, scan.at))
  } catch {
    // Its message quotes the input, at any length.
    throw malformed(scan, 'a text holds an unknown escape')
  }
  if (!value.isWellFormed()) throw malformed(scan, 'a text holds half of a surrogate pair')
  if (!scan.text.startsWith(JSON.stringify(value), start)) scan.canonical = false
  return value
}

function readNumber(scan: Scan): Json {
  NUMBER.lastIndex = scan.at
  const digits = NUMBER.exec(scan.text)?.[0]
  if (digits === undefined) throw malformed(scan, 'a value is missing')
  scan.at += digits.length
  const value = Number(digits)
  const held = exact(value) && !Object.is(value, -0)
  if (!held && scan.inexact !== null) return scan.inexact(digits)
  if (!exact(value)) throw malformed(scan, 'a number is not exact')
  if (Object.is(value, -0)) throw malformed(scan, 'a number is minus zero')
  if (String(value) !== digits) scan.canonical = false
  return value
}

function readWord<T>(scan: Scan, word: string, value: T): T {
  if (!scan.text.startsWith(word, scan.at)) throw malformed(scan, 'a value is missing')
  scan.at += word.length
  return value
}

function took(scan: Scan, code: number): boolean {
  skipSpace(scan)
  if (scan.text.charCodeAt(scan.at) !== code) return false
  scan.at += 1
  return true
}

function skipSpace(scan: Scan): void {
  for (;;) {
    const code = scan.text.charCodeAt(scan.at)
    if (code !== SPACE && code !== 0x0a && code !== 0x0d && code !== 0x09) return
    scan.canonical = false
    scan.at += 1
  }
}

function malformed(scan: Scan, what: string): Malformed {
  return new Malformed(`${what}, at character ${scan.at}`)
}
