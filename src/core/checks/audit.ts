/**
 * Check 12, as the record itself can tell it: that the record exists shows
 * that it was durable before the answer. What went wrong after the judgement
 * stands here too, because it came between the record and the answer.
 */
import type { Denial } from '../reasons.ts'
import { type CheckResult, failed, passed, unknown } from './check.ts'

/** @param judged what the first eleven said, @param denial what is answered */
export function auditRow(judged: Denial | null, denial: Denial | null): CheckResult {
  if (denial === null) return passed('audit', 'this record was durable before the answer')
  if (judged !== null) return passed('audit', 'this record; nothing was allowed')
  if (denial.code === 'AUDIT_UNAVAILABLE') return failed('audit', denial)
  return unknown('audit', `denied after the judgement: ${denial.code}`)
}
