/**
 * Runs one command line and says what a failure looks like.
 *
 *     meshd: <what failed>: <why>  [CODE]
 *     hint: <command>
 */
import { isBug } from '../core/assert.ts'
import { MeshError, PROBLEMS } from '../core/problems.ts'
import { stripControls } from '../core/text.ts'
import type { CommandTable } from './commands.ts'
import type { Io } from './context.ts'
import { buildProgram } from './program.ts'

const INTERRUPTED = 130
const VERSION_FLAGS = ['--version', '-V']

/** Gives the exit status. Nothing here calls process.exit. */
export async function run(args: readonly string[], io: Io, table: CommandTable): Promise<number> {
  const interrupted = new AbortController()
  const interrupt = () => interrupted.abort()
  process.once('SIGINT', interrupt)
  const outcome: { status: number } = { status: 0 }
  try {
    const words = VERSION_FLAGS.includes(args[0] ?? '') ? ['version'] : args
    const commands = await table.beginningWith(words[0])
    const program = buildProgram(commands, {
      io,
      signal: interrupted.signal,
      outcome,
      all: table.all,
    })
    await program.parseAsync(['node', 'meshd', ...words])
    return outcome.status
  } catch (error) {
    if (interrupted.signal.aborted) return INTERRUPTED
    return report(error, args, io)
  } finally {
    process.off('SIGINT', interrupt)
  }
}

interface CommanderError {
  readonly code: string
  readonly message: string
  readonly exitCode: number
}

function report(error: unknown, args: readonly string[], io: Io): number {
  if (isCommander(error)) return usage(error, io)
  const failure =
    error instanceof MeshError
      ? error
      : new MeshError('BUG', isBug(error) ? error.message : String(error), { cause: error })
  const verbose = args.includes('-v') || args.includes('--verbose')
  if (args.includes('--json') || /(?:^|\s)(?:-o|--output)[ =]json/.test(args.join(' '))) {
    const { code, message, hint } = failure
    const title = PROBLEMS[code].says
    io.stderr.write(
      `${JSON.stringify({ type: `https://meshd.invalid/problems/${code}`, title, detail: message, code, hint })}\n`,
    )
  } else {
    io.stderr.write(`meshd: ${stripControls(failure.message)}  [${failure.code}]\n`)
    io.stderr.write(`hint: ${stripControls(failure.hint)}\n`)
  }
  if (verbose && error instanceof Error) io.stderr.write(`${error.stack ?? ''}\n`)
  return PROBLEMS[failure.code].exit
}

/** Commander has printed its own sentence already, and help is no failure. */
function usage(error: CommanderError, io: Io): number {
  if (error.exitCode === 0) return 0
  if (error.code === 'commander.help') return PROBLEMS.USAGE.exit
  const message = error.message
    .replace(/^error: /, '')
    .replaceAll("'", '`')
    .replace(/\n\(Did you mean (.+?)\?\)$/, '; did you mean `$1`?')
  io.stderr.write(`meshd: ${stripControls(message)}  [USAGE]\nhint: ${PROBLEMS.USAGE.hint}\n`)
  return PROBLEMS.USAGE.exit
}

function isCommander(error: unknown): error is CommanderError {
  return error instanceof Error && 'code' in error && String(error.code).startsWith('commander.')
}
