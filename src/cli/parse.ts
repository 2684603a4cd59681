/** What people type: durations and times. */
import { MeshError } from '../core/problems.ts'

const UNITS_MS: Readonly<Record<string, number>> = {
  ms: 1,
  s: 1000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
}

/** `90s`, `15m`, `2h`, `400d` as milliseconds; null for anything else. */
export function parseDuration(text: string): number | null {
  const [, count, unit] = /^(\d{1,9})(ms|s|m|h|d)$/.exec(text) ?? []
  return count === undefined ? null : Number(count) * (UNITS_MS[unit ?? ''] ?? Number.NaN)
}

/** @throws MeshError USAGE naming the flag. */
export function durationOf(text: string, flag: string): number {
  const ms = parseDuration(text)
  if (ms === null)
    throw new MeshError('USAGE', `${flag}: \`${text}\` is no duration`, {
      hint: 'such as 90s, 15m, 2h, 400d',
    })
  return ms
}

/** RFC 3339, or a duration before now. */
export function timeOf(text: string, flag: string, nowMs: number): number {
  const ago = parseDuration(text)
  if (ago !== null) return nowMs - ago
  const at = /^\d{4}-\d\d-\d\d/.test(text) ? Date.parse(text) : Number.NaN
  if (Number.isNaN(at))
    throw new MeshError('USAGE', `${flag}: \`${text}\` is no time`, {
      hint: 'RFC 3339, or 2h for two hours ago',
    })
  return at
}
