/**
 * How text looks: symbols that fall back to ASCII where the locale is not
 * UTF-8, colour that is never the only carrier of meaning, and short forms of
 * ids, times and durations for screens. JSON never passes through here.
 */
import { styleText } from 'node:util'
import { stripControls } from '../core/text.ts'

export interface Style {
  readonly good: (text: string) => string
  readonly bad: (text: string) => string
  readonly warn: (text: string) => string
  readonly dim: (text: string) => string
  /** ✓ ✗ ! → … as the terminal can show them. */
  readonly symbols: (text: string) => string
  /** A line in which nothing moves the cursor, hides text or begins another line; our own colours stay. */
  readonly printable: (line: string) => string
}

type Environment = Readonly<Record<string, string | undefined>>

const ASCII: Readonly<Record<string, string>> = {
  '✓': '+',
  '✗': 'x',
  '→': '->',
  '…': '...',
  '·': '-',
  '─': '-',
  '≤': '<=',
  '×': 'x',
  '≥': '>=',
  '├': '|',
  '│': '|',
  '└': '`',
}

export function styleOf(
  env: Environment,
  stream: { readonly isTTY?: boolean },
  color: unknown,
): Style {
  const colored = color === 'always' || (color !== 'never' && wantsColor(env, stream))
  const paint = (format: Parameters<typeof styleText>[0]) => (text: string) =>
    colored ? styleText(format, stripControls(text), { validateStream: false }) : text
  const utf8 = isUtf8(env)
  return {
    good: paint('green'),
    bad: paint('red'),
    warn: paint('yellow'),
    dim: paint('dim'),
    printable: colored ? withoutForeignControls : stripControls,
    symbols: (text) => (utf8 ? text : text.replaceAll(/[✓✗→…·─≤×≥├│└]/g, (s) => ASCII[s] ?? s)),
  }
}

/** Green, red, yellow, dim, and their ends: what paint() puts there, and nothing else of the terminal's. */
const ESCAPE = String.fromCharCode(0x1b)
const OWN_COLOUR = new RegExp(`(${ESCAPE}\\[(?:2|22|3[123]|39)m)`)

function withoutForeignControls(line: string): string {
  return line
    .split(OWN_COLOUR)
    .map((part, i) => (i % 2 === 1 ? part : stripControls(part)))
    .join('')
}

/** An empty FORCE_COLOR counts as unset, so that NO_COLOR wins over it. */
function wantsColor(env: Environment, stream: { readonly isTTY?: boolean }): boolean {
  if ((env['NO_COLOR'] ?? '') !== '') return false
  const forced = env['FORCE_COLOR'] ?? ''
  if (forced !== '') return forced !== '0' && forced !== 'false'
  return stream.isTTY === true && env['TERM'] !== 'dumb'
}

function isUtf8(env: Environment): boolean {
  const locale = [env['LC_ALL'], env['LC_CTYPE'], env['LANG']].find(
    (v) => v !== undefined && v !== '',
  )
  return locale === undefined || /utf-?8/i.test(locale)
}

/** `14:15:12` if today, else `2026-11-23 14:15`; local time. */
export function clockTime(iso: string, now: Date): string {
  const at = new Date(iso)
  const two = (n: number) => String(n).padStart(2, '0')
  const time = `${two(at.getHours())}:${two(at.getMinutes())}`
  return at.toDateString() === now.toDateString()
    ? `${time}:${two(at.getSeconds())}`
    : `${at.getFullYear()}-${two(at.getMonth() + 1)}-${two(at.getDate())} ${time}`
}

/** `14:15:12.118`; local time, for what scrolls by. */
export function timeOfDay(iso: string): string {
  const at = new Date(iso)
  const two = (n: number) => String(n).padStart(2, '0')
  const ms = String(at.getMilliseconds()).padStart(3, '0')
  return `${two(at.getHours())}:${two(at.getMinutes())}:${two(at.getSeconds())}.${ms}`
}

/** `41 ms`, `58 s`, `4 min`, `2 h`, `3 d`: one unit, rounded down. */
export function duration(ms: number): string {
  const units = [
    [86_400_000, 'd'],
    [3_600_000, 'h'],
    [60_000, 'min'],
    [1000, 's'],
  ] as const
  for (const [size, name] of units) if (ms >= size) return `${Math.floor(ms / size)} ${name}`
  return `${Math.max(0, Math.round(ms))} ms`
}

/** The same where the number is exact and matters: `60 s`, `90 s`, `15 min`, `400 d`. */
export function exactly(ms: number): string {
  const [size, name] =
    [
      [86_400_000, 'd'],
      [3_600_000, 'h'],
      [60_000, 'min'],
      [1000, 's'],
    ].find(([unit]) => ms % Number(unit) === 0 && (unit === 1000 || ms >= 2 * Number(unit))) ?? []
  return size === undefined ? `${ms} ms` : `${ms / Number(size)} ${name}`
}

/** `88 104`: thin groups that a person can read. */
export function count(value: number): string {
  return String(value).replaceAll(/\B(?=(?:\d{3}){1,7}$)/g, ' ')
}

/** `did:key:z6MkqT…t9Lw`. */
export function shortDid(did: string): string {
  return did.length > 24 ? `${did.slice(0, 14)}…${did.slice(-4)}` : did
}

/** `sha256:77aa10bc…`, or the whole CID's head. */
export function shortHash(id: string): string {
  return id.length > 16 ? `${id.slice(0, 15)}…` : id
}

export function plural(n: number, one: string, many = `${one}s`): string {
  return `${count(n)} ${n === 1 ? one : many}`
}
