/**
 * A host on this machine, for the demonstration and for the tests that need
 * real processes: a folder with its configuration, a daemon in a process of
 * its own, and the same commands that a person would type, run in this one.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { closeSync, mkdirSync, openSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Writable } from 'node:stream'
import { assert } from '../core/assert.ts'
import { MeshError, PROBLEMS } from '../core/problems.ts'
import type { Io } from './context.ts'
import { packageRoot } from './package.ts'

const LAUNCHER = join(packageRoot(), 'bin/meshd.js')
const STOP_MS = 6_000

/** What one command said, and how it ended. */
export interface Said {
  readonly status: number
  readonly stdout: string
  readonly stderr: string
}

export interface HostOptions {
  readonly name: string
  readonly dir: string
  /** The operator's keys; hosts of one operator share them. */
  readonly keyStore: string
  readonly labels?: Readonly<Record<string, string>>
  /** Of another installation than this one. */
  readonly launcher?: string
}

export class Host {
  readonly name: string
  readonly dir: string
  readonly env: Readonly<Record<string, string>>
  #daemon: ChildProcess | null = null
  readonly #launcher: string
  /** Listening port, kept over restarts so that peers find it again. */
  readonly #port: number

  constructor({ name, dir, keyStore, labels = {}, launcher = LAUNCHER }: HostOptions, port = 0) {
    this.name = name
    this.#launcher = launcher
    this.dir = dir
    this.#port = port
    mkdirSync(dir, { recursive: true, mode: 0o700 })
    this.env = {
      PATH: process.env['PATH'] ?? '',
      HOME: dir,
      MESHD_CONFIG: join(dir, 'meshd.yaml'),
      MESHD_KEY_STORE: keyStore,
    }
    writeFileSync(this.env['MESHD_CONFIG'] ?? '', this.#config(labels), { mode: 0o600 })
  }

  get socketsDir(): string {
    return join(this.dir, 's')
  }

  get pid(): number {
    if (this.#daemon?.pid === undefined) throw new MeshError('UNREACHABLE', `${this.name} is down`)
    return this.#daemon.pid
  }

  #config(labels: Readonly<Record<string, string>>): string {
    const lines = [
      'version: 1',
      `node: { name: ${this.name}, data_dir: ${this.dir}/data, keys_dir: ${this.dir}/keys }`,
      `mesh: { listen: [/ip4/127.0.0.1/tcp/${this.#port}] }`,
      `api: { dir: ${this.socketsDir} }`,
      'audit: { disk_reserve: 1MiB }',
      'log: { level: info, format: json }',
      ...(Object.keys(labels).length === 0
        ? []
        : [`environment: { labels: ${JSON.stringify(labels)} }`]),
    ]
    return `${lines.join('\n')}\n`
  }

  /** Starts the daemon; its words go to daemon.log. Resolves when the process runs, not when it is ready. */
  start(env: Readonly<Record<string, string>> = {}): void {
    assert(!this.#runs(), `${this.name} runs already`)
    const log = openSync(this.logFile, 'a', 0o600)
    this.#daemon = spawn(process.execPath, [this.#launcher, 'start'], {
      env: { ...this.env, ...env },
      stdio: ['ignore', log, log],
    })
    closeSync(log)
    // What goes wrong stands in the log; the commands that need the daemon say the rest.
    this.#daemon.on('error', () => {})
  }

  /** A second one would be out of reach: nobody could end it. */
  #runs(): boolean {
    return (
      this.#daemon !== null && this.#daemon.exitCode === null && this.#daemon.signalCode === null
    )
  }

  /** Resolves when the daemon answers on its socket. @throws MeshError with the last words of a daemon that ended */
  async answers(msMax = 30_000): Promise<void> {
    const untilMs = performance.now() + msMax
    for (;;) {
      const said = await this.run('status', '-q')
      if (said.status !== PROBLEMS.UNREACHABLE.exit) return
      if (!this.#runs() || performance.now() > untilMs)
        throw new MeshError('UNREACHABLE', `${this.name}: ${lastLine(this.log()) || said.stderr}`)
      await new Promise((done) => setTimeout(done, 50))
    }
  }

  /** Lets the daemon outlive this process. */
  release(): void {
    this.#daemon?.unref()
  }

  get logFile(): string {
    return join(this.dir, 'daemon.log')
  }

  log(): string {
    return readFileSync(this.logFile, 'utf8')
  }

  /** Ends the daemon and gives its exit status; null when a signal ended it. */
  async stop(signal: NodeJS.Signals = 'SIGTERM'): Promise<number | null> {
    const daemon = this.#daemon
    if (daemon === null || !this.#runs()) return daemon?.exitCode ?? null
    const ended = new Promise<void>((done) => daemon.once('exit', () => done()))
    daemon.kill(signal)
    const kill = setTimeout(() => daemon.kill('SIGKILL'), STOP_MS)
    await ended
    clearTimeout(kill)
    this.#daemon = null
    return daemon.exitCode
  }

  /** Runs one command here, in this process, as if it had been typed on that host. */
  async run(...words: readonly string[]): Promise<Said> {
    const [{ run }, { CommandTable, FAMILIES }] = await Promise.all([
      import('./run.ts'),
      import('./commands.ts'),
    ])
    const [stdout, stderr] = [new Collected(), new Collected()]
    const io: Io = { stdout, stderr, stdin: process.stdin, env: this.env }
    const status = await run([...words, '--no-input'], io, new CommandTable(FAMILIES))
    return { status, stdout: stdout.text, stderr: stderr.text }
  }

  /** The same, which must succeed. @throws MeshError with what it said */
  async do(...words: readonly string[]): Promise<string> {
    const said = await this.run(...words)
    if (said.status === 0) return said.stdout
    const what = `${this.name}$ meshd ${words.join(' ')}`
    throw new MeshError('INVALID_ANSWER', `${what}: exit ${said.status}: ${said.stderr.trim()}`)
  }

  /** What a command answers as JSON. */
  async ask<T>(...words: readonly string[]): Promise<T> {
    return JSON.parse(await this.do(...words, '--json')) as T
  }
}

function lastLine(text: string): string {
  return text.trim().split('\n').at(-1) ?? ''
}

class Collected extends Writable {
  readonly isTTY = false
  text = ''

  override _write(chunk: Buffer, _: BufferEncoding, done: () => void): void {
    this.text += chunk.toString()
    done()
  }
}
