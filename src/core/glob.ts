/**
 * UCAN globs: `*` stands for any text, `\*` for a star. Matched by indexOf; no
 * regular expression is ever built from an artifact (FACTS 6).
 */

/** The literal parts between the stars, in order; one part means no star. */
export type Glob = readonly string[]

export function parseGlob(pattern: string): Glob {
  const parts = ['']
  for (let i = 0; i < pattern.length; i++) {
    const escaped = pattern[i] === '\\' && pattern[i + 1] === '*'
    if (escaped) i++
    if (pattern[i] === '*' && !escaped) parts.push('')
    else parts.push(`${parts.pop()}${pattern[i]}`)
  }
  return parts
}

/** The leftmost match of each part is the best one: what follows it only gains room. */
export function globMatches(glob: Glob, text: string): boolean {
  const first = glob[0] ?? ''
  if (glob.length === 1) return text === first
  if (!text.startsWith(first)) return false
  let at = first.length
  for (const part of glob.slice(1, -1)) {
    const found = text.indexOf(part, at)
    if (found < 0) return false
    at = found + part.length
  }
  const last = glob.at(-1) ?? ''
  return text.length - last.length >= at && text.endsWith(last)
}

/** True if every text that the inner glob matches is matched by the outer: an inner star must fall into an outer one. */
export function globCovers(outer: Glob, inner: Glob): boolean {
  // NUL stands for the inner star: no part of the outer can match it, and no id holds it.
  return globMatches(outer, inner.join('\0'))
}
