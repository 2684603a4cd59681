/**
 * Reads the tree of one log: what comes from disk is a claim until its parent,
 * and in the end the right edge in memory, says the same.
 *
 *     record → its tile → the tile above → … → frontier
 */
import { assert } from '../core/assert.ts'
import { concat, equalBytes } from '../core/bytes.ts'
import { TILES_REMEMBERED_MAX } from '../core/limits.ts'
import { Memo } from '../core/memo.ts'
import { HASH_BYTES, type Hash, leafHash, peakPlaces, rootHash } from '../core/merkle.ts'
import { TILE_WIDTH } from '../core/tile.ts'
import { damaged, pruned } from './failures.ts'
import { countAt, Frontier, fold, levelsOf } from './frontier.ts'

/** One log on disk; what it gives was not looked at. */
export interface RawLog {
  readonly epoch: number
  records(first: number, count: number): Promise<readonly Uint8Array[]>
  pick(indexes: readonly number[]): Promise<readonly Uint8Array[]>
  tile(level: number, index: number): Promise<Uint8Array | undefined>
}

/** The right edge as the disk has it: the last records, and the roots of the last tiles of each level. */
export async function readFrontier(raw: RawLog, size: number): Promise<Frontier> {
  const levels: Hash[][] = []
  for (let level = 0; level < levelsOf(size); level += 1) {
    const count = countAt(size, level)
    const first = count - (count % TILE_WIDTH)
    levels.push(
      level === 0
        ? (await raw.records(first, count - first)).map((record) => leafHash(record))
        : await rootsOf(raw, level - 1, first, count),
    )
  }
  return Frontier.of(size, levels)
}

async function rootsOf(raw: RawLog, level: number, first: number, end: number): Promise<Hash[]> {
  const roots: Hash[] = []
  for (let index = first; index < end; index += 1)
    roots.push(fold(split(await readTile(raw, level, index))))
  return roots
}

async function readTile(raw: RawLog, level: number, index: number): Promise<Uint8Array> {
  const bytes = await raw.tile(level, index)
  if (bytes?.length === TILE_WIDTH * HASH_BYTES) return bytes
  throw damaged(`tile ${level}/${index} of log ${raw.epoch} is not there`)
}

export class Tiles {
  readonly #raw: RawLog
  #frontier: Frontier
  #least = 0
  readonly #verified = new Memo<string, readonly Hash[]>(TILES_REMEMBERED_MAX)

  constructor(raw: RawLog, frontier: Frontier) {
    this.#raw = raw
    this.#frontier = frontier
  }

  get frontier(): Frontier {
    return this.#frontier
  }

  /** Records below it were pruned. */
  get least(): number {
    return this.#least
  }

  prune(least: number): void {
    this.#least = least
  }

  /** To where the log is once a batch is durable; its full tiles are there then. */
  advance(frontier: Frontier): void {
    this.#frontier = frontier
  }

  /** Of the first `size` records. */
  async rootHashAt(size: number): Promise<Hash> {
    const peaks: Hash[] = []
    for (const { level, index } of peakPlaces(size)) peaks.push(await this.node(level, index))
    return rootHash({ size, peaks })
  }

  /** @throws MeshError LOG_DAMAGED, NOT_FOUND for what was pruned */
  async records(first: number, count: number): Promise<readonly Uint8Array[]> {
    assert(
      first >= 0 && count >= 0 && first + count <= this.#frontier.size,
      'only what is in a log is read',
    )
    if (count > 0 && first < this.#least) throw pruned(first)
    const records = await this.#raw.records(first, count)
    for (const [i, record] of records.entries()) await this.#check(record, first + i)
    return records
  }

  /** In the order of the indexes. @throws MeshError LOG_DAMAGED, NOT_FOUND for what was pruned */
  async pick(indexes: readonly number[]): Promise<readonly Uint8Array[]> {
    const { size } = this.#frontier
    assert(
      indexes.every((index) => index >= 0 && index < size),
      'only what is in a log is read',
    )
    const gone = indexes.find((index) => index < this.#least)
    if (gone !== undefined) throw pruned(gone)
    const records = await this.#raw.pick(indexes)
    for (const [i, record] of records.entries()) await this.#check(record, indexes[i] as number)
    return records
  }

  async #check(record: Uint8Array, index: number): Promise<void> {
    if (equalBytes(leafHash(record), await this.#entry(0, index))) return
    throw damaged(`record ${index} of log ${this.#raw.epoch} is not what was written`)
  }

  /** null when it is not full yet. */
  async tile(level: number, index: number): Promise<Uint8Array | null> {
    if (index >= countAt(this.#frontier.size, level + 1)) return null
    return concat(...(await this.#tile(level, index)))
  }

  async node(level: number, index: number): Promise<Hash> {
    const width = 2 ** (level % 8)
    const tileLevel = Math.floor(level / 8)
    const end = (index + 1) * width
    assert(end <= countAt(this.#frontier.size, tileLevel), 'a node is of a subtree that is whole')
    const hashes: Hash[] = []
    for (let at = index * width; at < end; at += 1) hashes.push(await this.#entry(tileLevel, at))
    return fold(hashes)
  }

  /** A leaf hash on level 0, the root of a full tile above. */
  async #entry(level: number, index: number): Promise<Hash> {
    const tileIndex = Math.floor(index / TILE_WIDTH)
    if (tileIndex >= countAt(this.#frontier.size, level + 1)) return this.#frontier.at(level, index)
    const hashes = await this.#tile(level, tileIndex)
    return hashes[index % TILE_WIDTH] as Hash
  }

  async #tile(level: number, index: number): Promise<readonly Hash[]> {
    const key = `${level}/${index}`
    const known = this.#verified.get(key)
    if (known !== undefined) return known
    const hashes = split(await readTile(this.#raw, level, index))
    if (!equalBytes(fold(hashes), await this.#entry(level + 1, index)))
      throw damaged(`tile ${key} of log ${this.#raw.epoch} is not what was written`)
    this.#verified.set(key, hashes)
    return hashes
  }
}

function split(tile: Uint8Array): readonly Hash[] {
  return Array.from({ length: TILE_WIDTH }, (_, i) =>
    tile.slice(i * HASH_BYTES, (i + 1) * HASH_BYTES),
  )
}
