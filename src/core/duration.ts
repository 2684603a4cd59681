/** Durations as people write them, on command lines and in the configuration: `90s`, `15m`, `2h`, `400d`. */
const UNITS_MS: Readonly<Record<string, number>> = {
  ms: 1,
  s: 1000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
}

/** Milliseconds; null for what is no duration. */
export function parseDuration(text: string): number | null {
  const [, count, unit = ''] = /^(\d{1,9})(ms|s|m|h|d)$/.exec(text) ?? []
  return count === undefined ? null : Number(count) * (UNITS_MS[unit] ?? Number.NaN)
}
