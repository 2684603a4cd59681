/**
 * The leaf of a node's log: one canonical JSON object (RFC 8785), at most
 * RECORD_BYTES_MAX bytes. The log writes the head of each, its writer the rest:
 *
 *   {"epoch":1,"index":7,"node":"did:key:…","time":"2026-11-24T14:03:10.000Z","type":"outcome",…}
 *
 * Fields are never renamed or given another meaning; an older reader refuses a
 * record with a field that it does not know. Everything that is ever shown about
 * a decision is in its leaf, or committed to there (disclosure.ts).
 */
import { utf8 } from './bytes.ts'
import { CHECK_NAMES } from './checks/check.ts'
import { commitment, committable } from './commitment.ts'
import { formatJson, type Json, type JsonObject, parseCanonical } from './json.ts'
import {
  BUNDLES_MAX,
  LINEAGE_DEPTH_MAX,
  LINEAGE_LINKS_MAX,
  LINEAGE_PRINCIPALS_MAX,
  LINKS_MAX,
  LOG_RECORDS_MAX,
  RECORD_ARRIVING_MAX,
  RECORD_ASSERTS_MAX,
  RECORD_BYTES_MAX,
  RECORD_IDS_MAX,
  RECORD_POLICIES_MAX,
  RECORD_TEXT_BYTES_MAX,
  WITNESSES_MAX,
} from './limits.ts'
import { Malformed } from './malformed.ts'
import { isReasonCode, type ReasonCode } from './reasons.ts'
import * as shape from './shape.ts'

const { any, cid, did, flag, id, integer, list, literal, nullable, object } = shape

const count = integer(0, Number.MAX_SAFE_INTEGER)
const line = shape.text(RECORD_TEXT_BYTES_MAX)

const reason: shape.Reader<ReasonCode> = (value, at) => {
  if (typeof value !== 'string' || !isReasonCode(value)) {
    throw new Malformed(`${at}: must be a reason code`)
  }
  return value
}

/** A value as its digest, sha256 over its canonical JSON, and, if it is small, itself. The digest hides nothing: commitment.ts does. */
const committed = object({ digest: shape.hash, value: shape.optional(any) })
export type Committed = shape.Read<typeof committed>

const entity = object({ type: line, id: line })
const policyRef = object({ bundle: shape.name, version: count, policy: line })
const policies = list(policyRef, RECORD_POLICIES_MAX)

const check = object({
  n: integer(1, CHECK_NAMES.length),
  name: literal(...CHECK_NAMES),
  ok: nullable(flag),
  code: nullable(reason),
  detail: line,
})

const request = object({
  digest: committable(shape.hash),
  subject: committable(nullable(entity)),
  action: line,
  resource: committable(entity),
  args: committable(committed),
  claims: committable(committed),
  cause: nullable(id),
  traceparent: nullable(line),
})

/** What its ancestors rest on (ancestry.ts): revoking any of it ends this one too. */
const inherited = object({
  nodes: list(did, LINEAGE_DEPTH_MAX),
  origins: list(did, LINEAGE_DEPTH_MAX),
  issuers: list(did, LINEAGE_LINKS_MAX),
  links: list(cid, LINEAGE_LINKS_MAX),
  principals: list(did, LINEAGE_PRINCIPALS_MAX),
})

const lease = object({
  held: flag,
  witnesses: list(did, WITNESSES_MAX),
  need: count,
  of: count,
  remainingMs: nullable(count),
  /** The bound of a policy's @staleness; null for the node's own. */
  stalenessMs: nullable(count),
  clockOffsetMs: nullable(integer(-Number.MAX_SAFE_INTEGER, Number.MAX_SAFE_INTEGER)),
  clockTrusted: flag,
  why: nullable(line),
})

const caller = object({
  /** Whom else it may speak for; only where it speaks for somebody. */
  asserts: shape.optional(list(line, RECORD_ASSERTS_MAX)),
  principal: nullable(did),
  name: nullable(line),
  uid: nullable(count),
  gid: nullable(count),
  pid: nullable(count),
  socket: line,
  identified: flag,
})

const head = {
  index: integer(0, LOG_RECORDS_MAX),
  time: shape.time,
  node: did,
  epoch: count,
}

