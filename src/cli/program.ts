/** The commander tree, built from the table of commands. One option parser, one error form, one help. */
import { Option, Command as Program } from 'commander'
import { parseDuration } from '../core/duration.ts'
import { nearest } from '../core/nearest.ts'
import { MeshError } from '../core/problems.ts'
import { type Context, createContext, type Globals, type Io } from './context.ts'
import { helpText } from './help-text.ts'
import { OUTPUTS, outputOf } from './output.ts'
import type { Command, Options } from './spec.ts'
import { flagOption, listOption, textOption } from './spec.ts'
import { type Draw, watch } from './watch.ts'

const DEFAULT_TIMEOUT = '10s'

export const GLOBAL_OPTIONS: readonly (readonly [flags: string, says: string])[] = [
  ['-o, --output <format>', `one of ${OUTPUTS.join(', ')}`],
  ['--json', 'the same as -o json'],
  ['--fields <list>', 'columns or keys to show'],
  ['-w, --watch', 'again and again: redrawn at a terminal, else one JSON line a change'],
  ['--no-header', 'no line of column names'],
  ['--color <when>', 'auto, always or never'],
  ['-q, --quiet', 'no talk on stderr'],
  ['-v, --verbose', 'stacks and timings'],
  ['-m, --message <text>', 'the reason, for what changes state'],
  ['--yes', 'do not ask'],
  ['--dry-run', 'print what would change, change nothing'],
  ['--no-input', 'never prompt'],
  ['--timeout <duration>', `default ${DEFAULT_TIMEOUT}, 0 is never`],
  ['--socket <path>', 'which daemon'],
  ['--config <file>', 'which configuration'],
  ['--status-fd <n>', 'the outcome as one JSON line on a descriptor'],
]

/** What the program is run with, and where it leaves its exit status. */
export interface Running {
  readonly io: Io
  readonly signal: AbortSignal
  readonly interrupt: () => void
  readonly outcome: { status: number }
  readonly all: Context['commands']
}

export function buildProgram(commands: readonly Command[], running: Running): Program {
  const { io } = running
  const program = configure(new Program('meshd'), io)
  program.description('an execution-governance mesh: every host decides locally, and fails closed')
  program.helpCommand(false)
  program.configureHelp({ formatHelp: () => helpText(commands) })
  onNoCommand(program, commands, () => io.stdout.write(helpText(commands)))
  const nouns = new Map<string, Program>()
  for (const command of commands) {
    const words = command.name.split(' ')
    const parent =
      words.length === 1 ? program : nounOf(words[0] ?? '', program, nouns, io, commands)
    parent.addCommand(leaf(command, words.at(-1) ?? '', running))
  }
  return program
}

/** What a word that is no command is answered, whatever options follow it; and what no word at all is. */
function onNoCommand(program: Program, commands: readonly Command[], alone: () => void): void {
  const noun = program.name() === 'meshd' ? '' : program.name()
  program.allowUnknownOption().argument('[words...]')
  program.action((words: string[]) => {
    const [word] = words
    if (word === undefined) return alone()
    if (word.startsWith('-')) throw new MeshError('USAGE', `unknown option \`${word}\``)
    throw unknownCommand(noun, word, commands)
  })
}

