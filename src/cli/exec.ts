/** `meshd exec -- <cmd>`: run a command only if authorized, stop it when it no longer is, record the outcome. */
import { fstatSync, writeSync } from 'node:fs'
import { basename } from 'node:path'
import type { DecisionView, ExecutionView } from '../client/types.ts'
import { utf8 } from '../core/bytes.ts'
import { sha256Hex, shortId } from '../core/id.ts'
import { EXEC_ARGV_BYTES_MAX, EXECUTION_COMMAND_BYTES_MAX, OUTCOME_MS_MAX } from '../core/limits.ts'
import { MeshError } from '../core/problems.ts'
import { stripControls } from '../core/text.ts'
import { type ExecResult, type ExecutionApi, execute } from '../enforce/exec.ts'
import { Executable } from '../enforce/executable.ts'
import { type NotRun, Unrunnable } from '../enforce/locate.ts'
import { ASK_OPTIONS, type Ask, askOf } from './authorize.ts'
import type { Context } from './context.ts'
import type { Command, Options } from './spec.ts'
import { clockTime } from './text.ts'

const FAILED_EXIT = 125
const DENIED_EXIT = 126
const NOT_FOUND_EXIT = 127

export const exec: Command = {
  name: 'exec',
  group: 'DECIDE',
  args: ['<command...>'],
  passesThrough: true,
  says: 'run a command only if authorized; stop it when it no longer is; record the outcome',
  examples: [
    'meshd exec --action job:deploy --resource env:staging -- ./deploy.sh',
    'meshd exec -- /bin/ls /etc',
  ],
  options: ASK_OPTIONS,
  run: async (context, [word = '', ...args], options) => {
    checkStatusFd(context)
    checkWords([word, ...args])
    checkArguments(options)
    try {
      const executable = await Executable.find(word, context.io.env['PATH'] ?? '')
      try {
        return await decided(context, executable, [word, ...args], options)
      } finally {
        executable.close()
      }
    } catch (error) {
      if (!(error instanceof Unrunnable)) throw error
      context.say(`meshd: ${word}: ${error.message}`)
      const status = exitOf(error.why)
      tellWrapper(context, null, status)
      return status
    }
  },
}

async function decided(
  context: Context,
  executable: Executable,
  argv: readonly string[],
  options: Options,
): Promise<number> {
  const ask = await askOf(context, options, {
    action: 'process:run',
    resource: `exe:${executable.path}`,
    args: boundArguments(executable, argv),
  })
  const result = await execute(apiOf(context, ask, argv), {
    ...{ executable, args: argv.slice(1), env: context.io.env },
    monotonicMs: () => performance.now(),
    outcomeMs: OUTCOME_MS_MAX,
    allowed: (decision) => context.say(`meshd: ${allowLine(decision, context.now())}`),
    say: (line) => context.say(`meshd: ${line}`),
  }).catch((error: unknown) => {
    // Also of a bug: its usual status could be the child's.
    const { message, code, hint } = meshErrorOf(error)
    // --quiet is for talk; that it failed is none.
    context.io.stderr.write(
      `meshd: ${stripControls(message)}  [${code}]\nhint: ${stripControls(hint)}\n`,
    )
    return null
  })
  const status = result === null ? FAILED_EXIT : statusOf(context, result)
  tellWrapper(context, result, status)
  return status
}

function meshErrorOf(error: unknown): MeshError {
  return error instanceof MeshError ? error : new MeshError('BUG', String(error), { cause: error })
}

function apiOf(context: Context, { body, headers }: Ask, argv: readonly string[]): ExecutionApi {
  // Ctrl-C is for the child: what watches over it goes on until that has ended.
  const client = context.client('decide', new AbortController().signal)
  return {
    open: () => client.post<DecisionView>('/v1/executions', body, { headers }),
    watch: (id, ms, signal) =>
      client.get<ExecutionView>(`/v1/executions/${id}/watch?ms=${Math.floor(ms)}`, {
        timeoutMs: 0,
        signal,
      }),
    started: (id, pid) =>
      client.post(`/v1/executions/${id}/process`, { pid, command: commandOf(argv) }),
    outcome: (id, kind, status, signal) =>
      client.post(`/v1/executions/${id}/outcome`, { kind, status }, { signal }),
  }
}

