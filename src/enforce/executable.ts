/**
 * What a command would run, found once and held: what is decided is what runs.
 *
 *     a program    program.ts
 *     a script     its bytes are read once, hashed, and handed to the interpreter that its first
 *                  line names as a sealed copy, /proc/self/fd/3; the interpreter is a program
 *
 * A script that root alone can change is run by its name, as ever. JavaScript
 * runtimes read a script by its real path whatever they are given, and with it
 * what lies beside it: they are given that, and it is looked at once more when
 * they run.
 */
import { createHash } from 'node:crypto'
import { type BigIntStats, closeSync, readFileSync, statSync } from 'node:fs'
import { basename } from 'node:path'
import { EXEC_SCRIPT_BYTES_MAX } from '../core/limits.ts'
import { sealed } from './kernel.ts'
import { locate, parseShebang, rootAlone, Unrunnable } from './locate.ts'
import { LINUX, Opened, Program, same } from './program.ts'

/** What node:child_process is told. */
export interface Start {
  readonly file: string
  readonly argv0: string
  readonly args: readonly string[]
  /** A descriptor that the child has as its number 3; null for none. */
  readonly script: number | null
}

interface Script {
  readonly path: string
  readonly digest: string
  /** By which its interpreter opens it. */
  readonly reference: string
  /** Sealed; null where it is read by its path. */
  readonly copy: number | null
  /** What it was when it was hashed, where it is read by its path and others can change that. */
  readonly was: BigIntStats | null
}

const IN_CHILD = LINUX ? '/proc/self/fd/3' : '/dev/fd/3'
const NAMELESS = 'its first line names no interpreter'
const BY_REAL_PATH: readonly string[] = ['node', 'nodejs', 'bun', 'deno']

export class Executable {
  readonly #program: Program
  readonly #script: Script | null
  readonly #argv0: string
  /** Words before those of the command. */
  readonly #before: readonly string[]

  private constructor(
    program: Program,
    script: Script | null,
    argv0: string,
    before: readonly string[],
  ) {
    this.#program = program
    this.#script = script
    this.#argv0 = argv0
    this.#before = before
  }

  /** @param path where words are looked for. @throws Unrunnable */
  static async find(word: string, path: string): Promise<Executable> {
    const open = new Opened(locate(word, path))
    if (!open.isScript) return new Executable(await programOf(open), null, word, [])
    try {
      const line = parseShebang(open.head)
      if (line === null) throw new Unrunnable('not executable', NAMELESS)
      const program = await programOf(new Opened(locate(line.word, path)))
      const script = readScript(open, basename(program.path))
      return new Executable(program, script, line.word, [...line.args, script.reference])
    } finally {
      open.close()
    }
  }

  /** The real path of what was named: a program, or a script. */
  get path(): string {
    return (this.#script ?? this.#program).path
  }

  /** sha256 of that file, in hex. */
  get digest(): string {
    return (this.#script ?? this.#program).digest
  }

  /** What runs it, if it is a script. */
  get interpreter(): { readonly path: string; readonly digest: string } | null {
    return this.#script === null ? null : this.#program
  }

  start(args: readonly string[]): Start {
    const script = this.#script?.copy ?? null
    return {
      file: this.#program.file,
      argv0: this.#argv0,
      args: [...this.#before, ...args],
      script,
    }
  }

  /** Whether it may be another by now than the one that was hashed. */
  get changed(): boolean {
    const { was = null, path = '' } = this.#script ?? {}
    return this.#program.changed || (was !== null && !unchanged(was, path))
  }

  /** Nothing of it can change any more: it runs. */
  started(): void {
    this.#program.started()
  }

  close(): void {
    this.#program.close()
    if (this.#script?.copy != null) closeSync(this.#script.copy)
  }
}

async function programOf(open: Opened): Promise<Program> {
  try {
    return await Program.of(open)
  } catch (error) {
    open.close()
    throw error
  }
}

/** @throws Unrunnable */
function readScript(open: Opened, interpreter: string): Script {
  const { fd, name, path } = open
  const was = open.stat()
  if (was.size > EXEC_SCRIPT_BYTES_MAX)
    throw new Unrunnable('not executable', `a script of more than ${EXEC_SCRIPT_BYTES_MAX} bytes`)
  const bytes = readFileSync(fd)
  const named = { path, digest: createHash('sha256').update(bytes).digest('hex') }
  if (rootAlone(name)) return { ...named, reference: name, copy: null, was: null }
  if (BY_REAL_PATH.includes(interpreter)) return { ...named, reference: path, copy: null, was }
  return { ...named, reference: IN_CHILD, copy: sealed(bytes), was: null }
}

function unchanged(was: BigIntStats, path: string): boolean {
  const now = statSync(path, { bigint: true, throwIfNoEntry: false })
  return now !== undefined && same(was, now)
}