/** @param noun '' for the first word */
function unknownCommand(noun: string, word: string, commands: readonly Command[]): MeshError {
  const nouns = commands.flatMap(({ name }) => [name, name.split(' ')[0] ?? ''])
  const verbs = commands.map(({ name }) => name.slice(noun.length + 1))
  const near = nearest(word, noun === '' ? nouns : verbs)
  const whole = (last: string) => `${noun} ${last}`.trim()
  return new MeshError(
    'USAGE',
    `no command \`${whole(word)}\`${near === null ? '' : `; did you mean \`${whole(near)}\`?`}`,
    { hint: near === null ? `meshd help ${noun}`.trim() : `meshd ${whole(near)}` },
  )
}

function nounOf(
  word: string,
  program: Program,
  nouns: Map<string, Program>,
  io: Io,
  commands: readonly Command[],
): Program {
  const known = nouns.get(word)
  if (known !== undefined) return known
  const noun = configure(new Program(word), io)
  const own = commands.filter(({ name }) => name.startsWith(`${word} `))
  noun.description(own.map(({ name }) => name.split(' ')[1]).join(', '))
  noun.configureHelp({ formatHelp: () => helpText(own) })
  noun.helpCommand(false)
  onNoCommand(noun, own, () => noun.help({ error: true }))
  nouns.set(word, noun)
  program.addCommand(noun)
  return noun
}

function leaf(command: Command, word: string, running: Running): Program {
  const { io, outcome } = running
  const program = configure(new Program(word), io)
  program.description(command.says)
  for (const alias of command.aliases ?? []) program.alias(alias)
  for (const argument of command.args ?? []) program.argument(argument)
  for (const { flags, says, required } of command.options ?? [])
    program.addOption(new Option(flags, says).makeOptionMandatory(required === true))
  const taken = program.options.flatMap(({ long, short }) => [long, short])
  for (const [flags, says] of GLOBAL_OPTIONS)
    if (!flags.split(/[ ,]+/).some((flag) => taken.includes(flag)))
      program.addOption(new Option(flags, says).hideHelp(!honoured(command, flags)))
  if (command.passesThrough === true) program.passThroughOptions()
  program.configureHelp({ formatHelp: () => helpText([command], program) })
  program.action(async (...given: unknown[]) => {
    const options = program.opts() as Options
    const args = given
      .slice(0, command.args?.length ?? 0)
      .flat()
      .filter((arg) => arg !== undefined)
    const globals = globalsOf(options)
    // Better refused than taken for one: what it would do can be undone by nobody.
    if (globals.dryRun && command.dryRun !== true)
      throw new MeshError('USAGE', `\`${command.name}\` has no dry run`, {
        hint: `meshd help ${command.name}`,
      })
    if (globals.watch && command.watch !== true)
      throw new MeshError('USAGE', `\`${command.name}\` cannot be watched`, {
        hint: 'status, mesh status, mesh drift and the lists can',
      })
    const draw: Draw = (streams, how) =>
      command.run(createContext(streams, options, how, running), args.map(String), options)
    outcome.status = globals.watch
      ? await watch(io, globals, draw, running.signal)
      : await draw(io, globals)
  })
  return program
}

/** What a command refuses its help does not offer. */
function honoured({ dryRun, watch: watched }: Command, flags: string): boolean {
  if (flags === '--dry-run') return dryRun === true
  return flags !== '-w, --watch' || watched === true
}

function configure(program: Program, io: Io): Program {
  return program
    .exitOverride()
    .enablePositionalOptions()
    .showSuggestionAfterError(true)
    .configureOutput({
      writeOut: (text) => void io.stdout.write(text),
      // Errors are worded in run.ts; what is left is the help of a noun without its verb.
      writeErr: (text) => {
        if (!text.startsWith('error: ')) io.stderr.write(text)
      },
    })
}

function globalsOf(options: Options): Globals {
  const timeout = textOption(options, 'timeout') ?? DEFAULT_TIMEOUT
  const timeoutMs = timeout === '0' ? 0 : parseDuration(timeout)
  if (timeoutMs === null)
    throw new MeshError('USAGE', `\`${timeout}\` is no duration`, { hint: 'such as 90s, 15m, 2h' })
  const fields = listOption(options, 'fields')
  return {
    output: flagOption(options, 'json') ? 'json' : outputOf(options['output'] ?? 'table'),
    fields: fields.length === 0 ? null : fields,
    watch: flagOption(options, 'watch'),
    header: options['header'] !== false,
    quiet: flagOption(options, 'quiet'),
    verbose: flagOption(options, 'verbose'),
    message: textOption(options, 'message'),
    yes: flagOption(options, 'yes'),
    dryRun: flagOption(options, 'dryRun'),
    input: options['input'] !== false,
    timeoutMs,
    socket: textOption(options, 'socket'),
    config: textOption(options, 'config'),
    statusFd: numberOf(textOption(options, 'statusFd')),
  }
}

function numberOf(text: string | null): number | null {
  if (text === null) return null
  if (!/^\d{1,4}$/.test(text)) throw new MeshError('USAGE', `\`${text}\` is no file descriptor`)
  return Number(text)
}