/** As `meshd ps` shows it: the name of the program, and its words as far as there is room. */
function commandOf([word = '', ...args]: readonly string[]): string {
  const text = stripControls([basename(word), ...args].join(' '))
  // A character has three bytes of UTF-8 at most for each unit of a text.
  return text.slice(0, Math.floor(EXECUTION_COMMAND_BYTES_MAX / 3)).toWellFormed()
}

/** What no `--arg` may say instead. */
const BOUND = ['argv', 'argc', 'argvDigest', 'exe', 'interpreter']

/**
 * What is decided is what runs: the digest of the file, and its arguments; of
 * very long ones their number and digest, as of /proc/<pid>/cmdline.
 */
function boundArguments(executable: Executable, argv: readonly string[]): object {
  const { digest, interpreter } = executable
  const bytes = utf8(argv.map((word) => `${word}\0`).join(''))
  const long = bytes.length > EXEC_ARGV_BYTES_MAX
  return {
    ...(long ? { argc: argv.length, argvDigest: sha256Hex(bytes) } : { argv }),
    exe: digest,
    ...(interpreter === null
      ? {}
      : { interpreter: { path: interpreter.path, exe: interpreter.digest } }),
  }
}

/** What no text can hold would run as something else than what was decided. @throws MeshError USAGE */
function checkWords(words: readonly string[]): void {
  const at = words.findIndex((word) => word.includes('\ufffd') || !word.isWellFormed())
  if (at < 0) return
  const what = at === 0 ? 'the command' : `argument ${at}`
  throw new MeshError('USAGE', `${what} is not UTF-8, or holds U+FFFD, which stands for that`, {
    hint: 'nothing was run: what is decided must be what runs',
  })
}

/** @throws MeshError USAGE */
function checkArguments({ arg }: Options): void {
  const given = Array.isArray(arg) ? arg.map(String) : []
  const taken = BOUND.find((name) => given.some((text) => /^[^=:]*/.exec(text)?.[0] === name))
  if (taken === undefined) return
  throw new MeshError('USAGE', `--arg: \`${taken}\` is measured, and cannot be given`)
}

function statusOf(context: Context, result: ExecResult): number {
  switch (result.kind) {
    case 'denied': {
      const { id, code, detail } = result.decision
      const why = id === null ? '' : `     why: meshd explain ${shortId('dec', id)}`
      context.say(
        `meshd: DENY ${id === null ? '' : `${shortId('dec', id)}  `}${code}  ${detail}${why}`,
      )
      return DENIED_EXIT
    }
    case 'not run':
      context.say(`meshd: ${result.why}`)
      return exitOf(result.why)
    case 'ended':
      return result.status
  }
}

function allowLine({ id, principalName, artifact, leaseUntil }: DecisionView, now: Date): string {
  const by = artifact === null ? '' : ` by ${shortId('art', artifact)}`
  const until = leaseUntil === null ? '' : `  lease until ${clockTime(leaseUntil, now)}`
  return `ALLOW ${shortId('dec', id ?? '')}  as ${principalName ?? 'this caller'}${by}${until}`
}

/** So that a wrapper can tell our exit status from the child's. */
function tellWrapper({ globals }: Context, result: ExecResult | null, status: number): void {
  if (globals.statusFd === null) return
  const decision = result?.decision ?? null
  const line = {
    ran: result?.kind === 'ended',
    status,
    decision: decision?.id ?? null,
    code: decision?.code ?? null,
    stopped: result?.kind === 'ended' ? result.stopped : null,
  }
  writeSync(globals.statusFd, `${JSON.stringify(line)}\n`)
}

function exitOf(why: NotRun): number {
  return why === 'not found' ? NOT_FOUND_EXIT : DENIED_EXIT
}

/** Before anything is asked or run: a wrapper that cannot be told is not called. @throws MeshError USAGE */
function checkStatusFd({ globals }: Context): void {
  if (globals.statusFd === null) return
  try {
    fstatSync(globals.statusFd)
  } catch (cause) {
    throw new MeshError('USAGE', `--status-fd: ${globals.statusFd} is no open descriptor`, {
      cause,
    })
  }
}
