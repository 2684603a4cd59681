/** One row of the table of checks (design 4), as it is shown, recorded and counted. */
import type { Denial, ReasonCode } from '../reasons.ts'

export const CHECK_NAMES = [
  'request',
  'signatures',
  'time',
  'runtime',
  'environment',
  'lineage',
  'governance',
  'lease',
  'scope',
  'policy',
  'revocation',
  'audit',
] as const

export type CheckName = (typeof CHECK_NAMES)[number]

export interface CheckResult {
  /** 1 to 12. */
  readonly n: number
  readonly name: CheckName
  /** null: it rests on a check that failed, and the detail says what it lacks. */
  readonly ok: boolean | null
  /** Exactly when ok is false. */
  readonly code: ReasonCode | null
  readonly detail: string
}

export function passed(name: CheckName, detail: string): CheckResult {
  return { n: numberOf(name), name, ok: true, code: null, detail }
}

export function failed(name: CheckName, { code, detail }: Denial): CheckResult {
  return { n: numberOf(name), name, ok: false, code, detail }
}

/** Neither: what it needs was not established. @param lacks `needs a verified artifact` */
export function unknown(name: CheckName, lacks: string): CheckResult {
  return { n: numberOf(name), name, ok: null, code: null, detail: lacks }
}

function numberOf(name: CheckName): number {
  return CHECK_NAMES.indexOf(name) + 1
}
