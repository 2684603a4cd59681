/**
 * A case: the records of one principal, of one execution and all that descend
 * from it, or of some time; with them what ended those executions, and every
 * statement that the log tells of, since without them no decision is judged
 * again. Records come in the order of the log.
 */
import type { RecordId } from './id.ts'
import type { JsonObject } from './json.ts'
import type { Did } from './keys.ts'
import type { LogRecord } from './record.ts'
import { formatTime } from './shape.ts'

/** null does not ask. */
export interface Case {
  readonly principal: Did | null
  readonly execution: RecordId | null
  readonly sinceMs: number | null
  readonly untilMs: number | null
}

/** As the manifest says it; null for everything. */
export function caseJson({ principal, execution, sinceMs, untilMs }: Case): JsonObject | null {
  const timeOf = (ms: number | null) => (ms === null ? null : formatTime(ms))
  const asked = { execution, principal, since: timeOf(sinceMs), until: timeOf(untilMs) }
  const fields = Object.entries(asked).filter(([, value]) => value !== null)
  return fields.length === 0 ? null : Object.fromEntries(fields)
}

/** Whether a record belongs to it; each is asked about once, the first one first. */
export function belongingTo(wanted: Case): (id: RecordId, record: LogRecord) => boolean {
  const decisions = new Set<RecordId>()
  return (id, record) => {
    switch (record.type) {
      case 'statement':
      case 'epoch':
        return true
      case 'outcome':
        return decisions.has(record.execution)
      case 'decision': {
        const belongs = follows(record, decisions) || matches(id, record, wanted)
        if (belongs) decisions.add(id)
        return belongs
      }
      case 'artifact':
        return (
          within(record, wanted) &&
          wanted.execution === null &&
          (wanted.principal === null || [record.issuer, record.audience].includes(wanted.principal))
        )
      case 'system':
        return false
    }
  }
}

/** A deny that replaces an allow of the case. */
function follows({ supersedes }: LogRecord<'decision'>, decisions: ReadonlySet<RecordId>): boolean {
  return supersedes !== null && decisions.has(supersedes)
}

function matches(id: RecordId, record: LogRecord<'decision'>, wanted: Case): boolean {
  const { principal, execution } = wanted
  if (!within(record, wanted)) return false
  if (principal !== null && !record.principals.includes(principal)) return false
  return execution === null || id === execution || record.ancestors?.includes(execution) === true
}

function within({ time }: { readonly time: number }, { sinceMs, untilMs }: Case): boolean {
  return (sinceMs === null || time >= sinceMs) && (untilMs === null || time <= untilMs)
}
