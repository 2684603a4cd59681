/** What a command runs with: where it prints, whom it asks, and the global flags. */
import { readFileSync } from 'node:fs'
import type { Agent } from 'node:http'
import { join } from 'node:path'
import { createInterface } from 'node:readline/promises'
import { MeshError } from '../core/problems.ts'
import { Client, type SocketRole } from './connect.ts'
import type { Output } from './output.ts'
import type { Command, Options } from './spec.ts'
import { type Style, styleOf } from './text.ts'

/** A stream that may be a terminal. */
type Out = NodeJS.WritableStream & {
  readonly isTTY?: boolean
  readonly columns?: number
  readonly rows?: number
}

export interface Io {
  readonly stdout: Out
  readonly stderr: Out
  readonly stdin: NodeJS.ReadStream
  readonly env: Readonly<Record<string, string | undefined>>
  /** What time it is; the machine's clock when absent. */
  readonly now?: () => Date
}

export interface Globals {
  readonly output: Output
  readonly fields: readonly string[] | null
  readonly watch: boolean
  readonly header: boolean
  readonly quiet: boolean
  readonly verbose: boolean
  readonly message: string | null
  readonly yes: boolean
  readonly dryRun: boolean
  readonly input: boolean
  /** 0 is never. */
  readonly timeoutMs: number
  readonly socket: string | null
  readonly config: string | null
  readonly statusFd: number | null
}

export interface Context {
  readonly io: Io
  readonly globals: Globals
  readonly style: Style
  /** Aborts on Ctrl-C. */
  readonly signal: AbortSignal
  now(): Date
  /** Every command there is, for help and completion. */
  commands(): Promise<readonly Command[]>
  /** @param until what ends its calls; Ctrl-C, unless it is given. @param agent whose connections are kept */
  client(role: SocketRole, until?: AbortSignal, agent?: Agent): Client
  /** A line for people, to stdout, without any control that is not our own colour. */
  print(line: string): void
  /** JSON and our own texts, to stdout, byte for byte. */
  data(text: string): void
  /** Talk, to stderr, unless --quiet. */
  say(line: string): void
  /** Asks at a terminal; false without one, unless --yes. */
  confirm(question: string): Promise<boolean>
  /** A file, or stdin for `-`, bounded. @throws MeshError NOT_FOUND, TOO_LARGE. */
  read(path: string, bytesMax: number): Uint8Array
}

interface Surroundings {
  readonly signal: AbortSignal
  /** Does what Ctrl-C does. */
  readonly interrupt: () => void
  readonly all: Context['commands']
}

export function createContext(
  io: Io,
  options: Options,
  globals: Globals,
  { signal, interrupt, all }: Surroundings,
): Context {
  const style = styleOf(io.env, io.stdout, options['color'])
  return {
    io,
    globals,
    style,
    signal,
    commands: all,
    now: io.now ?? (() => new Date()),
    client: (role, until = signal, agent = undefined) =>
      new Client(role, { ...globals, signal: until, agent }, () =>
        socketDirs(globals.config, io.env),
      ),
    print: (line) => void io.stdout.write(`${style.printable(line)}\n`),
    data: (text) => void io.stdout.write(`${text}\n`),
    say: (line) => {
      if (!globals.quiet) io.stderr.write(`${style.printable(line)}\n`)
    },
    confirm: (question) => confirm(io, globals, question, interrupt),
    read: readFile,
  }
}

export function terminal(io: Io, globals: Globals): boolean {
  return globals.input && io.stdin.isTTY === true && io.stderr.isTTY === true
}

/** What is not answered, by the end of the input or Ctrl-C, is a no. */
async function confirm(
  io: Io,
  globals: Globals,
  question: string,
  interrupt: () => void,
): Promise<boolean> {
  if (globals.yes) return true
  if (!terminal(io, globals)) return false
  const lines = createInterface({ input: io.stdin, output: io.stderr })
  // The terminal is in raw mode here: Ctrl-C is a key, and no signal.
  lines.on('SIGINT', () => {
    interrupt()
    lines.close()
  })
  try {
    const unanswered = new Promise<null>((done) => lines.once('close', () => done(null)))
    const answer = await Promise.race([lines.question(`${question} [y/N] `), unanswered])
    if (answer === null) io.stderr.write('\n')
    return /^y(es)?$/i.test(answer?.trim() ?? '')
  } catch (error) {
    if ((error as Error).name !== 'AbortError') throw error
    io.stderr.write('\n')
    return false // the input ended
  } finally {
    lines.close()
  }
}

function readFile(path: string, bytesMax: number): Uint8Array {
  let bytes: Uint8Array
  try {
    bytes = readFileSync(path === '-' ? 0 : path)
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? 'cannot be read'
    throw new MeshError('NOT_FOUND', `${path}: ${code === 'ENOENT' ? 'no such file' : code}`, {
      cause: error,
    })
  }
  if (bytes.length > bytesMax)
    throw new MeshError('TOO_LARGE', `${path}: larger than ${bytesMax} bytes`)
  return bytes
}

/**
 * Where the daemon's sockets may be: in the directory that a named
 * configuration gives, else the user's own place, else the system's. YAML is
 * read only when a file is named: a usual command opens nothing but a socket.
 */
async function socketDirs(config: string | null, env: Io['env']): Promise<readonly string[]> {
  if (env['MESHD_API_DIR'] !== undefined) return [env['MESHD_API_DIR']]
  if (config !== null || env['MESHD_CONFIG'] !== undefined) {
    const { loadConfig } = await import('../daemon/config.ts')
    return [loadConfig(config, env).config.api.dir]
  }
  const state = env['XDG_STATE_HOME'] ?? join(env['HOME'] ?? '/', '.local/state')
  const own = join(env['XDG_RUNTIME_DIR'] ?? state, 'meshd')
  return process.getuid?.() === 0 ? ['/run/meshd'] : [own, '/run/meshd']
}
