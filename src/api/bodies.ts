/**
 * Bodies of the decision side, from bytes to typed values. Two manners that
 * are never mixed: what is asked to be decided is read as AuthZEN wants it,
 * where unknown members are ignored and a fault is REQUEST_MALFORMED; all
 * other bodies are strict, and a fault is USAGE.
 */
import type { Grant } from '../core/grant.ts'
import type { JsonObject } from '../core/json.ts'
import { type Json, parseJson } from '../core/json.ts'
import {
  ARTIFACT_BYTES_MAX,
  ARTIFACT_TTL_MS_MAX,
  EXECUTION_COMMAND_BYTES_MAX,
  LABELS_MAX,
  LINKS_MAX,
  MESSAGE_BYTES_MAX,
  POLICIES_PER_BUNDLE_MAX,
  REQUEST_BYTES_MAX,
  REQUEST_REMEMBERED_BYTES_MAX,
  REQUESTS_REMEMBERED_MAX,
  RESOURCE_BYTES_MAX,
  SUBMIT_BYTES_MAX,
} from '../core/limits.ts'
import { Malformed } from '../core/malformed.ts'
import { Memo } from '../core/memo.ts'
import { MeshError } from '../core/problems.ts'
import { type Request, type RequestHeaders, readRequest } from '../core/request.ts'
import { isMap } from '../core/selector.ts'
import * as shape from '../core/shape.ts'
import type { Ask } from './router.ts'

const { did, flag, integer, list, literal, map, nullable, object } = shape

const line = shape.text(RESOURCE_BYTES_MAX)
const artifact = shape.text(ARTIFACT_BYTES_MAX)
/** meta.gov and meta.by: what they may hold is for the link's own reader to say. */
const meta: shape.Reader<JsonObject> = (value, at) => {
  if (value === undefined || !isMap(value)) throw new Malformed(`${at}: must be an object`)
  return value
}

const grant = object({
  actions: list(line, POLICIES_PER_BUNDLE_MAX),
  resource: nullable(line),
  subject: nullable(line),
  bind: map(line, LABELS_MAX),
  node: nullable(did),
  env: map(line, LABELS_MAX),
  require: list(line, LABELS_MAX),
  depth: nullable(integer(0, LINKS_MAX)),
  once: flag,
  gov: nullable(meta),
  by: nullable(meta),
}) satisfies shape.Reader<Grant>

export const outcomeBody = object({
  kind: literal('ok', 'failed', 'stopped', 'unknown'),
  status: nullable(integer(-1, 2 ** 32 - 1)),
})
export const processBody = object({
  pid: integer(1, 2 ** 32 - 1),
  command: shape.text(EXECUTION_COMMAND_BYTES_MAX),
})
export const artifactBody = object({ artifact })
export const wantedBody = object({
  to: shape.name,
  actions: list(line, POLICIES_PER_BUNDLE_MAX),
  resource: nullable(line),
  ttlMs: integer(1_000, ARTIFACT_TTL_MS_MAX),
  message: nullable(shape.text(MESSAGE_BYTES_MAX)),
})
export const grantBody = object({
  artifact: nullable(artifact),
  ttlMs: nullable(integer(1_000, ARTIFACT_TTL_MS_MAX)),
})
export const recordBody = object({ artifact, event: literal('issued', 'delegated') })
export const callerBody = object({ name: shape.name, caller: shape.text(MESSAGE_BYTES_MAX) })
export const delegateBody = object({
  artifact,
  to: did,
  grant,
  expiresMs: integer(0, Number.MAX_SAFE_INTEGER),
})

/** A strict body. @throws MeshError USAGE */
export function bodyOf<T>(ask: Ask, reader: shape.Reader<T>): T {
  const read = readJson(ask, (json) => reader(json, ''), SUBMIT_BYTES_MAX)
  if (!(read instanceof Malformed)) return read
  throw new MeshError('USAGE', read.message, { hint: 'docs/api.md', cause: read })
}

type RequestReader = (json: Json, headers: RequestHeaders) => Request

/** Questions as they were read, by their bytes: a request is a value, and the same text gives the same one. */
const remembered = new Map<RequestReader, Memo<string, Request>>()

/** What is asked to be decided; a fault is an answer here, since it is denied and recorded. */
export function requestOf(ask: Ask, read: RequestReader = readRequest): Request | Malformed {
  const headers = headersOf(ask)
  // What carries a trace or a cause is not asked twice.
  const alone = headers.cause === null && headers.traceparent === null
  if (!alone || ask.body.length > REQUEST_REMEMBERED_BYTES_MAX)
    return readJson(ask, (json) => read(json, headers))
  const memo = remembered.get(read) ?? new Memo<string, Request>(REQUESTS_REMEMBERED_MAX)
  remembered.set(read, memo)
  const name = `${ask.header('content-type')}\n${latin1(ask.body)}`
  const known = memo.get(name)
  if (known !== undefined) return known
  const request = readJson(ask, (json) => read(json, headers))
  if (!(request instanceof Malformed)) memo.set(name, request)
  return request
}

export function headersOf(ask: Ask): RequestHeaders {
  return { cause: ask.header('meshd-cause'), traceparent: ask.header('traceparent') }
}

/** Reads the body as JSON; untrusted bytes come in here, and what they lack is returned. */
export function readJson<T>(
  ask: Ask,
  read: (json: Json) => T,
  bytesMax = REQUEST_BYTES_MAX,
): T | Malformed {
  if (!/^application\/json[ \t]*(?:;|$)/i.test(ask.header('content-type') ?? '')) {
    return new Malformed('the content type is not application/json')
  }
  try {
    return read(parseJson(ask.body, bytesMax))
  } catch (error) {
    if (error instanceof Malformed) return error
    throw error
  }
}

/** One character for each byte. */
function latin1({ buffer, byteOffset, length }: Uint8Array): string {
  return Buffer.from(buffer, byteOffset, length).toString('latin1')
}
