/** `meshd exec -- <cmd>`: run a command only if authorized, stop it when it no longer is, record the outcome. */
import { accessSync, constants, fstatSync, realpathSync, statSync, writeSync } from 'node:fs'
import { isAbsolute, join, resolve } from 'node:path'
import type { DecisionView, ExecutionView } from '../client/types.ts'
import { shortId } from '../core/id.ts'
import { OUTCOME_MS_MAX } from '../core/limits.ts'
import { MeshError } from '../core/problems.ts'
import { stripControls } from '../core/text.ts'
import { type ExecResult, execute } from '../enforce/exec.ts'
import { ASK_OPTIONS, askOf } from './authorize.ts'
import type { Context } from './context.ts'
import type { Command } from './spec.ts'
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
    const file = locate(word, context.io.env['PATH'] ?? '')
    if (typeof file !== 'string') {
      context.say(`meshd: ${word}: ${file.why}`)
      const status = exitOf(file.why)
      tellWrapper(context, null, status)
      return status
    }
    const ask = askOf(context, options, {
      action: 'process:run',
      resource: `exe:${file}`,
      args: { argv: [word, ...args] },
    })
    // Ctrl-C is for the child: what watches over it goes on until that has ended.
    const client = context.client('decide', new AbortController().signal)
    const say = (line: string) => context.say(`meshd: ${line}`)
    const result = await execute(
      {
        open: async () => {
          const decision = await client.post<DecisionView>('/v1/executions', ask.body, {
            headers: ask.headers,
          })
          if (decision.decision === true) say(allowLine(decision, context.now()))
          return decision
        },
        watch: (id, ms, signal) =>
          client.get<ExecutionView>(`/v1/executions/${id}/watch?ms=${Math.floor(ms)}`, {
            timeoutMs: 0,
            signal,
          }),
        outcome: (id, kind, status, signal) =>
          client.post(`/v1/executions/${id}/outcome`, { kind, status }, { signal }),
      },
      {
        ...{ file, args, env: context.io.env, say },
        monotonicMs: () => performance.now(),
        outcomeMs: OUTCOME_MS_MAX,
      },
    ).catch((error: unknown) => {
      if (!(error instanceof MeshError)) throw error
      // --quiet is for talk; that it failed is none.
      context.io.stderr.write(
        `meshd: ${stripControls(error.message)}  [${error.code}]\nhint: ${stripControls(error.hint)}\n`,
      )
      return null
    })
    const status = result === null ? FAILED_EXIT : statusOf(context, result)
    tellWrapper(context, result, status)
    return status
  },
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

type NotRun = 'not found' | 'not executable'

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

/** The real file that would run: what is decided is what is executed, not a word that PATH reads anew. */
function locate(word: string, path: string): string | { readonly why: NotRun } {
  const candidates = word.includes('/')
    ? [resolve(word)]
    : path
        .split(':')
        .filter(isAbsolute)
        .map((dir) => join(dir, word))
  let why: NotRun = 'not found'
  for (const candidate of candidates) {
    try {
      accessSync(candidate, constants.X_OK)
      if (!statSync(candidate).isDirectory()) return realpathSync(candidate)
      why = 'not executable'
    } catch (error) {
      // Not here, or not for us: the next directory.
      if ((error as NodeJS.ErrnoException).code === 'EACCES') why = 'not executable'
    }
  }
  return { why }
}
