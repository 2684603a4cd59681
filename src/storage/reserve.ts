/**
 * Room kept free for revocations: a file of zeroes that is given up when the
 * disk is full. Its room is what LevelDB needs to open again after that, and
 * what governance is then written into; records wait until there is enough for
 * both, and the file is back.
 */
import { closeSync, fstatSync, fsyncSync, rmSync, statfsSync, writeSync } from 'node:fs'
import { dirname } from 'node:path'
import { DISK_LOOK_MS, DISK_MARGIN_BYTES } from '../core/limits.ts'
import { createPrivate, openPrivate } from './private-file.ts'

const CHUNK = Buffer.alloc(1024 * 1024)

export interface ReserveOptions {
  readonly bytes: number
  /** Room below which the disk is low. */
  readonly marginBytes?: number
  /** Room for this user on the disk of a directory; another disk in tests. */
  readonly free?: (directory: string) => number
}

export class Reserve {
  readonly #path: string
  readonly #bytes: number
  readonly #marginBytes: number
  readonly #free: (directory: string) => number
  #lookedMs = Number.NEGATIVE_INFINITY
  #low: string | null = null
  #held: boolean
  /** So little is left that LevelDB may want more. */
  #scarce = false

  constructor(
    path: string,
    { bytes, marginBytes = DISK_MARGIN_BYTES, free = freeOn }: ReserveOptions,
  ) {
    this.#path = path
    this.#bytes = bytes
    this.#marginBytes = marginBytes
    this.#free = free
    this.#held = isWhole(path, bytes)
  }

  /** Why only governance may be written; null while there is room. */
  low(): string | null {
    const nowMs = performance.now()
    if (nowMs - this.#lookedMs < DISK_LOOK_MS) return this.#low
    this.#lookedMs = nowMs
    this.#low = this.#look()
    return this.#low
  }

  /**
   * Governance is about to be written: its room is given up before the disk refuses it, not after.
   * Not earlier either: whatever fills the disk would take it.
   */
  prepare(): void {
    this.#lookedMs = Number.NEGATIVE_INFINITY
    if (this.low() !== null && this.#held && this.#scarce) this.release()
  }

  /** Gives the room up: the disk said that it is full. */
  release(): void {
    rmSync(this.#path, { force: true })
    this.#held = false
    this.#lookedMs = Number.NEGATIVE_INFINITY
  }

  #look(): string | null {
    try {
      const free = this.#free(dirname(this.#path))
      this.#scarce = free < this.#marginBytes / 2
      // Twice the margin: what is taken back is not to be given up again at once.
      if (!this.#held && free >= this.#bytes + 2 * this.#marginBytes) this.#take()
      if (free < this.#marginBytes) return `the disk has ${mebibytes(free)} MiB left`
      return this.#held ? null : 'the disk reserve is used up'
    } catch (error) {
      // Room that nobody can measure is no room.
      return `the room on the disk is not known: ${error instanceof Error ? error.message : error}`
    }
  }

  #take(): void {
    rmSync(this.#path, { force: true })
    const fd = createPrivate(this.#path)
    try {
      for (let left = this.#bytes; left > 0; left -= CHUNK.length)
        writeSync(fd, CHUNK, 0, Math.min(left, CHUNK.length))
      fsyncSync(fd)
      this.#held = true
    } finally {
      closeSync(fd)
      // Half a reserve is none, and takes the room that others need.
      if (!this.#held) rmSync(this.#path, { force: true })
    }
  }
}

function isWhole(path: string, bytes: number): boolean {
  try {
    const fd = openPrivate(path)
    const { size } = fstatSync(fd)
    closeSync(fd)
    return size === bytes
  } catch {
    // Not there, or not ours: taken anew as soon as there is room.
    return false
  }
}

function freeOn(directory: string): number {
  const { bavail, bsize } = statfsSync(directory)
  return bavail * bsize
}

function mebibytes(bytes: number): number {
  return Math.floor(bytes / 1024 / 1024)
}
