/**
 * Text from elsewhere, made safe to print: C0 and C1 controls, DEL, line and
 * paragraph separators, and bidirectional overrides are replaced by U+FFFD, so
 * that no name, reason or label can move a cursor or forge a line.
 */
const UNSAFE = /[\p{Cc}\u2028\u2029\u200e\u200f\u202a-\u202e\u2066-\u2069]/gu

export function stripControls(text: string): string {
  return text.toWellFormed().replaceAll(UNSAFE, '\ufffd')
}
