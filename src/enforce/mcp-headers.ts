/**
 * What a client of 2026-07-28 says twice, in its body and in a header
 * (SEP-2243). A server, or a gateway before it, may act on the header: so it
 * is passed on only where it says what was judged.
 *
 *     Mcp-Method: tools/call      Mcp-Name: read_file      Mcp-Param-Path: =?base64?YQ==?=
 */
import type { IncomingMessage } from 'node:http'
import { fromBase64, textOf } from '../core/bytes.ts'
import type { Json } from '../core/json.ts'
import { Malformed } from '../core/malformed.ts'
import type { Message } from './mcp-message.ts'
import type { Headers } from './mcp-upstream.ts'

const PARAM = 'mcp-param-'
/** Where a method has its name. */
const NAMES: Readonly<Record<string, string>> = {
  'tools/call': 'name',
  'prompts/get': 'name',
  'resources/read': 'uri',
  'tasks/get': 'taskId',
  'tasks/update': 'taskId',
  'tasks/cancel': 'taskId',
}

/** @throws Malformed for one that says something else than the body */
export function mirrored({ headers }: Pick<IncomingMessage, 'headers'>, message: Message): Headers {
  const checked: Record<string, string> = {}
  for (const [name, value] of Object.entries(headers)) {
    if (typeof value !== 'string' || !isMirror(name)) continue
    if (!said(name, decoded(value), message))
      throw new Malformed(`the header ${name} says something else than the message`)
    checked[name] = value
  }
  return checked
}

function isMirror(name: string): boolean {
  return name === 'mcp-method' || name === 'mcp-name' || name.startsWith(PARAM)
}

function said(name: string, value: string, message: Message): boolean {
  if (message.kind === 'response') return false
  const { method, params } = message
  if (name === 'mcp-method') return value === method
  if (name === 'mcp-name') return params?.[NAMES[method] ?? ''] === value
  // Which argument it mirrors is the tool's to say: it says at least nothing that nobody judged.
  return holds(params?.['arguments'] ?? null, value)
}

function holds(json: Json, value: string): boolean {
  if (typeof json !== 'object' || json === null) return json !== null && same(json, value)
  return Object.values(json).some((each: Json) => holds(each, value))
}

function same(json: string | number | boolean, value: string): boolean {
  if (typeof json !== 'number') return String(json) === value
  return /^-?\d+(?:\.\d+)?$/.test(value) && Number(value) === json
}

/** @throws Malformed */
function decoded(value: string): string {
  const [, base64] = /^=\?base64\?(.*)\?=$/.exec(value) ?? []
  return base64 === undefined ? value : textOf(fromBase64(base64))
}