const bodies = {
  decision: {
    type: literal('decision'),
    effect: literal('allow', 'deny'),
    code: nullable(reason),
    detail: nullable(line),
    hint: nullable(line),
    /** All twelve; 12 says whether this very record was in time. */
    checks: list(check, CHECK_NAMES.length),
    /** null when it was malformed. */
    request: nullable(request),
    artifact: nullable(cid),
    invocation: nullable(cid),
    /** Root first, and only what was verified. */
    links: list(cid, LINKS_MAX),
    principal: nullable(did),
    principals: list(did, LINKS_MAX + 4),
    /** The proven executions that it descends from, its cause first; both are absent where there is none. */
    ancestors: shape.optional(list(id, LINEAGE_DEPTH_MAX)),
    inherited: shape.optional(inherited),
    /** Those that determined the answer. */
    policies,
    /** All in force, and one digest over their ids. */
    bundles: list(object({ bundle: shape.name, version: count, id }), BUNDLES_MAX),
    policyDigest: shape.hash,
    observed: nullable(
      object({ decision: literal('allow', 'deny'), code: nullable(reason), policies }),
    ),
    /** `arriving`, absent where there was none: what stopped already and is not in the digest yet. */
    governance: object({
      arriving: shape.optional(list(id, RECORD_ARRIVING_MAX)),
      ...{ mesh: nullable(id), root: nullable(count), digest: shape.hash },
    }),
    lease,
    caller: committable(caller),
    facts: committable(committed),
    /** Details, texts and hint, where those are committed to: then they are empty. */
    texts: shape.optional(commitment),
    gateway: nullable(line),
    /** The allow that this deny replaces. */
    supersedes: nullable(id),
    /** Denials answered since the last durable record, which no record names. */
    unrecorded: count,
    durationUs: nullable(count),
    /** When it was judged, by the wall clock; absent where that is the record's own time. */
    judged: shape.optional(shape.time),
  },
  outcome: {
    type: literal('outcome'),
    execution: id,
    outcome: literal('ok', 'failed', 'stopped', 'unknown'),
    status: nullable(integer(-1, 2 ** 32 - 1)),
    stop: nullable(object({ code: reason, detail: line })),
  },
  /** A statement that this node learned, or whose state changed here. */
  statement: {
    type: literal('statement'),
    statement: id,
    kind: literal('root', 'member', 'policy', 'revocation', 'freeze', 'epoch', 'evidence'),
    state: literal('effective', 'pending', 'disarmed', 'conflict'),
    /** The peer it came from; null for this node's own callers. */
    from: nullable(did),
    /** Others whose state changed with it. */
    changed: list(id, RECORD_IDS_MAX),
    /** Of governance, with it. */
    digest: shape.hash,
    summary: line,
  },
  artifact: {
    type: literal('artifact'),
    event: literal('issued', 'delegated', 'held', 'dropped'),
    artifact: cid,
    links: list(cid, LINKS_MAX),
    issuer: did,
    audience: did,
    summary: line,
    expires: shape.time,
    caller: committable(caller),
  },
  system: { type: literal('system'), event: shape.name, detail: line },
  /** The first record of a log that follows a retired one. */
  epoch: {
    type: literal('epoch'),
    statement: nullable(id),
    previousSize: count,
    previousRootHash: nullable(shape.hash),
    overruled: flag,
  },
} as const

/** Who asked, in full. */
export type RecordedCaller = shape.Read<typeof caller>
export type RecordType = keyof typeof bodies
export type Body<T extends RecordType> = shape.ObjectOf<(typeof bodies)[T]>
/** A leaf: what its type says, under the head that the log gave it. Times are Unix ms. */
export type LogRecord<T extends RecordType = RecordType> = T extends RecordType
  ? shape.ObjectOf<typeof head> & Body<T>
  : never

export const RECORD_TYPES = Object.keys(bodies) as RecordType[]
const typed = new Map(
  RECORD_TYPES.map((type) => [
    type,
    object({ ...head, ...bodies[type] }) as shape.Reader<LogRecord>,
  ]),
)

/** Reads one leaf. @throws Malformed for anything that formatRecord does not print */
export function parseRecord(bytes: Uint8Array): LogRecord {
  return readRecord(parseCanonical(bytes, RECORD_BYTES_MAX) as JsonObject)
}

/** @throws Malformed */
export function readRecord(json: JsonObject): LogRecord {
  const type = literal(...RECORD_TYPES)(json?.['type'], 'type')
  const reader = typed.get(type)
  if (reader === undefined) throw new Malformed('type: unknown')
  return reader(json, '')
}

export function formatRecord(record: LogRecord): Uint8Array {
  return utf8(formatJson(jsonOf(record)))
}

/** A leaf without its head, for the log to complete. */
export function formatDraft<T extends RecordType>(body: Body<T>): JsonObject {
  return jsonOf(body)
}

const TIMES: readonly string[] = ['time', 'expires', 'judged']

/** INVARIANT: a time is at the top of a leaf, under one of these names. */
function jsonOf(fields: object): JsonObject {
  if (!TIMES.some((key) => key in fields)) return fields as JsonObject
  const json: Record<string, Json> = {}
  for (const [key, value] of Object.entries(fields)) {
    json[key] = TIMES.includes(key) ? shape.formatTime(Number(value)) : (value as Json)
  }
  return json
}
