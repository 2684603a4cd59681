/**
 * What a caller asks: the body of an AuthZEN evaluation, read into the terms
 * that checks and policies use (INTERFACE 6). Unknown members are ignored, as
 * AuthZEN wants; what could pass for a fact or an entity of ours is refused.
 */

import { utf8 } from './bytes.ts'
import { type Entity, parseAction, parseEntity } from './command.ts'
import { isSha256Id, type RecordId, sha256Hex } from './id.ts'
import { objectOf } from './ipld.ts'
import { formatJson, type Json, type JsonObject } from './json.ts'
import { CLAIMS_NESTING_MAX } from './limits.ts'
import { Malformed } from './malformed.ts'
import { isList, isMap } from './selector.ts'

export interface Request {
  /** For whom, as the caller says; null for the caller itself. */
  readonly subject: Entity | null
  readonly action: string
  readonly resource: Entity
  /** `action.properties`: `.args` to predicates, `context.args` to Cedar. */
  readonly args: JsonObject
  /** Claims, `context.request` to Cedar: {context, subject, resource}, where the last two are properties. */
  readonly context: JsonObject
  readonly cause: RecordId | null
  readonly traceparent: string | null
  /** The receipt of its cause, as the caller brought it: proof, and nothing that is judged or recorded. */
  readonly receipt: string | null
  /** sha256 (hex) of the canonical JSON of what is judged: all of the above but the trace and the receipt. */
  readonly digest: string
}

/** What comes beside the body, in headers. */
export interface RequestHeaders {
  readonly cause: string | null
  readonly traceparent: string | null
}

/** Cedar would take a map with one of these keys for an entity or a function call (FACTS 5.1). */
const RESERVED = ['__entity', '__extn', '__expr']

/** @throws Malformed for REQUEST_MALFORMED; the caller's parser has refused unsafe integers already */
export function readRequest(body: Json, headers?: RequestHeaders): Request {
  const members = mapAt(body, 'the request')
  const subject = members['subject'] === undefined ? null : entityAt(members, 'subject')
  const resource = entityAt(members, 'resource')
  const action = mapAt(members['action'], 'the action')
  if (typeof action['name'] !== 'string') throw new Malformed('the action has a name')
  const judged = {
    subject: subject?.entity ?? null,
    action: parseAction(action['name']),
    resource: resource.entity,
    args: claimsAt(action, 'properties', 'the action'),
    context: objectOf([
      ['context', claimsAt(members, 'context', 'the request')],
      ['subject', subject?.properties ?? objectOf([])],
      ['resource', resource.properties],
    ]),
    cause: causeOf(headers?.cause ?? null),
  }
  return {
    ...judged,
    receipt: receiptAt(members),
    traceparent: traceOf(headers?.traceparent ?? null),
    digest: digestOf(judged),
  }
}

/** Like readRequest, for AuthZEN's own endpoints, where the subject must be named. @throws Malformed */
export function readEvaluation(body: Json, headers?: RequestHeaders): Request {
  const request = readRequest(body, headers)
  if (request.subject === null) throw new Malformed('the subject is missing')
  return request
}

function receiptAt({ receipt }: JsonObject): string | null {
  if (receipt === undefined || receipt === null) return null
  if (typeof receipt === 'string') return receipt
  throw new Malformed('a receipt is a text')
}

/** Of what is judged. */
export function digestOf(judged: Omit<Request, 'traceparent' | 'receipt' | 'digest'>): string {
  const entity = (of: Entity | null) => (of === null ? null : { id: of.id, type: of.type })
  const { subject, resource } = judged
  const json = { ...judged, subject: entity(subject), resource: entity(resource) }
  return sha256Hex(utf8(formatJson(json)))
}

interface Described {
  readonly entity: Entity
  readonly properties: JsonObject
}

function entityAt(members: JsonObject, what: string): Described {
  const { type, id, ...others } = mapAt(members[what], `the ${what}`)
  if (typeof type !== 'string' || typeof id !== 'string') {
    throw new Malformed(`the ${what} has a type and an id`)
  }
  const properties = claimsAt(others, 'properties', `the ${what}`)
  return { entity: parseEntity(type, id, what), properties }
}

function claimsAt(members: JsonObject, field: string, what: string): JsonObject {
  const value = members[field]
  if (value === undefined) return objectOf([])
  const claims = mapAt(value, `\`${field}\` of ${what}`)
  if (Object.hasOwn(claims, 'meshd')) throw new Malformed('`meshd` belongs to the node')
  checkClaims(claims, 1)
  return claims
}

function checkClaims(value: Json, depth: number): void {
  if (depth > CLAIMS_NESTING_MAX) throw new Malformed('the request is nested too deeply')
  if (typeof value === 'number' && Number.isInteger(value) && !Number.isSafeInteger(value)) {
    throw new Malformed('the request holds an unsafe integer')
  }
  if (isList(value)) for (const each of value) checkClaims(each, depth + 1)
  if (!isMap(value)) return
  const reserved = RESERVED.find((key) => Object.hasOwn(value, key))
  if (reserved !== undefined) throw new Malformed(`\`${reserved}\` is reserved`)
  for (const each of Object.values(value)) checkClaims(each, depth + 1)
}

function mapAt(value: Json | undefined, what: string): JsonObject {
  if (value === undefined) throw new Malformed(`${what} is missing`)
  if (!isMap(value)) throw new Malformed(`${what} is an object`)
  return value
}

function causeOf(text: string | null): RecordId | null {
  if (text === null || isSha256Id(text)) return text
  throw new Malformed('a cause is the full id of an execution')
}

/** Version `ff` and ids of nothing but zeros are invalid (W3C trace context, 3.2.2). */
const TRACEPARENT = /^(?!ff)[0-9a-f]{2}-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}$/

/** Only kept in the record, so what is no trace context is dropped, as its specification says. */
function traceOf(text: string | null): string | null {
  return text !== null && TRACEPARENT.test(text) ? text : null
}
