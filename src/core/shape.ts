/**
 * Readers: from a Json to a typed value, strictly. A field that is unknown,
 * missing or of the wrong type is named with its path:
 *
 *   root.roles.policy.threshold: must be a whole number from 1 to 32
 */
import { assert } from './assert.ts'
import { fromBase64 } from './bytes.ts'
import { type Cid, isCid, isSha256Id, type Sha256Id } from './id.ts'
import type { Json, JsonObject } from './json.ts'
import { type Did, parseDid } from './keys.ts'
import { NAME_BYTES_MAX, NONCE_BYTES, TIME_S_MAX } from './limits.ts'
import { Malformed } from './malformed.ts'

/** Reads what stands at a path; undefined is an absent field. @throws Malformed */
export type Reader<T> = (value: Json | undefined, at: string) => T

/** What a reader reads. */
export type Read<R> = R extends Reader<infer T> ? T : never

type Fields = Readonly<Record<string, Reader<unknown>>>
type OptionalKeys<F> = { [K in keyof F]: undefined extends Read<F[K]> ? K : never }[keyof F]
type Flat<T> = { readonly [K in keyof T]: T[K] }
/** What object() reads: fields of optional readers may be absent, and are never undefined. */
export type ObjectOf<F> = Flat<
  { [K in Exclude<keyof F, OptionalKeys<F>>]: Read<F[K]> } & {
    [K in OptionalKeys<F>]?: Exclude<Read<F[K]>, undefined>
  }
>

/** @param bytesMax of UTF-8 */
export function text(bytesMax: number): Reader<string> {
  return (value, at) => {
    if (typeof value !== 'string') throw wrong(at, 'a text')
    if (Buffer.byteLength(value) > bytesMax) throw wrong(at, `at most ${bytesMax} bytes`)
    return value
  }
}

/** A label for people: ASCII, so that no two names look alike. */
export const name: Reader<string> = (value, at) => {
  const good =
    typeof value === 'string' &&
    value.length <= NAME_BYTES_MAX &&
    /^[a-z0-9][a-z0-9._-]*$/i.test(value)
  if (!good) throw wrong(at, `a name: up to ${NAME_BYTES_MAX} letters, digits, \`.\`, \`_\`, \`-\``)
  return value
}

/** Both ends included. */
export function integer(min: number, max: number): Reader<number> {
  return (value, at) => {
    const good = typeof value === 'number' && Number.isSafeInteger(value)
    if (!good || value < min || value > max) {
      throw wrong(at, `a whole number from ${min} to ${max}`)
    }
    return value
  }
}

export const flag: Reader<boolean> = (value, at) => {
  if (typeof value !== 'boolean') throw wrong(at, 'true or false')
  return value
}

/** RFC 3339 in UTC with milliseconds, `2026-11-24T14:03:10.000Z`, to Unix ms. */
export const time: Reader<number> = (value, at) => {
  if (value === lastTime.text) return lastTime.ms
  const ms = typeof value === 'string' ? Date.parse(value) : Number.NaN
  // Date.parse takes much more than this; what formatTime prints is all that is meant.
  if (!isTime(ms) || formatTime(ms) !== value) {
    throw wrong(at, 'a time like `2026-11-24T14:03:10.000Z`')
  }
  return ms
}

/** @param ms from 1970 to the end of the year 9999 */
export function formatTime(ms: number): string {
  assert(isTime(ms), 'a time that is printed has four digits of year')
  if (ms !== lastTime.ms) lastTime = { ms, text: new Date(ms).toISOString() }
  return lastTime.text
}

/** One moment is printed, and read, several times in a row. */
let lastTime = { ms: 0, text: '1970-01-01T00:00:00.000Z' }

function isTime(ms: number): boolean {
  return ms >= 0 && ms < (TIME_S_MAX + 1) * 1000
}

export const id: Reader<Sha256Id> = (value, at) => {
  if (typeof value !== 'string' || !isSha256Id(value))
    throw wrong(at, '`sha256:` and 64 hex digits')
  return value
}

/** 64 hex digits, of SHA-256. */
export const hash: Reader<string> = (value, at) => {
  if (typeof value !== 'string' || !/^[0-9a-f]{64}$/.test(value)) throw wrong(at, '64 hex digits')
  return value
}

