/**
 * Runs one command line and says what a failure looks like.
 *
 *     meshd: <what failed>: <why>  [CODE]
 *     hint: <command>
 */
import { isBug } from '../core/assert.ts'
import { MeshError, PROBLEMS } from '../core/problems.ts'
import { jsonText, stripControls } from '../core/text.ts'
import type { CommandTable } from './commands.ts'
import type { Io } from './context.ts'
import { buildProgram } from './program.ts'

const INTERRUPTED = 130
/** What an agent takes for a no: with any other status but 0 it would only complain, and go on. */
export const HOOK_BLOCKED_EXIT = 2
const VERSION_FLAGS = ['--version', '-V']

/** Gives the exit status. Nothing here calls process.exit. */
export async function run(args: readonly string[], io: Io, table: CommandTable): Promise<number> {
  const hook = isHook(args)
  const interrupted = new AbortController()
  const interrupt = () => interrupted.abort()
  process.once('SIGINT', interrupt)
  const outcome: { status: number } = { status: hook ? HOOK_BLOCKED_EXIT : 0 }
  try {
    const words = VERSION_FLAGS.includes(args[0] ?? '') ? ['version'] : args
    const commands = await table.beginningWith(words[0])
    const program = buildProgram(commands, {
      io,
      signal: interrupted.signal,
      interrupt,
      outcome,
      all: table.all,
    })
    await program.parseAsync(['node', 'meshd', ...words])
    return outcome.status
  } catch (error) {
    if (interrupted.signal.aborted) return hook ? HOOK_BLOCKED_EXIT : INTERRUPTED
    const status = report(error, args, io, await commandNamed(table, args))
    return hook ? HOOK_BLOCKED_EXIT : status
  } finally {
    process.off('SIGINT', interrupt)
  }
}

/** Also when it is spelled so that it is none: it stands in the settings of an agent. bin/meshd.js does the same. */
function isHook([first = '', ...others]: readonly string[]): boolean {
  return first === 'hook' || (first.startsWith('-') && others.includes('hook'))
}

interface CommanderError {
  readonly code: string
  readonly message: string
  readonly exitCode: number
}

/** The command that was meant, as it is spelled in help; null when none is that. */
async function commandNamed(table: CommandTable, args: readonly string[]): Promise<string | null> {
  const typed = `${args.join(' ')} `
  const names = (await table.beginningWith(args[0])).map(({ name }) => name)
  return names.filter((name) => typed.startsWith(`${name} `)).at(-1) ?? null
}

function report(error: unknown, args: readonly string[], io: Io, command: string | null): number {
  if (isCommander(error) && error.exitCode === 0) return 0
  if (isCommander(error) && error.code === 'commander.help') return PROBLEMS.USAGE.exit
  const failure = failureOf(error)
  const { code, message } = failure
  const general = failure.hint === PROBLEMS.USAGE.hint && command !== null
  const hint = general ? `${failure.hint} ${command}` : failure.hint
  // What comes after `--` is for a child.
  const own = args.includes('--') ? args.slice(0, args.indexOf('--')) : args
  if (wantsJson(own)) {
    const title = PROBLEMS[code].says
    const type = `https://meshd.invalid/problems/${code}`
    io.stderr.write(`${jsonText({ type, title, detail: message, code, hint })}\n`)
  } else {
    io.stderr.write(`meshd: ${stripControls(message)}  [${code}]\n`)
    io.stderr.write(`hint: ${stripControls(hint)}\n`)
  }
  const verbose = own.includes('-v') || own.includes('--verbose')
  if (verbose && error instanceof Error) io.stderr.write(`${stripLines(error.stack ?? '')}\n`)
  return PROBLEMS[code].exit
}

function failureOf(error: unknown): MeshError {
  if (error instanceof MeshError) return error
  if (isCommander(error)) return usage(error)
  const message = isBug(error) ? error.message : String(error)
  return new MeshError('BUG', message, { cause: error })
}

/** Looked for by hand: what could not be parsed is to be reported in the form that was asked for, too. */
function wantsJson(words: readonly string[]): boolean {
  return words.some((word, i) => {
    if (word === '--json') return true
    const [, value] = /^(?:-o=?|--output=)(.+)$/.exec(word) ?? []
    const format = value ?? (['-o', '--output'].includes(word) ? words[i + 1] : undefined)
    return format === 'json' || format === 'jsonl'
  })
}

function stripLines(text: string): string {
  return text.split('\n').map(stripControls).join('\n')
}

/** Commander's own sentence, in our words and quotes. */
function usage({ message }: CommanderError): MeshError {
  const says = message
    .replace(/^error: /, '')
    .replaceAll("'", '`')
    .replace(/\n\(Did you mean (.+?)\?\)$/, '; did you mean `$1`?')
  return new MeshError('USAGE', says)
}

function isCommander(error: unknown): error is CommanderError {
  return error instanceof Error && 'code' in error && String(error.code).startsWith('commander.')
}
