/** What people type: durations and times. */
import { parseDuration } from '../core/duration.ts'
import { MeshError } from '../core/problems.ts'

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
