/**
 * Copies of other nodes' logs on this disk.
 *
 *     mirror/<did>/<epoch>          {"bytes":81920,"least":0,"peaks":["5c1e…"],"size":40}
 *     copy/<did>/<epoch>/<index>    a record, as it is
 *
 * INVARIANT: the records of a copy and its tree are written in one batch, so
 * that the tree never speaks of records that are not there.
 */
import { fromHex, toHex, utf8 } from '../core/bytes.ts'
import { formatJson, parseCanonical } from '../core/json.ts'
import type { Did } from '../core/keys.ts'
import {
  COPY_STATE_BYTES_MAX,
  LOG_RECORDS_MAX,
  MIRROR_FORGOTTEN_AT_ONCE,
  MIRROR_LOG_BYTES_MAX,
} from '../core/limits.ts'
import { Malformed } from '../core/malformed.ts'
import { peakCount, type Tree } from '../core/merkle.ts'
import { hash, integer, list, object } from '../core/shape.ts'
import { damaged } from './damaged.ts'
import type { Put, Store } from './ports.ts'

export interface Copy {
  readonly tree: Tree
  /** Records below it were given up. */
  readonly least: number
  readonly bytes: number
}

export interface CopiesPorts {
  readonly store: Pick<Store, 'entries' | 'copies'>
  persist(puts: readonly Put[]): Promise<void>
}

const STORED = object({
  bytes: integer(0, 2 * MIRROR_LOG_BYTES_MAX),
  least: integer(0, LOG_RECORDS_MAX),
  peaks: list(hash, 32),
  size: integer(0, LOG_RECORDS_MAX),
})

export class Copies {
  readonly #ports: CopiesPorts
  /** By the name of the log: did and epoch. */
  readonly #copies: Map<string, Copy>

  private constructor(ports: CopiesPorts, copies: Map<string, Copy>) {
    this.#ports = ports
    this.#copies = copies
  }

  /** @throws MeshError LOG_DAMAGED */
  static async open(ports: CopiesPorts): Promise<Copies> {
    const copies = new Map<string, Copy>()
    for (const [name, value] of await ports.store.entries('mirror'))
      copies.set(name, parseCopy(name, value))
    return new Copies(ports, copies)
  }

  static nameOf(node: Did, epoch: number): string {
    return `${node}/${epoch}`
  }

  get(name: string): Copy | null {
    return this.#copies.get(name) ?? null
  }

  /** Names of logs that there is a copy of. */
  names(): readonly string[] {
    return [...this.#copies.keys()]
  }

  /** Of all of them. */
  get bytes(): number {
    return [...this.#copies.values()].reduce((sum, { bytes }) => sum + bytes, 0)
  }

  /** Adds records that were verified, and what the tree is after them. Resolves when they are durable. */
  async add(name: string, records: readonly Uint8Array[], tree: Tree): Promise<void> {
    const first = tree.size - records.length
    const known = this.#copies.get(name) ?? { least: first, bytes: 0 }
    const bytes = records.reduce((sum, { length }) => sum + length, known.bytes)
    const puts = records.map((value, i) => ({
      space: 'copy' as const,
      key: keyOf(name, first + i),
      value,
    }))
    await this.#keep(name, { tree, least: known.least, bytes }, puts)
  }

  /** Records of it from first on, up to count: those that the disk gives. What they are worth, the log's node knows. */
  async read(name: string, first: number, count: number): Promise<readonly Uint8Array[]> {
    const copy = this.#copies.get(name)
    if (copy === undefined || first < copy.least || first >= copy.tree.size) return []
    const end = Math.min(first + count, copy.tree.size)
    const keys = Array.from({ length: end - first }, (_, i) => keyOf(name, first + i))
    const records = await this.#ports.store.copies(keys)
    const missing = records.indexOf(null)
    return records.slice(0, missing < 0 ? records.length : missing).filter((each) => each !== null)
  }

  /** Gives up records below; all of the copy where it does not reach that far. Some at a time, each durably. */
  async forget(name: string, below: number): Promise<void> {
    for (let copy = this.get(name); copy !== null; copy = this.get(name)) {
      const { least, tree, bytes } = copy
      const end = Math.min(below, tree.size, least + MIRROR_FORGOTTEN_AT_ONCE)
      if (least >= tree.size && below >= tree.size) return this.#drop(name)
      if (end <= least) return
      const gone = await this.read(name, least, end - least)
      const left = bytes - gone.reduce((sum, { length }) => sum + length, 0)
      const puts = Array.from({ length: end - least }, (_, i) => ({
        ...{ space: 'copy' as const, key: keyOf(name, least + i), value: null },
      }))
      await this.#keep(name, { tree, least: end, bytes: left }, puts)
    }
  }

  async #drop(name: string): Promise<void> {
    await this.#ports.persist([{ space: 'mirror', key: name, value: null }])
    this.#copies.delete(name)
  }

  async #keep(name: string, copy: Copy, puts: readonly Put[]): Promise<void> {
    const state: Put = { space: 'mirror', key: name, value: formatCopy(copy) }
    await this.#ports.persist([...puts, state])
    this.#copies.set(name, copy)
  }
}

/** Ten digits, so that keys sort as they count. */
function keyOf(name: string, index: number): string {
  return `${name}/${String(index).padStart(10, '0')}`
}

function formatCopy({ tree: { size, peaks }, least, bytes }: Copy): Uint8Array {
  return utf8(formatJson({ bytes, least, peaks: peaks.map(toHex), size }))
}

/** @throws MeshError LOG_DAMAGED */
function parseCopy(name: string, value: Uint8Array): Copy {
  try {
    const { bytes, least, peaks, size } = STORED(parseCanonical(value, COPY_STATE_BYTES_MAX), name)
    if (peaks.length === peakCount(size) && least <= size)
      return { tree: { size, peaks: peaks.map(fromHex) }, least, bytes }
  } catch (error) {
    // Its check held, so that this was written by no program of ours.
    if (!(error instanceof Malformed)) throw error
  }
  throw damaged(`what is held of the log \`${name}\` cannot be read`)
}
