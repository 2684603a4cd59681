/**
 * Files whose digest is a fact: `.meshd.env.files.<name>` is the sha256 (hex)
 * of what the configuration names. Measured at start and again whenever the
 * file's inode, size or times change; one that cannot be read, is no plain
 * file or is too large is absent, and what depends on it denies.
 */
import { createHash } from 'node:crypto'
import { open, stat } from 'node:fs/promises'
import { MEASURE_INTERVAL_MS, MEASURED_BYTES_MAX } from '../core/limits.ts'

interface Measured {
  readonly stamp: string
  readonly digest: string
}

export class MeasuredFiles {
  #paths: ReadonlyMap<string, string>
  readonly #measured = new Map<string, Measured>()
  #digests: ReadonlyMap<string, string> = new Map()
  #timer: NodeJS.Timeout | null = null

  constructor(paths: ReadonlyMap<string, string>) {
    this.#paths = paths
  }

  async start(): Promise<void> {
    await this.#measure()
    this.#timer = setInterval(() => void this.#measure(), MEASURE_INTERVAL_MS)
    this.#timer.unref()
  }

  stop(): void {
    if (this.#timer !== null) clearInterval(this.#timer)
  }

  /** Other files from now on: what a name no longer stands for is forgotten at once, what it stands for now is measured. */
  async use(paths: ReadonlyMap<string, string>): Promise<void> {
    const before = this.#paths
    this.#paths = paths
    for (const [name, path] of before) if (paths.get(name) !== path) this.#measured.delete(name)
    this.#tell()
    await this.#measure()
  }

  /** Name → sha256 hex, of those that could be measured. A map of its own for each measure that found something else. */
  digests(): ReadonlyMap<string, string> {
    return this.#digests
  }

  async #measure(): Promise<void> {
    const paths = this.#paths
    for (const [name, path] of paths) {
      const known = this.#measured.get(name) ?? null
      const measured = await measure(path, known)
      // The configuration may have given the name to another file meanwhile.
      if (measured === known || this.#paths.get(name) !== path) continue
      if (measured === null) this.#measured.delete(name)
      else this.#measured.set(name, measured)
      // At once: a file that changed is no fact for as long as another is hashed.
      this.#tell()
    }
  }

  #tell(): void {
    this.#digests = new Map([...this.#measured].map(([name, { digest }]) => [name, digest]))
  }
}

async function measure(path: string, known: Measured | null): Promise<Measured | null> {
  try {
    const found = await stat(path, { bigint: true })
    // To open a pipe would wait for somebody who writes into it.
    if (!found.isFile()) return null
    const { dev, ino, size, mtimeNs, ctimeNs } = found
    const stamp = [dev, ino, size, mtimeNs, ctimeNs].join(':')
    if (known?.stamp === stamp) return known
    if (size > BigInt(MEASURED_BYTES_MAX)) return null
    const digest = await digestOf(path)
    return digest === null ? null : { stamp, digest }
  } catch {
    return null // not measured is absent, and absent denies
  }
}

async function digestOf(path: string): Promise<string | null> {
  await using file = await open(path, 'r')
  if (!(await file.stat()).isFile()) return null
  const hash = createHash('sha256')
  for await (const chunk of file.createReadStream({ autoClose: false }))
    hash.update(chunk as Buffer)
  return hash.digest('hex')
}
