/**
 * The daemon's own log: one JSON object per line on stderr, or words at a
 * terminal. It is for operators; a decision is a record, not a log line, and
 * only its id is named here. Values whose name says secret are not written.
 *
 *     {"time":"2026-11-24T14:15:12.118Z","level":"info","event":"peer greeted","peer":"did:key:z6Mk…"}
 */
import { jsonText, stripControls } from '../core/text.ts'
import type { LogLevel } from './schema.ts'

type Fields = Readonly<Record<string, string | number | boolean | null>>

export interface Logger {
  debug(event: string, fields?: Fields): void
  info(event: string, fields?: Fields): void
  warning(event: string, fields?: Fields): void
  error(event: string, fields?: Fields): void
  /** Called with each warning and error, whatever the level is; it must not throw. */
  onTrouble(listener: (trouble: Trouble) => void): void
}

/** A warning or an error, as it is logged. */
interface Trouble {
  readonly level: 'warning' | 'error'
  readonly event: string
  readonly fields: Fields
}

const RANK: Record<LogLevel, number> = { debug: 0, info: 1, warning: 2, error: 3 }
/** syslog priorities, which journald reads at the start of a line. */
const PRIORITY: Record<LogLevel, number> = { debug: 7, info: 6, warning: 4, error: 3 }
const SECRET = /secret|passphrase|seed|private/i

export interface LoggerOptions {
  /** Asked with each line: they change with the configuration. */
  readonly level: () => LogLevel
  readonly format: () => 'json' | 'pretty' | 'journal'
  readonly write: (line: string) => void
  readonly now: () => number
}

export function createLogger({ level, format, write, now }: LoggerOptions): Logger {
  const listeners: ((trouble: Trouble) => void)[] = []
  const log =
    (at: LogLevel) =>
    (event: string, fields: Fields = {}) => {
      const safe = redact(fields)
      if (at === 'warning' || at === 'error')
        for (const listener of listeners) listener({ level: at, event, fields: safe })
      if (RANK[at] < RANK[level()]) return
      const how = format()
      if (how === 'pretty') return write(`${pretty(at, event, safe)}\n`)
      const line = jsonText({
        time: new Date(now()).toISOString(),
        level: at,
        event,
        ...safe,
      })
      write(`${how === 'journal' ? `<${PRIORITY[at]}>` : ''}${line}\n`)
    }
  return {
    ...{ debug: log('debug'), info: log('info'), warning: log('warning'), error: log('error') },
    onTrouble: (listener) => void listeners.push(listener),
  }
}

/** What the format `auto` means here: words at a terminal, priorities under journald, else plain JSON. */
export function autoFormat(
  env: Readonly<Record<string, string | undefined>>,
  terminal: boolean,
): ReturnType<LoggerOptions['format']> {
  if (terminal) return 'pretty'
  return env['JOURNAL_STREAM'] === undefined ? 'json' : 'journal'
}

function redact(fields: Fields): Fields {
  return Object.fromEntries(
    Object.entries(fields).map(([name, value]) => [name, SECRET.test(name) ? '[redacted]' : value]),
  )
}

function pretty(level: LogLevel, event: string, fields: Fields): string {
  const words = Object.entries(fields).map(
    ([name, value]) => `${name}=${stripControls(String(value))}`,
  )
  return [
    level === 'info' ? ' ' : level === 'debug' ? '·' : '!',
    stripControls(event),
    ...words,
  ].join(' ')
}
