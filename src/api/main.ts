/**
 * `meshd start`: the daemon in the foreground, from its configuration to its
 * end. The API opens before anything is dialled, so that a node that is not
 * ready says why from its first moment; it denies until then.
 */
import { SHUTDOWN_MS_MAX } from '../core/limits.ts'
import { MeshError, PROBLEMS } from '../core/problems.ts'
import { loadOwnConfig } from '../daemon/config.ts'
import { Daemon } from '../daemon/daemon.ts'
import { refuseDebugger } from '../daemon/debugger.ts'
import { autoFormat, createLogger, type Logger } from '../daemon/logger.ts'
import { LiveConfig } from '../daemon/reload.ts'
import type { Config } from '../daemon/schema.ts'
import { forbidCores, giveBack } from '../daemon/system.ts'
import { Api } from './api.ts'
import { banner, readyLine } from './banner.ts'
import { keepJournal } from './journal.ts'
import { Metrics } from './metrics.ts'
import { snapshotOf } from './metrics-snapshot.ts'
import { tellerOf } from './teller.ts'

export interface StartOptions {
  /** --config. */
  readonly config: string | null
  readonly env: Readonly<Record<string, string | undefined>>
  readonly stdout: NodeJS.WritableStream
  readonly stderr: NodeJS.WritableStream & { readonly isTTY?: boolean }
  readonly version: string
  /** Ctrl-C. */
  readonly signal: AbortSignal
}

/** Runs until SIGTERM or SIGINT; gives the exit status. */
export async function runDaemon(options: StartOptions): Promise<number> {
  const startedMs = performance.now()
  refuseDebugger()
  forbidCores()
  const loaded = loadOwnConfig(options.config, options.env)
  const live = new LiveConfig(loaded, options.config, options.env)
  const logger = loggerOf(options, live)
  const stopping = new AbortController()
  const stop = () => stopping.abort()
  // Who read our words may go away, like a pipe to head: that stops no node.
  for (const stream of [options.stdout, options.stderr]) stream.on('error', () => {})
  options.signal.addEventListener('abort', stop, { once: true })
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, stop)
  const hangUp = () => logReload(logger, live.reload())
  process.on('SIGHUP', hangUp)
  try {
    return await serve(options, live, logger, stopping.signal, startedMs)
  } finally {
    for (const signal of ['SIGTERM', 'SIGINT'] as const) process.off(signal, stop)
    process.off('SIGHUP', hangUp)
  }
}

async function serve(
  options: StartOptions,
  live: LiveConfig,
  logger: Logger,
  signal: AbortSignal,
  startedMs: number,
): Promise<number> {
  const { version, stdout } = options
  let daemon: Daemon | null = null
  const metrics = new Metrics(() => snapshotOf(daemon, version))
  daemon = await Daemon.open({ live, logger, tell: tellerOf(logger, metrics) })
  let api: Api | null = null
  let status = 0
  try {
    keepJournal(daemon, logger, metrics)
    api = await Api.open({ daemon, live, logger, metrics, version })
    await daemon.start()
    for (const line of banner(daemon, api, version)) stdout.write(`${line}\n`)
    const ended = new AbortController()
    const untilDone = AbortSignal.any([signal, ended.signal])
    void saysReady(daemon, (line) => stdout.write(`${line}\n`), startedMs, untilDone)
    status = await Promise.race([aborted(signal), failed(daemon, logger)])
    ended.abort()
  } finally {
    logger.info('stopping')
    await api?.close(SHUTDOWN_MS_MAX - CLOSE_MARGIN_MS)
    await daemon.stop()
  }
  return status
}

/** Of the time to end in, kept for the disk. */
const CLOSE_MARGIN_MS = 2_000
/** Between two looks at readiness: often until it is there, seldom after. */
const UNREADY_LOOK_MS = 20
const READY_LOOK_MS = 250
/** Of a node that is ready: two seconds, in which peers are dialled and what was loaded is used once. */
const SETTLED_LOOKS = 8
const BUG_STATUS = 1

function aborted(signal: AbortSignal): Promise<number> {
  if (signal.aborted) return Promise.resolve(0)
  return new Promise((done) => signal.addEventListener('abort', () => done(0), { once: true }))
}

/** A loop that ended with an error: the node no longer does its part, so it stops. */
async function failed(daemon: Daemon, logger: Logger): Promise<number> {
  try {
    await daemon.running
    return 0
  } catch (error) {
    logger.error('the node stops', { error: String(error) })
    return error instanceof MeshError ? PROBLEMS[error.code].exit : BUG_STATUS
  }
}

/** READY once, or NOT READY with its reason each time that changes. */
async function saysReady(
  daemon: Daemon,
  say: (line: string) => void,
  startedMs: number,
  signal: AbortSignal,
): Promise<void> {
  let [last, was, looks] = ['', false, 0]
  while (!signal.aborted) {
    const reasons = daemon.node.notReady()
    const line = readyLine(reasons, was ? null : performance.now() - startedMs)
    const ready = reasons.length === 0
    if (line !== last && !(ready && last.startsWith('READY'))) say(line)
    last = line
    was ||= ready
    looks += ready ? 1 : 0
    if (looks === SETTLED_LOOKS) giveBack()
    await daemon.clock.sleep(ready ? READY_LOOK_MS : UNREADY_LOOK_MS, signal)
  }
}

function loggerOf({ env, stderr }: StartOptions, live: LiveConfig): Logger {
  const usual = autoFormat(env, stderr.isTTY === true)
  const formatOf = ({ format }: Config['log']) => (format === 'auto' ? usual : format)
  return createLogger({
    level: () => live.current.log.level,
    format: () => formatOf(live.current.log),
    write: (line) => void stderr.write(line),
    now: () => Date.now(),
  })
}

function logReload(
  logger: Logger,
  { applied, restart, rejected }: ReturnType<LiveConfig['reload']>,
): void {
  if (rejected !== null) logger.warning('configuration rejected', { why: rejected })
  else
    logger.info('configuration read', {
      applied: applied.join(', '),
      restart: restart.join(', '),
    })
}
