/**
 * What was acknowledged, and the newest published checkpoint, outside the
 * database: LevelDB opens without an error after it lost everything (FACTS 4).
 *
 *     0      standing, slot 0         4096   standing, slot 1
 *     8192   checkpoint, slot 0      12288   checkpoint, slot 1
 *
 * A slot: sequence 6 ‖ length 2 ‖ bytes ‖ 16 bytes of SHA-256 over all that. The two of a kind
 * are written in turns, so a torn write leaves the one before. The file is as
 * long as it will ever be from its creation on: a full disk takes it as well.
 */
import {
  closeSync,
  constants,
  fdatasync,
  fstatSync,
  fsyncSync,
  readSync,
  write,
  writeSync,
} from 'node:fs'
import { promisify } from 'node:util'
import { assert } from '../core/assert.ts'
import { equalBytes } from '../core/bytes.ts'
import { sha256 } from '../core/id.ts'
import { CHECKPOINT_BYTES_MAX } from '../core/limits.ts'
import { damaged } from './failures.ts'
import { createPrivate, openPrivate } from './private-file.ts'
import { formatStanding, parseStanding, type Standing } from './standing.ts'

const SLOT_BYTES = 4096
const HEAD_BYTES = 8
const CHECK_BYTES = 16
const KINDS = { standing: 0, checkpoint: 1 } as const
type Kind = keyof typeof KINDS

/** On Linux each write is its own fdatasync, at half the cost; elsewhere the flag promises less than that. */
const WRITES_SYNC = process.platform === 'linux'

const writeAt = promisify(write)
const sync = promisify(fdatasync)

export interface Slot {
  readonly sequence: number
  readonly bytes: Uint8Array
}

export class HeadFile {
  readonly #fd: number
  readonly #sequence: Record<Kind, number>
  /** Writes follow each other: with two at once both slots of a kind might be torn. */
  #last: Promise<unknown> = Promise.resolve()
  #closed = false
  readonly standing: Standing
  readonly checkpoint: Uint8Array | null

  private constructor(fd: number, standing: Slot, checkpoint: Slot | null) {
    this.#fd = fd
    this.#sequence = { standing: standing.sequence, checkpoint: checkpoint?.sequence ?? 0 }
    this.standing = parseStanding(standing.bytes)
    this.checkpoint = checkpoint?.bytes ?? null
  }

  /** Makes the file of a store in which nothing is yet, durable but for its name. */
  static create(path: string, standing: Standing): void {
    const fd = createPrivate(path)
    try {
      const bytes = Buffer.alloc(4 * SLOT_BYTES)
      bytes.set(formatSlot({ sequence: 1, bytes: formatStanding(standing) }), SLOT_BYTES)
      writeSync(fd, bytes, 0, bytes.length, 0)
      fsyncSync(fd)
    } finally {
      closeSync(fd)
    }
  }

  /** @throws MeshError LOG_DAMAGED when neither slot says what was acknowledged */
  static open(path: string): HeadFile {
    const fd = openPrivate(path, WRITES_SYNC ? constants.O_DSYNC : 0)
    try {
      if (fstatSync(fd).size !== 4 * SLOT_BYTES) throw damaged(`\`${path}\` has another length`)
      const standing = newest(fd, 'standing')
      if (standing === null) throw damaged(`\`${path}\` does not say what was acknowledged`)
      return new HeadFile(fd, standing, newest(fd, 'checkpoint'))
    } catch (error) {
      closeSync(fd)
      throw error
    }
  }

  /** Resolves once it is durable. */
  acknowledge(standing: Standing): Promise<void> {
    return this.#write('standing', formatStanding(standing))
  }

  /** Resolves once it is durable. */
  keep(checkpoint: Uint8Array): Promise<void> {
    assert(checkpoint.length <= CHECKPOINT_BYTES_MAX, 'a checkpoint fits its slot')
    return this.#write('checkpoint', checkpoint)
  }

  /** May be called again: the number of a closed file is soon another file's. */
  async close(): Promise<void> {
    if (this.#closed) return
    this.#closed = true
    await this.#last
    closeSync(this.#fd)
  }

  #write(kind: Kind, bytes: Uint8Array): Promise<void> {
    assert(!this.#closed, 'a closed head file takes nothing')
    const written = this.#last.then(async () => {
      const sequence = this.#sequence[kind] + 1
      const slot = formatSlot({ sequence, bytes })
      await writeAt(this.#fd, slot, 0, slot.length, offsetOf(kind, sequence))
      if (!WRITES_SYNC) await sync(this.#fd)
      this.#sequence[kind] = sequence
    })
    // The next one does not depend on this one; who waits for this one hears of its failure.
    this.#last = written.catch(() => {})
    return written
  }
}

function offsetOf(kind: Kind, sequence: number): number {
  return (2 * KINDS[kind] + (sequence % 2)) * SLOT_BYTES
}

export function formatSlot({ sequence, bytes }: Slot): Uint8Array {
  const slot = Buffer.alloc(HEAD_BYTES + bytes.length + CHECK_BYTES)
  slot.writeUIntBE(sequence, 0, 6)
  slot.writeUInt16BE(bytes.length, 6)
  slot.set(bytes, HEAD_BYTES)
  const end = HEAD_BYTES + bytes.length
  slot.set(sha256(slot.subarray(0, end)).subarray(0, CHECK_BYTES), end)
  return slot
}

/** null when it was never written, or torn. @param slot with whatever an older one left behind it */
export function parseSlot(slot: Uint8Array): Slot | null {
  if (slot.length < HEAD_BYTES) return null
  const head = Buffer.from(slot.buffer, slot.byteOffset, HEAD_BYTES)
  const end = HEAD_BYTES + head.readUInt16BE(6)
  const check = sha256(slot.subarray(0, end)).subarray(0, CHECK_BYTES)
  // Where there is too little of it there is no check either.
  if (!equalBytes(slot.subarray(end, end + CHECK_BYTES), check)) return null
  return { sequence: head.readUIntBE(0, 6), bytes: new Uint8Array(slot.subarray(HEAD_BYTES, end)) }
}

function readSlot(fd: number, offset: number): Slot | null {
  const slot = Buffer.alloc(SLOT_BYTES)
  readSync(fd, slot, 0, SLOT_BYTES, offset)
  return parseSlot(slot)
}

function newest(fd: number, kind: Kind): Slot | null {
  const slots = [0, 1]
    .map((turn) => readSlot(fd, offsetOf(kind, turn)))
    .filter((slot) => slot !== null)
  return slots.toSorted((a, b) => b.sequence - a.sequence)[0] ?? null
}
