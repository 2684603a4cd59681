/**
 * Runs a command only if the mesh says yes, and ends it when it no longer does.
 *
 * What runs is what was hashed before it was asked for (executable.ts). The
 * decision opens an execution; a long poll watches it. A stop, a lost lease, a
 * lost or replaced daemon all end the same way: at once on a stop, else at the
 * time until which the last answer allowed it. TERM first, KILL after the
 * grace, to all that it started (family.ts); and so does what it leaves behind
 * when it ends by itself, since nobody would watch that any more.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { constants } from 'node:os'
import type { DecisionView, ExecutionView } from '../client/types.ts'
import { shortId } from '../core/id.ts'
import type { Executable } from './executable.ts'
import { EXECUTION_MARK, Family, guarding } from './family.ts'
import type { NotRun } from './locate.ts'
import { type Opened, openedBy, type Poll, untilStopped } from './watch.ts'

/** The API as exec needs it; the command line passes its own client. */
export interface ExecutionApi {
  open(): Promise<DecisionView>
  watch(id: string, ms: number, signal: AbortSignal): Promise<ExecutionView>
  /** What it started, to be shown; whether that arrives changes nothing. */
  started(id: string, pid: number): Promise<void>
  outcome(
    id: string,
    kind: 'ok' | 'failed' | 'stopped',
    status: number | null,
    signal: AbortSignal,
  ): Promise<void>
}

export interface ExecCall {
  readonly executable: Executable
  readonly args: readonly string[]
  readonly env: Readonly<Record<string, string | undefined>>
  readonly monotonicMs: () => number
  /** How long the child's status waits for its outcome to be recorded. */
  readonly outcomeMs: number
  /** Told of the allow once it is known to be one, before anything runs. */
  readonly allowed: (decision: DecisionView) => void
  /** Each message once, for stderr. */
  readonly say: (line: string) => void
}

export type ExecResult =
  | { readonly kind: 'denied'; readonly decision: DecisionView }
  | {
      readonly kind: 'not run'
      readonly decision: DecisionView
      readonly why: NotRun
    }
  | {
      readonly kind: 'ended'
      readonly decision: DecisionView
      readonly status: number
      readonly stopped: string | null
    }

/** Signals that a terminal or a supervisor sends to us and means for the child. */
const PASSED = ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGQUIT', 'SIGUSR1', 'SIGUSR2'] as const

export async function execute(api: ExecutionApi, call: ExecCall): Promise<ExecResult> {
  const askedMs = call.monotonicMs()
  const decision = await api.open()
  const opened = openedBy(decision, askedMs)
  if (opened === null) return { kind: 'denied', decision }
  if (call.monotonicMs() >= opened.untilMs)
    return {
      kind: 'denied',
      decision: {
        ...decision,
        decision: false,
        code: 'GOVERNANCE_STALE',
        detail: 'the answer came after its own end',
      },
    }
  call.allowed(decision)
  const { id } = opened
  return passingSignals(async (runs) => {
    const family = new Family(id)
    const began = await begin(call, id, family, runs)
    if (typeof began === 'string') {
      await report(api, call, id, 'failed', null)
      return { kind: 'not run', decision, why: began }
    }
    const dismiss = guarding(began, id, call.say)
    // A daemon that does not take it shows nothing of it, and watches all the same.
    if (began.pid !== undefined) api.started(id, began.pid).catch(() => {})
    const result = await supervise(api, call, { decision, opened, child: began, family })
    dismiss()
    return result
  })
}

/** The child, once the kernel runs what was decided; else why not. */
async function begin(
  call: ExecCall,
  id: string,
  family: Family,
  runs: (child: ChildProcess) => void,
): Promise<ChildProcess | NotRun> {
  const { executable } = call
  if (executable.changed) return 'changed meanwhile'
  const child = start(call, id)
  if (child === null) return 'not executable'
  family.begins(child)
  runs(child)
  const why = await started(child)
  const changed = executable.changed
  executable.started()
  if (why === null && !changed) return child
  family.signal('SIGKILL')
  return why ?? 'changed meanwhile'
}

/** From before there is a child: a signal that came between would end us and leave it running with nobody to stop it. */
async function passingSignals<T>(
  during: (runs: (child: ChildProcess) => void) => Promise<T>,
): Promise<T> {
  const running: { child: ChildProcess | null } = { child: null }
  const pass = (signal: NodeJS.Signals) => {
    if (running.child !== null) signalGroup(running.child, signal)
  }
  for (const signal of PASSED) process.on(signal, pass)
  try {
    return await during((child) => {
      running.child = child
    })
  } finally {
    for (const signal of PASSED) process.off(signal, pass)
  }
}

