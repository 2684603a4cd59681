/**
 * JSON of others that is passed on: read as strictly as our own (json.ts), but
 * for numbers that a double cannot hold, which keep the digits they came with.
 *
 *     {"id":1,"result":{"row":1267650600228229401496703205376,"change":-0}}
 *
 * Whoever decides refuses such a number (REQUEST_MALFORMED); whoever only
 * passes it on must not change it.
 */
import { type Json, type JsonObject, parseJson } from './json.ts'

/** What stands for such a number is an object without fields, and known here. */
const written = new WeakMap<object, string>()

/** @throws Malformed for all that parseJson refuses but such numbers */
export function parseLossless(bytes: Uint8Array, bytesMax: number, nestingMax: number): Json {
  return parseJson(bytes, bytesMax, nestingMax, (digits) => {
    const kept: JsonObject = Object.freeze(Object.create(null))
    written.set(kept, digits)
    return kept
  })
}

/** Whether a value is one of those numbers, and no object. */
export function isDigits(value: Json): boolean {
  return typeof value === 'object' && value !== null && written.has(value)
}

/** On one line, keys in the order in which they came. @param sorted in the order of their names instead, so that equal values have one text */
export function printLossless(value: Json, sorted = false): string {
  if (typeof value !== 'object' || value === null) return JSON.stringify(value)
  const digits = written.get(value)
  if (digits !== undefined) return digits
  if (Array.isArray(value)) {
    return `[${value.map((each: Json) => printLossless(each, sorted)).join(',')}]`
  }
  const object = value as JsonObject
  const keys = sorted ? Object.keys(object).sort() : Object.keys(object)
  const fields = keys.map(
    (key) => `${JSON.stringify(key)}:${printLossless(object[key] as Json, sorted)}`,
  )
  return `{${fields.join(',')}}`
}
