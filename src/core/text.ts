/**
 * Text from elsewhere, made safe to print: C0 and C1 controls, DEL, line and
 * paragraph separators, and bidirectional overrides are replaced by U+FFFD, so
 * that no name, reason or label can move a cursor or forge a line.
 */
const UNSAFE = /[\p{Cc}\u2028\u2029\u200e\u200f\u202a-\u202e\u2066-\u2069]/gu

export function stripControls(text: string): string {
  return text.toWellFormed().replaceAll(UNSAFE, '\ufffd')
}

/** What a terminal might obey is written as an escape: the same JSON, and nothing that moves a cursor. */
const OBEYED = /[\u007f-\u009f\u2028\u2029\u200e\u200f\u202a-\u202e\u2066-\u2069]/gu

/** JSON as it goes to stdout, stderr or a log: what comes from elsewhere stays what it is, and harmless. */
export function jsonText(value: unknown, indent = 0): string {
  return JSON.stringify(value, null, indent).replaceAll(
    OBEYED,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  )
}
