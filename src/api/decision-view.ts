/**
 * A decision as it is shown: twelve rows, what would change it, until when it
 * may be acted on. A caller that neither the kernel nor a socket of its own
 * identified sees the code alone (INTERFACE 5.2, disclosure).
 */
import type { CheckView, DecisionView } from '../client/types.ts'
import { auditRow } from '../core/checks/audit.ts'
import { passed, unknown } from '../core/checks/check.ts'
import { formatRef } from '../core/checks/policy.ts'
import { formatEntity } from '../core/command.ts'
import type { Judgement } from '../core/judgement.ts'
import type { Did } from '../core/keys.ts'
import { REASONS } from '../core/reasons.ts'
import { formatTime } from '../core/shape.ts'
import type { Decided } from '../daemon/decider.ts'

/** What a view says of the node beside the decision. */
export interface Teller {
  readonly name: string
  origin(): string | null
  nameOf(did: Did): string | null
}

export function decisionView(decided: Decided, teller: Teller): DecisionView {
  const { denial, record, caller, durationMs } = decided
  const answer = {
    decision: denial === null,
    id: record?.id ?? null,
    code: denial?.code ?? null,
    ...leaseOf(decided),
    durationMs,
  }
  if (!caller.identified) {
    const detail = denial === null ? null : REASONS[denial.code].says
    return { ...NOTHING, ...answer, detail }
  }
  return { ...answer, detail: denial?.detail ?? null, ...reasonsOf(decided, teller) }
}

const NOTHING = {
  record: null,
  artifact: null,
  principal: null,
  principalName: null,
  policies: [],
  checks: [],
  mend: [],
  observed: null,
} as const

/** The end of an allow, as a wall time for people and as a span for programs. */
function leaseOf({ leaseUntilMs, wallMs, monotonicMs }: Decided) {
  if (leaseUntilMs === null) return { leaseUntil: null, leaseRemainingMs: null }
  const leaseRemainingMs = Math.max(0, Math.floor(leaseUntilMs - monotonicMs))
  return { leaseUntil: formatTime(Math.floor(wallMs) + leaseRemainingMs), leaseRemainingMs }
}

function reasonsOf(decided: Decided, teller: Teller): Omit<DecisionView, keyof typeof ANSWER> {
  const { judgement, record, caller } = decided
  const log = { log: teller.origin() ?? teller.name }
  const principal = judgement?.principal ?? null
  const kept = principal !== null && principal === caller.principal ? caller.name : null
  return {
    record: record === null ? null : { ...log, index: record.index },
    artifact: judgement?.artifact ?? null,
    principal,
    principalName: principal === null ? null : (kept ?? teller.nameOf(principal)),
    policies: judgement?.policies ?? [],
    checks: judgement === null ? [] : checksOf(judgement, decided, teller),
    mend: judgement === null ? [] : mendOf(judgement, decided, teller),
    observed: observedOf(judgement),
  }
}

/** What everybody sees; the rest is for callers that are known. */
const ANSWER = {
  decision: false,
  id: null,
  code: null,
  detail: null,
  leaseUntil: null,
  leaseRemainingMs: null,
  durationMs: 0,
}

function checksOf(judgement: Judgement, decided: Decided, teller: Teller): readonly CheckView[] {
  return [...judgement.checks, auditOf(judgement, decided, teller)]
}

function auditOf(judgement: Judgement, decided: Decided, { name }: Teller): CheckView {
  const { denial, record, hypothetical } = decided
  if (hypothetical) return unknown('audit', 'hypothetical: not recorded, not usable')
  const row = auditRow(judgement.denial, denial)
  if (record === null) {
    if (row.ok === false) return row
    return unknown('audit', 'this denial is not recorded; the next record counts it')
  }
  return row.ok === true ? passed('audit', `record ${record.index} of ${name} · durable`) : row
}

function observedOf(judgement: Judgement | null): DecisionView['observed'] {
  const observed = judgement?.observed ?? null
  if (observed === null) return null
  const { decision, determining } = observed
  return { decision: decision === 'allow', policies: determining.map(formatRef) }
}

/** One line for each check that failed, and for what came after them: `scope    a delegation of …`. */
function mendOf(judgement: Judgement, { denial, caller }: Decided, teller: Teller): string[] {
  const failed = judgement.checks.filter(({ ok }) => ok === false)
  const lines = failed.map(({ name, code }) => {
    const mend = code === null ? null : mendFor(code, judgement, caller.name, teller)
    return `${name.padEnd(12)} ${mend ?? ''}`.trimEnd()
  })
  if (denial === null || failed.some(({ code }) => code === denial.code)) return lines
  return [...lines, `${'audit'.padEnd(12)} ${REASONS[denial.code].mend}`]
}

function mendFor(
  code: keyof typeof REASONS,
  judgement: Judgement,
  name: string | null,
  teller: Teller,
): string {
  const { action, resource } = judgement.coverage
  if (action === null || resource === null) return REASONS[code].mend
  const asked = `${action} on ${formatEntity(resource)}`
  const to = judgement.principal === null ? name : (teller.nameOf(judgement.principal) ?? name)
  switch (code) {
    case 'AUTHORIZATION_MISSING':
      return `meshd artifact issue --to ${to ?? '<principal>'} --action ${action} --resource ${formatEntity(resource)} --hold`
    case 'SCOPE_EXCEEDED':
      return `a delegation of ${asked} to ${to ?? 'this caller'}`
    case 'POLICY_NO_PERMIT':
      return judgement.hint ?? `a permit for ${asked} in an enforcing bundle`
    default:
      return judgement.hint !== null && code === 'POLICY_FORBID'
        ? judgement.hint
        : REASONS[code].mend
  }
}