export const cid: Reader<Cid> = (value, at) => {
  if (typeof value !== 'string' || !isCid(value)) throw wrong(at, 'a cid: `bafyrei` and 52 more')
  return value
}

/** An admitted key. */
export const did: Reader<Did> = (value, at) => {
  if (typeof value !== 'string') throw wrong(at, 'a did:key')
  return nested(at, () => parseDid(value))
}

/** Padded, to bytes. */
export const base64: Reader<Uint8Array> = (value, at) => {
  if (typeof value !== 'string') throw wrong(at, 'base64')
  return nested(at, () => fromBase64(value))
}

/** NONCE_BYTES of chance, in base64 text. */
export const nonce: Reader<string> = (value, at) => {
  const read = text(2 * NONCE_BYTES)(value, at)
  if (fromBase64(read).length !== NONCE_BYTES)
    throw new Malformed(`${at}: must be ${NONCE_BYTES} bytes of base64`)
  return read
}

/** Whatever is there. */
export const any: Reader<Json> = (value, at) => {
  if (value === undefined) throw missing(at)
  return value
}

export function literal<const V extends readonly (string | number | boolean)[]>(
  ...values: V
): Reader<V[number]> {
  return (value, at) => {
    const found = values.find((each) => each === value)
    if (found === undefined) throw wrong(at, values.map((each) => `\`${each}\``).join(' or '))
    return found
  }
}

/** @param max elements */
export function list<T>(reader: Reader<T>, max: number): Reader<readonly T[]> {
  return (value, at) => {
    if (!Array.isArray(value)) throw wrong(at, 'a list')
    if (value.length > max) throw wrong(at, `a list of at most ${max}`)
    return value.map((each: Json, i) => reader(each, `${at}[${i}]`))
  }
}

/** An object whose keys come from outside, in UTF-16 order. @param max entries */
export function map<T>(reader: Reader<T>, max: number): Reader<ReadonlyMap<string, T>> {
  return (value, at) => {
    if (!isObject(value)) throw wrong(at, 'an object')
    const keys = Object.keys(value).sort()
    if (keys.length > max) throw wrong(at, `an object of at most ${max} fields`)
    return new Map(keys.map((key) => [key, reader(value[key], path(at, shown(key)))]))
  }
}

/** Absent gives undefined, and object() leaves the field out. */
export function optional<T>(reader: Reader<T>): Reader<T | undefined> {
  return (value, at) => (value === undefined ? undefined : reader(value, at))
}

/** The field is there and may be null. */
export function nullable<T>(reader: Reader<T>): Reader<T | null> {
  return (value, at) => (value === null ? null : reader(value, at))
}

/** Exactly these fields. */
export function object<F extends Fields>(fields: F): Reader<ObjectOf<F>> {
  const readers = Object.entries(fields)
  return (value, at) => {
    if (!isObject(value)) throw wrong(at, 'an object')
    for (const key of Object.keys(value)) {
      if (!Object.hasOwn(fields, key)) throw new Malformed(`${path(at, shown(key))}: unknown field`)
    }
    const read: Record<string, unknown> = {}
    for (const [key, reader] of readers) {
      const field = reader(value[key], path(at, key))
      if (field !== undefined) read[key] = field
    }
    return read as ObjectOf<F>
  }
}

function isObject(value: Json | undefined): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function path(at: string, field: string): string {
  return at === '' ? field : `${at}.${field}`
}

/** A key from outside in a message of one line. */
function shown(key: string): string {
  return `\`${key.slice(0, NAME_BYTES_MAX).replaceAll(/[^ -~]/g, '?')}\``
}

function missing(at: string): Malformed {
  return new Malformed(`${at}: missing`)
}

function wrong(at: string, needed: string): Malformed {
  return new Malformed(`${at}: must be ${needed}`)
}

function nested<T>(at: string, read: () => T): T {
  try {
    return read()
  } catch (error) {
    // The same failure, with its place.
    if (error instanceof Malformed) throw new Malformed(`${at}: ${error.message}`)
    throw error
  }
}
