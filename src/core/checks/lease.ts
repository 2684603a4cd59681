/** Check 8: a quorum of witnesses confirmed this node's governance recently, and its clock can be believed. */
import type { Did } from '../keys.ts'
import type { LeaseStatus } from '../lease.ts'
import type { Denial } from '../reasons.ts'
import { type CheckResult, failed, passed } from './check.ts'
import { type NameOf, span, who } from './wording.ts'

/** The status under the node's own bound, and under a policy's shorter one. A policy can only shorten. */
export interface LeaseUnder {
  readonly lease: LeaseStatus
  /** The policy that asked for it; null for the node's own bound. */
  readonly policy: string | null
}

export function checkLease(
  under: LeaseUnder,
  self: Did,
  digest: string,
  monotonicMs: number,
  nameOf: NameOf,
): CheckResult {
  const denial = leaseDenial(under, monotonicMs)
  if (denial !== null) return failed('lease', denial)
  const { lease, policy } = under
  const names = lease.witnesses.map((each) => (each === self ? 'this node' : who(each, nameOf)))
  const left = `${span(lease.untilMs - monotonicMs)} left${policy === null ? '' : `, by ${policy}`}`
  const signed = `${inWords(names)} signed ${digest.slice(0, 8)} (${voices(lease)})`
  return passed('lease', `${left}; ${signed}; ${clockOf(lease)}`)
}

/** null while the lease is held; asked again before every answer and while anything runs. */
export function leaseDenial({ lease, policy }: LeaseUnder, monotonicMs: number): Denial | null {
  if (!lease.held || monotonicMs >= lease.untilMs) {
    const why = lease.why ?? 'the lease has ended'
    const by = policy === null ? '' : `, under the shorter staleness of ${policy}`
    return { code: 'GOVERNANCE_STALE', detail: `${why}${by}` }
  }
  if (lease.clockTrusted) return null
  return { code: 'CLOCK_UNTRUSTED', detail: clockOf(lease) }
}

function inWords(names: readonly string[]): string {
  const first = names.slice(0, -1).join(', ')
  return first === '' ? names.join('') : `${first} and ${names.at(-1)}`
}

/** `2 of 2`; when more than are needed agree, both numbers are said. */
function voices({ witnesses: { length }, need }: LeaseStatus): string {
  return length > need ? `${length}, ${need} needed` : `${length} of ${need}`
}

function clockOf({ clockOffsetMs }: LeaseStatus): string {
  if (clockOffsetMs === null) return 'no witness to compare the clock with'
  const sign = clockOffsetMs < 0 ? '-' : '+'
  return `clock ${sign}${Math.abs(Math.round(clockOffsetMs))} ms from the median`
}
