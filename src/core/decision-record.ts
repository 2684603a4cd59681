/**
 * The leaf of one decision: everything that is ever shown about it.
 *
 * It always fits (RECORD_BYTES_MAX), whatever was asked: texts are cut, values
 * larger than RECORD_VALUE_BYTES_MAX stand as their digest alone, and so do
 * lists beyond their bound. The same input gives the same bytes. Fields below
 * the top are written in the order in which they are printed, which is faster;
 * what many records share is printed once (printOnce).
 */
import { utf8 } from './bytes.ts'
import { auditRow } from './checks/audit.ts'
import type { CheckResult } from './checks/check.ts'
import { policiesInForce } from './checks/policy.ts'
import { meshdOf } from './facts.ts'
import { type RecordId, sha256Hex } from './id.ts'
import { formatJson, type Json, type JsonObject, printOnce } from './json.ts'
import type { JudgeInput, Judgement } from './judgement.ts'
import {
  BUNDLES_MAX,
  RECORD_ARRIVING_MAX,
  RECORD_ASSERTS_MAX,
  RECORD_DETAIL_BYTES_MAX,
  RECORD_POLICIES_MAX,
  RECORD_VALUE_BYTES_MAX,
  ROW_REMEMBERED_CHARACTERS_MAX,
  ROWS_REMEMBERED_MAX,
} from './limits.ts'
import { Malformed } from './malformed.ts'
import { Memo } from './memo.ts'
import { policyDigest as digestOfPolicies, type PolicyRef } from './policy.ts'
import type { Caller, Governed } from './presented.ts'
import type { Denial } from './reasons.ts'
import { type Body, type Committed, formatDraft } from './record.ts'
import type { Request } from './request.ts'
import { stripControls } from './text.ts'

export interface Recorded {
  readonly input: Omit<JudgeInput, 'seen'>
  readonly judgement: Judgement
  /** What is answered: the judgement's, or what came after it. */
  readonly denial: Denial | null
  readonly supersedes: RecordId | null
  readonly unrecorded: number
  /** Which adapter asked; null for the API itself. */
  readonly gateway: string | null
  /** From the arrival of the request to this record; null when not measured. */
  readonly durationUs: number | null
}

/** The draft for the log, which leaves `judged` out where it writes at that very moment. */
export function decisionDraft(recorded: Recorded): JsonObject {
  return formatDraft<'decision'>(decisionBody(recorded))
}

function decisionBody(recorded: Recorded): Body<'decision'> {
  const { input, judgement, denial } = recorded
  const { governance, facts } = input
  const { supersedes, unrecorded, durationUs } = recorded
  const { bundles, policyDigest } = policiesOf(governance)
  return {
    type: 'decision',
    effect: denial === null ? 'allow' : 'deny',
    code: denial?.code ?? null,
    detail: denial === null ? null : cut(denial.detail),
    hint: judgement.hint === null ? null : cut(judgement.hint),
    checks: [...judgement.checks, auditRow(judgement.denial, denial)].map(row),
    request: requestOf(input),
    artifact: judgement.artifact,
    invocation: judgement.invocation,
    links: printOnce(judgement.coverage.links),
    principal: judgement.principal,
    principals: printOnce(judgement.coverage.principals),
    ...lineageOf(judgement),
    policies: refs(judgement.policies),
    bundles,
    policyDigest,
    observed: observedOf(judgement),
    governance: governanceOf(governance),
    lease: leaseOf(recorded),
    caller: callerOf(input),
    facts: commitFacts(meshdOf(facts)),
    gateway: recorded.gateway === null ? null : cut(recorded.gateway),
    supersedes,
    unrecorded,
    durationUs,
    judged: Math.floor(input.nowMs),
  }
}

/** Printed in this order, which is faster. */
function lineageOf({ coverage }: Judgement): Pick<Body<'decision'>, 'ancestors' | 'inherited'> {
  const { ancestors, issuers, links, nodes, origins, principals } = coverage.inherited
  if (ancestors.length === 0) return {}
  return { ancestors, inherited: { issuers, links, nodes, origins, principals } }
}

/** What was made of a governance, which many records share; it is immutable. */
const governed = new WeakMap<
  Governed['bundles'],
  Pick<Body<'decision'>, 'bundles' | 'policyDigest'>
>()

function policiesOf(governance: Governed): Pick<Body<'decision'>, 'bundles' | 'policyDigest'> {
  const known = governed.get(governance.bundles)
  if (known !== undefined) return known
  const inForce = policiesInForce(governance).slice(0, BUNDLES_MAX)
  const made = {
    bundles: printOnce(inForce.map(({ bundle, version, id }) => ({ bundle, id, version }))),
    policyDigest: digestOfPolicies(inForce.map(({ id }) => id)),
  }
  governed.set(governance.bundles, made)
  return made
}

const governances = new WeakMap<Governed, Body<'decision'>['governance']>()

function governanceOf(governance: Governed): Body<'decision'>['governance'] {
  const known = governances.get(governance)
  if (known !== undefined) return known
  const { digest, mesh, root } = governance
  const arriving = governance.arriving.slice(0, RECORD_ARRIVING_MAX)
  const ahead = arriving.length === 0 ? {} : { arriving }
  const made = printOnce({ ...ahead, digest, mesh, root: root?.version ?? null })
  governances.set(governance, made)
  return made
}

