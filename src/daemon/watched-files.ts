/**
 * Files that stand for facts: read at start, and again whenever a file's inode,
 * size or times change. One that cannot be read, is no plain file, is too large
 * or does not say what it should is absent, and what depends on it denies.
 */
import { type BigIntStats, constants } from 'node:fs'
import { type FileHandle, open, stat } from 'node:fs/promises'
import { isDeepStrictEqual } from 'node:util'
import { MEASURE_INTERVAL_MS } from '../core/limits.ts'

export interface Watched {
  readonly path: string
}

export interface WatchedPorts<Spec extends Watched, T> {
  readonly bytesMax: number
  /** @throws for what is no fact; said once for each change of the file */
  read(file: FileHandle, spec: Spec): Promise<T>
  tell(what: string, error: unknown): void
}

interface Known<T> {
  readonly stamp: string
  /** null: read, and no fact. */
  readonly value: T | null
}

export class WatchedFiles<Spec extends Watched, T> {
  readonly #ports: WatchedPorts<Spec, T>
  #specs: ReadonlyMap<string, Spec>
  readonly #known = new Map<string, Known<T>>()
  #values: ReadonlyMap<string, T> = new Map()
  #timer: NodeJS.Timeout | null = null

  constructor(specs: ReadonlyMap<string, Spec>, ports: WatchedPorts<Spec, T>) {
    this.#specs = specs
    this.#ports = ports
  }

  async start(): Promise<void> {
    await this.#look()
    this.#timer = setInterval(() => void this.#look(), MEASURE_INTERVAL_MS)
    this.#timer.unref()
  }

  stop(): void {
    if (this.#timer !== null) clearInterval(this.#timer)
  }

  /** Other files from now on: what a name no longer stands for is forgotten at once, what it stands for now is read. */
  async use(specs: ReadonlyMap<string, Spec>): Promise<void> {
    const before = this.#specs
    this.#specs = specs
    for (const [name, spec] of before)
      if (!isDeepStrictEqual(specs.get(name), spec)) this.#known.delete(name)
    this.#tell()
    await this.#look()
  }

  /** Those that are facts now. A map of its own for each look that found something else. */
  values(): ReadonlyMap<string, T> {
    return this.#values
  }

  async #look(): Promise<void> {
    const specs = this.#specs
    for (const [name, spec] of specs) {
      const known = this.#known.get(name) ?? null
      const found = await this.#find(name, spec, known)
      // The configuration may have given the name to another file meanwhile.
      if (found === known || this.#specs.get(name) !== spec) continue
      if (found === null) this.#known.delete(name)
      else this.#known.set(name, found)
      // At once: a file that changed is no fact for as long as another is read.
      this.#tell()
    }
  }

  async #find(name: string, spec: Spec, known: Known<T> | null): Promise<Known<T> | null> {
    try {
      const found = await stat(spec.path, { bigint: true })
      // To open a pipe would wait for somebody who writes into it.
      if (!found.isFile()) return null
      if (known?.stamp === stampOf(found)) return known
      await using file = await open(spec.path, constants.O_RDONLY | constants.O_NONBLOCK)
      const opened = await file.stat({ bigint: true })
      if (!opened.isFile()) return null
      return { stamp: stampOf(opened), value: await this.#read(name, file, spec, opened) }
    } catch {
      return null // not measured is absent, and absent denies
    }
  }

  async #read(name: string, file: FileHandle, spec: Spec, { size }: BigIntStats) {
    const { bytesMax, read, tell } = this.#ports
    try {
      if (size > BigInt(bytesMax)) throw new Error(`larger than ${bytesMax} bytes`)
      return await read(file, spec)
    } catch (error) {
      tell(`\`${name}\`, ${spec.path}, is no fact`, error)
      return null
    }
  }

  #tell(): void {
    const facts = [...this.#known].flatMap(([name, { value }]) =>
      value === null ? [] : [[name, value] as const],
    )
    this.#values = new Map(facts)
  }
}

function stampOf({ dev, ino, size, mtimeNs, ctimeNs }: BigIntStats): string {
  return [dev, ino, size, mtimeNs, ctimeNs].join(':')
}
