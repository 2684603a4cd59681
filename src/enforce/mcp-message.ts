/**
 * One message of MCP: a JSON-RPC 2.0 object, of either protocol era.
 *
 *     {"jsonrpc":"2.0","id":3,"method":"tools/call","params":{"name":"read_file","arguments":{"path":"a"}}}
 *     {"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":3}}
 *     {"jsonrpc":"2.0","id":3,"result":{"content":[]}}
 *
 * What is sent on is printed anew from what was read here, and of nothing
 * else: two parsers may read one line differently, and a field that nobody
 * judged does not travel. Batches are refused: a call would travel in one.
 */
import { textOf, utf8 } from '../core/bytes.ts'
import type { Json, JsonObject } from '../core/json.ts'
import { MCP_ID_BYTES_MAX, MCP_MESSAGE_BYTES_MAX, MCP_NESTING_MAX } from '../core/limits.ts'
import { isDigits, parseLossless, printLossless } from '../core/lossless.ts'
import { Malformed } from '../core/malformed.ts'

export type Id = string | number

export interface Request {
  readonly kind: 'request'
  readonly id: Id
  readonly method: string
  readonly params: JsonObject | null
}

export interface Notification {
  readonly kind: 'notification'
  readonly method: string
  readonly params: JsonObject | null
}

/** Exactly one of result and error is there. */
export interface Response {
  readonly kind: 'response'
  /** null where the other side could not read what it answers. */
  readonly id: Id | null
  readonly result: JsonObject | null
  readonly error: JsonObject | null
}

export type Message = Request | Notification | Response

/** @throws Malformed */
export function parseMessage(bytes: Uint8Array): Message {
  const json = parseLossless(bytes, MCP_MESSAGE_BYTES_MAX, MCP_NESTING_MAX)
  if (Array.isArray(json)) throw new Malformed('one message at a time: batches are not passed on')
  if (!isObject(json)) throw new Malformed('a message is an object')
  if (json['jsonrpc'] !== '2.0') throw new Malformed('a message has `"jsonrpc":"2.0"`')
  const { id, method, params, result, error } = json
  if (method === undefined) return responseOf(id, result, error)
  if (typeof method !== 'string') throw new Malformed('a method is a text')
  if (result !== undefined || error !== undefined)
    throw new Malformed('a message is a question or an answer')
  if (params !== undefined && !isObject(params)) throw new Malformed('params are an object')
  const asked = { method, params: params ?? null }
  if (id === undefined) return { kind: 'notification', ...asked }
  return { kind: 'request', id: idOf(id), ...asked }
}

function responseOf(
  id: Json | undefined,
  result: Json | undefined,
  error: Json | undefined,
): Response {
  if (id === undefined) throw new Malformed('a message has a method or an id')
  const answered = { kind: 'response', id: id === null ? null : idOf(id) } as const
  if (error === undefined && result !== undefined && isObject(result))
    return { ...answered, result, error: null }
  if (result === undefined && error !== undefined && isObject(error))
    return { ...answered, result: null, error }
  throw new Malformed('an answer has one object: its result, or its error')
}

/** MCP wants a text or a whole number, and never null. */
function idOf(value: Json): Id {
  if (typeof value === 'string' && Buffer.byteLength(value) <= MCP_ID_BYTES_MAX) return value
  if (typeof value === 'number' && Number.isSafeInteger(value)) return value
  throw new Malformed(`an id is a text of at most ${MCP_ID_BYTES_MAX} bytes or a whole number`)
}

export function isObject(value: Json | undefined): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && !isDigits(value)
}

/** On one line, without its end. */
export function formatMessage(message: Message): string {
  return printLossless(jsonOf(message))
}

function jsonOf(message: Message): JsonObject {
  const jsonrpc = '2.0'
  if (message.kind === 'response') {
    const { id, result, error } = message
    return result === null ? { jsonrpc, id, error } : { jsonrpc, id, result }
  }
  const { method, params } = message
  const id = message.kind === 'request' ? { id: message.id } : {}
  return { jsonrpc, ...id, method, ...(params === null ? {} : { params }) }
}

/** JSON-RPC 2.0, section 5.1; and what MCP's own drafts use for a refused call. */
export const CODES = {
  parse: -32700,
  request: -32600,
  method: -32601,
  params: -32602,
  internal: -32603,
  denied: -32001,
} as const

export function errorResponse(
  id: Id | null,
  code: keyof typeof CODES,
  message: string,
  data: JsonObject | null = null,
): Response {
  const error = { code: CODES[code], message, ...(data === null ? {} : { data }) }
  return { kind: 'response', id, result: null, error }
}

/** The id that a message seems to have which could not be read: its sender waits for an answer to that. Nothing else of it is believed. */
export function seemingId(bytes: Uint8Array): Id | null {
  try {
    const { id } = JSON.parse(textOf(bytes)) as { id?: unknown }
    return idOf((id ?? null) as Json)
  } catch {
    return null // It is not even JSON, or has none.
  }
}

/** One line of stdio. */
export function formatLine(message: Message): Uint8Array {
  return utf8(`${formatMessage(message)}\n`)
}