/** By what they say: two checks that say the same take turns. */
const rows = new Memo<string, CheckResult>(ROWS_REMEMBERED_MAX)

function row({ n, name, ok, code, detail }: CheckResult): CheckResult {
  if (detail.length > ROW_REMEMBERED_CHARACTERS_MAX)
    return { code, detail: cut(detail), n, name, ok }
  const known = rows.get(detail)
  if (known?.n === n && known.ok === ok && known.code === code) return known
  const made = printOnce({ code, detail: cut(detail), n, name, ok })
  rows.set(detail, made)
  return made
}

/** What was made of a question that is asked again and again; a request is a value. */
const recordedRequests = new WeakMap<Request, NonNullable<Body<'decision'>['request']>>()

function requestOf({ request }: Recorded['input']): Body<'decision'>['request'] {
  if (request instanceof Malformed) return null
  const known = recordedRequests.get(request)
  if (known !== undefined) return known
  const made = printOnce(recordedRequest(request))
  recordedRequests.set(request, made)
  return made
}

function recordedRequest(request: Request): NonNullable<Body<'decision'>['request']> {
  const { subject, resource } = request
  return {
    action: request.action,
    args: commit(request.args),
    cause: request.cause,
    claims: commit(request.context),
    digest: request.digest,
    resource: { id: resource.id, type: resource.type },
    subject: subject === null ? null : { id: subject.id, type: subject.type },
    traceparent: request.traceparent,
  }
}

function observedOf({ observed }: Judgement): Body<'decision'>['observed'] {
  if (observed === null) return null
  const { decision, code, determining } = observed
  return { code, decision, policies: refs(determining) }
}

function leaseOf({ input, judgement }: Recorded): Body<'decision'>['lease'] {
  const { lease, stalenessMs } = judgement
  const { held, witnesses, need, of, clockOffsetMs, clockTrusted, why } = lease
  const leftMs = Math.max(0, Math.floor(lease.untilMs - input.monotonicMs))
  return {
    clockOffsetMs: clockOffsetMs === null ? null : Math.round(clockOffsetMs),
    clockTrusted,
    held,
    need,
    of,
    remainingMs: held ? leftMs : null,
    stalenessMs,
    why: why === null ? null : cut(why),
    witnesses,
  }
}

/** Where it speaks for somebody else the answer rests on whom it may speak for, too. */
function callerOf({ request, caller }: Recorded['input']): Body<'decision'>['caller'] {
  const { asserts } = caller
  const recorded = recordedCaller(caller)
  if (request instanceof Malformed || request.subject === null || asserts.length === 0)
    return recorded
  const fits = asserts.length <= RECORD_ASSERTS_MAX && asserts.every((each) => cut(each) === each)
  return fits ? { asserts, ...recorded } : recorded
}

const callers = new WeakMap<Caller, Body<'decision'>['caller']>()

/** Who asked, as every leaf that names a caller says it. */
export function recordedCaller(caller: Caller): Body<'decision'>['caller'] {
  const known = callers.get(caller)
  if (known !== undefined) return known
  const { principal, name, uid, gid, pid, socket, identified } = caller
  const made = printOnce({ gid, identified, name, pid, principal, socket: cut(socket), uid })
  callers.set(caller, made)
  return made
}

/** What was made of the node's facts, which many records share. */
const committedFacts = new WeakMap<JsonObject, Committed>()

function commitFacts(meshd: JsonObject): Committed {
  const known = committedFacts.get(meshd)
  if (known !== undefined) return known
  const committed = printOnce(commit(meshd))
  committedFacts.set(meshd, committed)
  return committed
}

/** Its digest always, itself if it is small. */
function commit(value: Json): Committed {
  const text = formatJson(value)
  const digest = sha256Hex(utf8(text))
  if (Buffer.byteLength(text) > RECORD_VALUE_BYTES_MAX) return { digest }
  // Read back, its keys are in order: it is printed again with the record, and faster.
  return { digest, value: JSON.parse(text) as Json }
}

/** Of an answer that is given again and again. */
const recordedRefs = new WeakMap<readonly PolicyRef[], readonly PolicyRef[]>()

function refs(policies: readonly PolicyRef[]): readonly PolicyRef[] {
  const known = recordedRefs.get(policies)
  if (known !== undefined) return known
  const first = policies.slice(0, RECORD_POLICIES_MAX)
  const made = printOnce(
    first.map(({ bundle, version, policy }) => ({ bundle, policy: cut(policy), version })),
  )
  recordedRefs.set(policies, made)
  return made
}

/** Printable, at most RECORD_DETAIL_BYTES_MAX bytes of UTF-8. */
function cut(text: string): string {
  const clean = stripControls(text)
  if (Buffer.byteLength(clean) <= RECORD_DETAIL_BYTES_MAX) return clean
  const bytes = Buffer.from(clean).subarray(0, RECORD_DETAIL_BYTES_MAX - MORE.length)
  // A character that was cut in two becomes U+FFFD, of three bytes; there is room for it.
  return `${bytes.toString().replace(/\ufffd$/, '')}${MORE}`
}

const MORE = ' (cut)'
