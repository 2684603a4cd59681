/**
 * Where a command's file is, what its first line names, and whether anybody but
 * root could change what is found there.
 *
 *     #!/usr/bin/python3 -I⏎        its interpreter, and one argument (execve(2), "Interpreter scripts")
 *     #!/usr/bin/env node⏎          what `env` would look for in PATH is looked for here
 *     #!/usr/bin/env -S node --no-warnings⏎
 */
import { accessSync, constants, lstatSync, readlinkSync, statSync } from 'node:fs'
import { basename, dirname, isAbsolute, join, resolve } from 'node:path'
import { SHEBANG_BYTES_MAX, SYMLINKS_MAX } from '../core/limits.ts'

export type NotRun = 'not found' | 'not executable' | 'changed meanwhile'

/** Why there is nothing to run. */
export class Unrunnable extends Error {
  readonly why: NotRun

  constructor(why: NotRun, detail: string) {
    super(detail)
    this.why = why
  }
}

/** As a shell finds it: a path, or a word in one of the folders of PATH. @throws Unrunnable */
export function locate(word: string, path: string): string {
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
      if (statSync(candidate).isFile()) return candidate
      why = 'not executable'
    } catch (error) {
      // Not here, or not for us: the next folder.
      if ((error as NodeJS.ErrnoException).code === 'EACCES') why = 'not executable'
    }
  }
  throw new Unrunnable(why, why)
}

export interface Shebang {
  /** A path, or a word to look for in PATH; and what it is called. */
  readonly word: string
  readonly args: readonly string[]
}

/** @param head the first SHEBANG_BYTES_MAX bytes. null when they name no interpreter */
export function parseShebang(head: Uint8Array): Shebang | null {
  const end = head.subarray(0, SHEBANG_BYTES_MAX).indexOf(0x0a)
  const line = Buffer.from(head.subarray(2, Math.max(2, end))).toString()
  const [name = '', argument = ''] = splitOnce(line)
  if (end < 0 || !isAbsolute(name) || line.includes('\ufffd') || line.includes('\0')) return null
  const [word, ...args] = basename(name) === 'env' ? lookedUp(argument) : []
  if (word !== undefined) return { word, args }
  return { word: name, args: argument === '' ? [] : [argument] }
}

/** The kernel gives the rest of the line as one argument, whatever spaces it holds. */
function splitOnce(line: string): readonly string[] {
  const text = line.trim()
  const at = text.search(/[ \t]/)
  return at < 0 ? [text] : [text.slice(0, at), text.slice(at).trim()]
}

/** The words of what `env` is to run; none for what it takes otherwise, and does by itself. */
function lookedUp(argument: string): readonly string[] {
  const words = argument.split(/[ \t]+/)
  const plain = words[0] === '-S' ? words.slice(1) : words
  const [first = '-'] = plain
  const known = plain === words ? words.length === 1 : true
  return known && /^[\w./+]/.test(first) && !/["'\\$=#]/.test(argument) ? plain : []
}

/** Whether root alone can change what is found under this path, at any place of it. */
export function rootAlone(path: string, links = 0): boolean {
  if (links > SYMLINKS_MAX) return false
  for (let at = path; ; at = dirname(at)) {
    const { uid, mode } = lstatSync(at)
    const link = (mode & constants.S_IFMT) === constants.S_IFLNK
    if (uid !== 0 || (!link && (mode & 0o022) !== 0)) return false
    if (link && !rootAlone(resolve(dirname(at), readlinkSync(at)), links + 1)) return false
    if (at === dirname(at)) return true
  }
}