/**
 * In a group of its own, so that a signal reaches what the child starts. What
 * it asks for itself names this execution as its cause (MESHD_EXECUTION).
 */
function start({ executable, args, env }: ExecCall, execution: string): ChildProcess | null {
  const { file, argv0, args: words, script } = executable.start(args)
  try {
    return spawn(file, words, {
      argv0,
      stdio: ['inherit', 'inherit', 'inherit', ...(script === null ? [] : [script])],
      detached: true,
      env: environment(env, execution, executable),
    })
  } catch {
    return null // E2BIG, ENOEXEC, ETXTBSY: the kernel refused it, and nothing ran
  }
}

/** An artifact is for whoever asks, never for what is run: no variable of ours that could hold one is passed on. */
function environment(
  env: ExecCall['env'],
  execution: string,
  { interpreter, path }: Executable,
): ExecCall['env'] {
  const passed = Object.entries(env).filter(([name]) => !NOT_PASSED.test(name))
  return {
    ...Object.fromEntries(passed),
    [EXECUTION_MARK]: execution,
    MESHD_DECISION: execution,
    ...(interpreter === null ? {} : { MESHD_SCRIPT: path }),
  }
}

const NOT_PASSED = /^MESHD_(?:ARTIFACT|SCRIPT$)/i

function started(child: ChildProcess): Promise<NotRun | null> {
  return new Promise((resolve) => {
    child.once('spawn', () => resolve(null))
    child.once('error', (error: NodeJS.ErrnoException) =>
      resolve(error.code === 'ENOENT' ? 'not found' : 'not executable'),
    )
  })
}

interface Supervised {
  readonly decision: DecisionView
  readonly opened: Opened
  readonly child: ChildProcess
  readonly family: Family
}

async function supervise(
  api: ExecutionApi,
  call: ExecCall,
  { decision, opened, child, family }: Supervised,
): Promise<ExecResult> {
  const { id } = opened
  const ended = Promise.withResolvers<{ code: number | null; signal: NodeJS.Signals | null }>()
  const watching = new AbortController()
  child.once('exit', (code, signal) => {
    watching.abort()
    ended.resolve({ code, signal })
  })
  const poll: Poll = (id, ms, signal) => api.watch(id, ms, signal)
  const stop = await untilStopped(poll, opened, call.monotonicMs, watching.signal)
  const stopped = stop === null ? null : `${stop.code}: ${stop.detail}`
  const stoppedMs = call.monotonicMs()
  const left = stopped === null ? family.members().length : 0
  if (stopped !== null || left > 0) await family.end()
  const { code, signal } = await ended.promise
  const tookS = ((call.monotonicMs() - stoppedMs) / 1000).toFixed(1)
  if (stopped !== null)
    call.say(
      `STOPPED ${shortId('dec', id)}  ${stopped.replace(': ', ' ')}; SIGTERM, ended after ${tookS} s`,
    )
  else if (left > 0)
    call.say(`${left} of its processes outlived it: SIGTERM, ended after ${tookS} s`)
  const status = code ?? 128 + constants.signals[signal ?? 'SIGKILL']
  const kind = stopped !== null ? 'stopped' : status === 0 ? 'ok' : 'failed'
  await report(api, call, id, kind, status)
  return { kind: 'ended', decision, status, stopped }
}

function signalGroup(child: ChildProcess, signal: NodeJS.Signals): void {
  if (child.pid === undefined) return
  try {
    process.kill(-child.pid, signal)
  } catch {
    // ESRCH: nobody of the group is left, which is what was wanted.
  }
}

async function report(
  api: ExecutionApi,
  call: ExecCall,
  id: string,
  kind: 'ok' | 'failed' | 'stopped',
  status: number | null,
): Promise<void> {
  const late = new AbortController()
  const timer = setTimeout(() => late.abort(), call.outcomeMs)
  try {
    await api.outcome(id, kind, status, late.signal)
  } catch {
    // The daemon records it as unknown when nobody watches any more; the child's status is still ours to give.
    call.say('the outcome could not be recorded')
  } finally {
    clearTimeout(timer)
  }
}
