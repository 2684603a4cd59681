/**
 * Files whose digest is a fact: `.meshd.env.files.<name>` is the sha256 (hex)
 * of what the configuration names.
 */
import { createHash } from 'node:crypto'
import type { FileHandle } from 'node:fs/promises'
import { MEASURED_BYTES_MAX } from '../core/limits.ts'
import { type Watched, WatchedFiles } from './watched-files.ts'

export type MeasuredFiles = WatchedFiles<Watched, string>

type Tell = (what: string, error: unknown) => void

export function measuredFiles(paths: ReadonlyMap<string, string>, tell: Tell): MeasuredFiles {
  return new WatchedFiles(watched(paths), { bytesMax: MEASURED_BYTES_MAX, read: digestOf, tell })
}

export function watched(paths: ReadonlyMap<string, string>): ReadonlyMap<string, Watched> {
  return new Map([...paths].map(([name, path]) => [name, { path }]))
}

async function digestOf(file: FileHandle): Promise<string> {
  const hash = createHash('sha256')
  for await (const chunk of file.createReadStream({ start: 0, autoClose: false }))
    hash.update(chunk as Buffer)
  return hash.digest('hex')
}
