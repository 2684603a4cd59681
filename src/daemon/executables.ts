/**
 * What a process runs, by the content of its file: the sha256 of
 * /proc/<pid>/exe, which is the file itself, also when another took its name.
 *
 * Opened once and hashed through that descriptor, then remembered by device,
 * inode, size and both times, and compared with them at each decision. A file
 * that runs cannot be written, and one that was written has other times, but
 * within one tick of the file system's clock: what changed a moment ago is
 * remembered for nobody.
 */
import { createHash } from 'node:crypto'
import { type BigIntStats, readlinkSync, statSync } from 'node:fs'
import { type FileHandle, open, stat, statfs } from 'node:fs/promises'
import {
  CALLER_EXE_BYTES_MAX,
  CALLER_EXE_CHUNK_BYTES,
  CALLER_EXE_SETTLED_MS,
  CALLER_EXES_HASHED_MAX,
  CALLER_EXES_REMEMBERED_MAX,
  CALLER_EXES_WAITING_MAX,
} from '../core/limits.ts'

/** One file as it is now. */
export type Stamp = Pick<BigIntStats, 'dev' | 'ino' | 'size' | 'mtimeNs' | 'ctimeNs'>

export interface Executable {
  readonly stamp: Stamp
  /** sha256, hex. */
  readonly digest: string
  /** Where this node finds that very file; null when that is not where the process has it from. */
  readonly path: string | null
  /** Whether the file cannot change again and bear the same times. */
  readonly settled: boolean
}

/** A user's own file system may give this daemon other bytes than the process runs (statfs(2), FUSE_SUPER_MAGIC). */
const FUSE_TYPE = 0x65735546

export class Executables {
  /** By stamp, in the order of their last use. */
  readonly #digests = new Map<string, string>()
  readonly #hashing = new Map<string, Promise<string | null>>()
  readonly #waiting: (() => void)[] = []
  #running = 0

  /** @param ended whether pid may by now be somebody else's number */
  async measure(pid: number, ended: () => boolean): Promise<Executable | null> {
    try {
      await using file = await open(linkOf(pid), 'r')
      const stamp = await file.stat({ bigint: true })
      if (!stamp.isFile() || stamp.size > BigInt(CALLER_EXE_BYTES_MAX)) return null
      if ((await statfs(linkOf(pid))).type === FUSE_TYPE) return null
      const path = await pathOf(pid, stamp)
      // Everything before this was read of that process.
      if (ended()) return null
      const digest = await this.#digestOf(file, stamp)
      return digest === null ? null : { stamp, digest, path, settled: settled(stamp) }
    } catch {
      return null // gone, or of another user and without CAP_SYS_PTRACE: not measured is absent, and absent denies
    }
  }

  async #digestOf(file: FileHandle, stamp: BigIntStats): Promise<string | null> {
    const key = keyOf(stamp)
    const known = this.#digests.get(key)
    if (known !== undefined) {
      this.#digests.delete(key)
      this.#digests.set(key, known)
      return known
    }
    if (!settled(stamp)) return this.#hash(file, stamp)
    const hashing = this.#hashing.get(key) ?? this.#hash(file, stamp)
    this.#hashing.set(key, hashing)
    try {
      return await hashing
    } finally {
      this.#hashing.delete(key)
    }
  }

  async #hash(file: FileHandle, stamp: BigIntStats): Promise<string | null> {
    if (!(await this.#turn())) return null
    try {
      const digest = await hashOf(file)
      const after = await file.stat({ bigint: true })
      if (!sameStamp(stamp, after)) return null
      if (settled(stamp)) this.#remember(keyOf(stamp), digest)
      return digest
    } finally {
      this.#running -= 1
      this.#waiting.shift()?.()
    }
  }

  /** Few at once, for hashing holds up everything else; false when too many wait. */
  async #turn(): Promise<boolean> {
    if (this.#running >= CALLER_EXES_HASHED_MAX) {
      if (this.#waiting.length >= CALLER_EXES_WAITING_MAX) return false
      await new Promise<void>((go) => this.#waiting.push(go))
    }
    this.#running += 1
    return true
  }

  #remember(key: string, digest: string): void {
    this.#digests.set(key, digest)
    const [oldest] = this.#digests.keys()
    if (this.#digests.size > CALLER_EXES_REMEMBERED_MAX && oldest !== undefined)
      this.#digests.delete(oldest)
  }
}

/** What the process runs now; null when that cannot be read. Synchronous: asked at each decision, with nothing in between. */
export function stampOf(pid: number): Stamp | null {
  try {
    return statSync(linkOf(pid), { bigint: true })
  } catch {
    return null
  }
}

export function sameStamp(one: Stamp, other: Stamp): boolean {
  return (
    one.ino === other.ino &&
    one.dev === other.dev &&
    one.size === other.size &&
    one.mtimeNs === other.mtimeNs &&
    one.ctimeNs === other.ctimeNs
  )
}

function linkOf(pid: number): string {
  return `/proc/${pid}/exe`
}

function keyOf({ dev, ino, size, mtimeNs, ctimeNs }: Stamp): string {
  return [dev, ino, size, mtimeNs, ctimeNs].join(':')
}

/** As git does with its index: of what changed just now, the next change could bear the same time. */
function settled({ ctimeNs }: Stamp): boolean {
  return Math.abs(Date.now() - Number(ctimeNs / 1_000_000n)) > CALLER_EXE_SETTLED_MS
}

async function hashOf(file: FileHandle): Promise<string> {
  const hash = createHash('sha256')
  const stream = file.createReadStream({
    start: 0,
    autoClose: false,
    highWaterMark: CALLER_EXE_CHUNK_BYTES,
  })
  for await (const chunk of stream) hash.update(chunk as Buffer)
  return hash.digest('hex')
}

/** A path of another mount namespace is the caller's own word: it is not looked up. */
async function pathOf(pid: number, stamp: Stamp): Promise<string | null> {
  if (readlinkSync(`/proc/${pid}/ns/mnt`) !== readlinkSync('/proc/self/ns/mnt')) return null
  const path = readlinkSync(linkOf(pid))
  try {
    const found = await stat(path, { bigint: true })
    return found.dev === stamp.dev && found.ino === stamp.ino ? path : null
  } catch {
    return null // removed, `/usr/bin/planner (deleted)`
  }
}
