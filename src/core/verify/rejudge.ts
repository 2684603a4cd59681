/** One decision again: what its judgement rested on, out of its record, and whether the new one says the same. */
import type { CheckResult } from '../checks/check.ts'
import { isCommitment, openValue } from '../commitment.ts'
import { type Files, receiptName, tokenName } from '../evidence-bundle.ts'
import { artifactShown, causeOf, isBroken } from '../exhibit.ts'
import { factsOf } from '../facts.ts'
import type { Governance } from '../governance.ts'
import type { RecordId } from '../id.ts'
import type { JsonObject } from '../json.ts'
import type { JudgeInput, Judgement } from '../judgement.ts'
import type { LeaseStatus } from '../lease.ts'
import { RECORD_POLICIES_MAX } from '../limits.ts'
import type { Parent } from '../lineage.ts'
import type { PolicyEngine, PolicyRef } from '../policy.ts'
import type { Presented } from '../presented.ts'
import type { LogRecord } from '../record.ts'
import { digestOf, type Request } from '../request.ts'
import { isMap } from '../selector.ts'
import type { Authority } from './authority.ts'

/** Why a decision cannot be judged again. */
export const UNJUDGEABLE = {
  governance: 'the governance of their moment does not follow from the statements here',
  request: 'the request was malformed, and is not in the record',
  values: 'a value is not there: it was too large',
  redacted: 'a value is redacted, and they cannot be judged without it',
  artifact: 'the artifact did not verify, and was not kept',
  tokens: 'the tokens are not here',
  cause: 'the receipt of the cause is not here',
} as const
export type Unjudgeable = keyof typeof UNJUDGEABLE

type Decision = LogRecord<'decision'>

export interface Surroundings {
  readonly files: Files
  /** The names of all of them. */
  readonly present: ReadonlySet<string>
  readonly governance: Governance
  readonly authority: Authority
  readonly engine: PolicyEngine
}

/** @param nowMs when it was judged @throws Malformed when a token is not one */
export function inputOf(
  record: Decision,
  nowMs: number,
  { files, present, governance, authority, engine }: Surroundings,
): JudgeInput | Unjudgeable {
  if (record.request === null) return 'request'
  const request = requestOf(record.request)
  const [measured, caller] = [openValue(record.facts), openValue(record.caller)]
  if (request === 'redacted' || measured === null || caller === null) return 'redacted'
  const facts = measured.value === undefined ? null : factsOf(measured.value)
  if (request === null || facts === null) return 'values'
  const presented = presentedOf(record, files, present)
  if (typeof presented === 'string') return presented
  const invocation = presented.kind === 'artifact' ? presented.invocation : null
  const cause = causeOf(record, invocation)
  const parent = cause === null ? null : parentOf(cause, record, files, present)
  if (typeof parent === 'string') return parent
  const lease = leaseOf(record)
  return {
    ...{ request, presented, parent, governance, facts, lease },
    caller: { ...caller, asserts: caller.asserts ?? [] },
    leaseWithin: () => lease,
    seen: () => codeOf(record, 'time') === 'REPLAYED',
    nowMs,
    monotonicMs: 0,
    policy: engine,
    nameOf: (did) => (did === caller.principal ? caller.name : authority.nameOf(did)),
  }
}

/** null while both say the same: every check, its code, the policies, the answer. */
export function differenceOf(
  record: Decision,
  input: JudgeInput,
  judged: Judgement,
): string | null {
  const { request } = input
  const digest = record.request?.digest
  if ('digest' in request && !isCommitment(digest) && request.digest !== digest)
    return 'the request is not the one whose digest is recorded'
  const checks = record.checks.filter(({ name }) => name !== 'audit')
  const other = judged.checks.find((each, i) => rowText(each) !== rowText(checks[i]))
  if (other !== undefined)
    return `check ${other.n}: recorded ${rowText(checks[other.n - 1])}, now ${rowText(other)}`
  const [was, now] = [policiesText(record.policies), policiesText(judged.policies)]
  if (was !== now) return `decided by ${was}, now by ${now}`
  // A deny may come after the judgement; an allow never does.
  if (record.effect === 'allow' && judged.denial !== null)
    return `recorded ALLOW, now ${judged.denial.code}`
  if (judged.denial === null || judged.denial.code === record.code) return null
  return `recorded ${record.code ?? 'ALLOW'}, now ${judged.denial.code}`
}

function rowText(row: Pick<CheckResult, 'ok' | 'code'> | undefined): string {
  if (row === undefined) return 'nothing'
  return row.code ?? (row.ok === null ? 'unknown' : 'passed')
}

function policiesText(refs: readonly PolicyRef[]): string {
  const texts = refs.map(({ bundle, version, policy }) => `${bundle}@${version} ${policy}`)
  return texts.slice(0, RECORD_POLICIES_MAX).sort().join(', ') || 'none'
}

/** null when a value of it is withheld. */
function requestOf(recorded: NonNullable<Decision['request']>): Request | null | 'redacted' {
  const { subject, action, resource, args, claims, cause, traceparent } = recorded
  if (isCommitment(subject) || isCommitment(resource)) return 'redacted'
  if (isCommitment(args) || isCommitment(claims)) return 'redacted'
  if (!isMap(args.value ?? null) || !isMap(claims.value ?? null)) return null
  const judged = {
    ...{ subject, action, resource, cause },
    args: args.value as JsonObject,
    context: claims.value as JsonObject,
  }
  return { ...judged, traceparent, receipt: null, digest: digestOf(judged) }
}

function presentedOf(
  record: Decision,
  files: Files,
  present: Surroundings['present'],
): Presented | Unjudgeable {
  if (record.invocation === null) {
    const [first] = record.checks
    if (first?.code !== 'AUTHORIZATION_MISSING') return 'artifact'
    return { kind: 'missing', detail: first.detail }
  }
  if (record.links.length === 0) return 'artifact'
  const shown = artifactShown(record, (cid) =>
    present.has(tokenName(cid)) ? files.read(tokenName(cid)) : null,
  )
  return shown === null ? 'tokens' : { kind: 'artifact', ...shown, source: 'explicit' }
}

/** Its own receipt where it had another one than the rest; none where it was denied for what it had not. */
function parentOf(
  cause: RecordId,
  record: Decision,
  files: Files,
  present: Surroundings['present'],
): Parent | Unjudgeable {
  const [own, shared] = [receiptName(cause, record.index), receiptName(cause)]
  if (present.has(own)) return { kind: 'receipt', receipt: files.read(own) }
  if (isBroken(record)) return { kind: 'none', detail: 'it is not here' }
  return present.has(shared) ? { kind: 'receipt', receipt: files.read(shared) } : 'cause'
}

/** As it was counted, under the shorter bound if there was one. What was left of it is in whole milliseconds. */
function leaseOf(record: Decision): LeaseStatus {
  const { held, witnesses, need, of, clockOffsetMs, clockTrusted, why } = record.lease
  const ended = codeOf(record, 'lease') === 'GOVERNANCE_STALE'
  const untilMs = held && !ended ? (record.lease.remainingMs ?? 0) + 1 : 0
  return { held, witnesses, need, of, clockOffsetMs, clockTrusted, why, untilMs }
}

function codeOf({ checks }: Decision, name: CheckResult['name']): CheckResult['code'] {
  return checks.find((each) => each.name === name)?.code ?? null
}
