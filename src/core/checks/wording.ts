/** How details call keys and spans of time. */
import type { Did } from '../keys.ts'

/** A label for a key, or null. */
export type NameOf = (did: Did) => string | null

/** What a check shows when it rests on a failed one. */
export const NEEDS_REQUEST = 'needs a well-formed request'
export const NEEDS_ARTIFACT = 'needs a verified artifact'

const UNITS: readonly (readonly [string, number])[] = [
  ['d', 86_400],
  ['h', 3_600],
  ['min', 60],
  ['s', 1],
]

/** `planner`, or `did:key:z6MkqT…t9Lw`. */
export function who(did: Did, nameOf: NameOf): string {
  return nameOf(did) ?? `${did.slice(0, 14)}…${did.slice(-4)}`
}

/** The two largest units: `3 min 55 s`, `2 d`, `0.4 s`. */
export function span(ms: number): string {
  if (ms < 10_000) return `${Math.max(0, Math.floor(ms / 100) / 10)} s`
  let left = Math.floor(ms / 1000)
  const parts: string[] = []
  for (const [unit, seconds] of UNITS) {
    const whole = Math.floor(left / seconds)
    left -= whole * seconds
    if (whole > 0) parts.push(`${whole} ${unit}`)
    else if (parts.length > 0) break
  }
  return parts.slice(0, 2).join(' ')
}
