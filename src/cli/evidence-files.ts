/** Evidence on a disk: a tar, or the same files in a folder. Written beside its place first: half of it is never there. */
import {
  closeSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
  writeSync,
} from 'node:fs'
import { basename, dirname, join } from 'node:path'
import type { Files } from '../core/evidence-bundle.ts'
import { TAR_FILES_MAX } from '../core/limits.ts'
import { Malformed } from '../core/malformed.ts'
import { MeshError } from '../core/problems.ts'
import { isTarName, readTar, tarEnd, tarFill, tarHead } from '../core/tar.ts'
import { openPart, writing } from './named-file.ts'

/** Takes files one after the other; only what was finished is there afterwards. */
export interface Sink {
  add(name: string, bytes: Uint8Array): void
  finish(): void
  /** Leaves nothing behind. */
  drop(): void
}

/** @throws MeshError NOT_FOUND when it cannot be written */
export function tarSink(file: string): Sink {
  return writing(file, () => {
    const part = `${file}.part`
    const descriptor = openPart(part)
    const write = (bytes: Uint8Array) => {
      for (let at = 0; at < bytes.length; ) at += writeSync(descriptor, bytes, at)
    }
    return {
      add: (name, bytes) => {
        for (const each of [tarHead(name, bytes.length), bytes, tarFill(bytes.length)]) write(each)
      },
      finish: () => {
        write(tarEnd())
        closeSync(descriptor)
        renameSync(part, file)
      },
      drop: () => {
        closeSync(descriptor)
        rmSync(part, { force: true })
      },
    }
  })
}

/** @param folder must not be there yet @throws MeshError CONFLICT, NOT_FOUND */
export function folderSink(folder: string): Sink {
  if (existsSync(folder))
    throw new MeshError('CONFLICT', `${folder} is there already`, { hint: 'name another folder' })
  return writing(folder, () => {
    const part = mkdtempSync(join(dirname(folder), `.${basename(folder)}-`))
    return {
      add: (name, bytes) => {
        mkdirSync(join(part, dirname(name)), { recursive: true })
        writeFileSync(join(part, name), bytes)
      },
      finish: () => renameSync(part, folder),
      drop: () => rmSync(part, { recursive: true, force: true }),
    }
  })
}

/** @throws Malformed */
export function tarFiles(bytes: Uint8Array): Files {
  const entries = new Map(readTar(bytes).map((entry) => [entry.name, entry]))
  return {
    names: [...entries.keys()],
    read: (name) => {
      const entry = entries.get(name)
      if (entry === undefined) throw new Malformed(`${name} is missing`)
      return bytes.subarray(entry.start, entry.start + entry.size)
    },
  }
}

/** Plain files and folders alone: no link leads out of it. @throws Malformed */
export function folderFiles(folder: string): Files {
  const names = [...namesIn(folder, '')].sort()
  const known = new Set(names)
  return {
    names,
    read: (name) => {
      if (!known.has(name)) throw new Malformed(`${name} is missing`)
      return readFileSync(join(folder, name))
    },
  }
}

function* namesIn(folder: string, below: string): Generator<string> {
  let count = 0
  for (const entry of readdirSync(join(folder, below), { withFileTypes: true })) {
    const name = `${below}${entry.name}`
    count += 1
    if (!isTarName(name) || count > TAR_FILES_MAX) throw new Malformed(`${name} has no place here`)
    if (entry.isDirectory()) yield* namesIn(folder, `${name}/`)
    else if (entry.isFile()) yield name
    else throw new Malformed(`${name} is neither a file nor a folder`)
  }
}

export function isFolder(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() === true
}
