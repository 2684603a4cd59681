/**
 * A file that the kernel is to run, open and hashed. It is started through its
 * descriptor, wherever its name leads by then. Until it runs nobody can write
 * into it (a lease); from then on the kernel refuses writers. Where there is no
 * lease to be had (another's file, some network file systems) it is looked at
 * again once it runs. What root alone can change is run by its name: who can
 * change that needs no gap.
 */
import { createHash } from 'node:crypto'
import {
  type BigIntStats,
  closeSync,
  constants,
  fstatSync,
  openSync,
  readlinkSync,
  readSync,
  realpathSync,
} from 'node:fs'
import { EXECUTABLE_SETTLED_MS, SHEBANG_BYTES_MAX } from '../core/limits.ts'
import { endLease, lease } from './kernel.ts'
import { rootAlone, Unrunnable } from './locate.ts'

export const LINUX = process.platform === 'linux'
const CHUNK_BYTES = 1024 * 1024
const ELF = Buffer.from('\x7fELF')

/** An open file, and what it was found by. */
export class Opened {
  readonly fd: number
  readonly name: string
  /** The real path: of what is open, not of what the name leads to by now. */
  readonly path: string
  /** As it begins. */
  readonly head: Uint8Array

  /** @throws Unrunnable */
  constructor(name: string) {
    this.name = name
    try {
      this.fd = openSync(name, constants.O_RDONLY)
    } catch {
      throw new Unrunnable('not executable', 'it cannot be read, so what it is cannot be decided')
    }
    this.path = LINUX ? readlinkSync(`/proc/self/fd/${this.fd}`) : realpathSync(name)
    const head = Buffer.alloc(SHEBANG_BYTES_MAX)
    this.head = head.subarray(0, readSync(this.fd, head, 0, head.length, 0))
  }

  get isScript(): boolean {
    return this.head[0] === 0x23 && this.head[1] === 0x21
  }

  stat(): BigIntStats {
    return fstatSync(this.fd, { bigint: true })
  }

  close(): void {
    closeSync(this.fd)
  }
}

export class Program {
  readonly path: string
  /** sha256 of the file, in hex. */
  readonly digest: string
  /** By which it is started. */
  readonly file: string
  readonly #open: Opened
  /** What it was when it was hashed, where nothing keeps it so. */
  readonly #was: BigIntStats | null
  #held = false
  #wanted = false
  /** Somebody wants to write, and waits for us. The default of that signal would end this process. */
  readonly #breaks = () => {
    this.#wanted = true
    this.started()
  }

  private constructor(open: Opened, fixed: boolean) {
    this.#open = open
    this.path = open.path
    this.file = LINUX && !fixed ? `/proc/self/fd/${open.fd}` : open.path
    if (!fixed) this.#hold()
    const was = open.stat()
    this.digest = digestOf(open.fd)
    this.#was = fixed || this.#held ? null : was
  }

  /** @throws Unrunnable */
  static async of(open: Opened): Promise<Program> {
    if (LINUX && !ELF.equals(open.head.subarray(0, ELF.length)))
      throw new Unrunnable(
        'not executable',
        `${open.path} is neither a program nor a script that names one`,
      )
    const fixed = rootAlone(open.name)
    // A change in the same tick of the file system's clock as an earlier one would not show.
    const settled = Number(open.stat().ctimeMs) + EXECUTABLE_SETTLED_MS - Date.now()
    if (!fixed && settled > 0) await new Promise((done) => setTimeout(done, settled))
    return new Program(open, fixed)
  }

  /** Whether it may be another by now than the one that was hashed. */
  get changed(): boolean {
    return this.#wanted || (this.#was !== null && !same(this.#was, this.#open.stat()))
  }

  #hold(): void {
    process.on('SIGIO', this.#breaks)
    this.#held = lease(this.#open.fd)
    if (!this.#held) process.off('SIGIO', this.#breaks)
  }

  /** The kernel keeps writers away by itself from here on, or it never ran. */
  started(): void {
    if (!this.#held) return
    this.#held = false
    endLease(this.#open.fd)
    process.off('SIGIO', this.#breaks)
  }

  close(): void {
    this.started()
    this.#open.close()
  }
}

/** Every write changes one of them; who may set a time back may not set that of the change. */
export function same(one: BigIntStats, other: BigIntStats): boolean {
  const marks = ['dev', 'ino', 'size', 'mtimeNs', 'ctimeNs'] as const
  return marks.every((mark) => one[mark] === other[mark])
}

function digestOf(fd: number): string {
  const hash = createHash('sha256')
  const chunk = Buffer.allocUnsafe(CHUNK_BYTES)
  for (let at = 0; ; ) {
    const read = readSync(fd, chunk, 0, chunk.length, at)
    if (read === 0) return hash.digest('hex')
    hash.update(chunk.subarray(0, read))
    at += read
  }
}
