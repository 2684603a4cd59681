/**
 * Reads this node's log: by number, newest first, by id; proves that a record
 * is in it; and re-hashes all of it. Damage that a reader meets seals the log.
 */
import { equalBytes, toHex } from '../core/bytes.ts'
import { readCheckpoint } from '../core/checkpoint.ts'
import { idOf, type RecordId } from '../core/id.ts'
import { READ_RECORDS } from '../core/limits.ts'
import {
  append,
  EMPTY,
  HASH_BYTES,
  type Hash,
  leafHash,
  peakPlaces,
  rootHash,
  type Tree,
} from '../core/merkle.ts'
import { MeshError } from '../core/problems.ts'
import { proveConsistency, proveInclusion, type ReadNode } from '../core/proof.ts'
import { TILE_WIDTH } from '../core/tile.ts'
import type { Durable, Log } from './log.ts'
import type { Matches, Query, Store } from './ports.ts'

export interface LogReaderPorts {
  readonly log: Pick<Log, 'tree' | 'epoch' | 'seal'>
  readonly store: Store
}

export interface LogVerification {
  readonly epoch: number
  readonly size: number
  /** 64 hex digits. */
  readonly rootHash: string
  /** Records that the newest published checkpoint covers. */
  readonly published: number
  /** Records from 0 on that are what was written. */
  readonly verified: number
  /** Of those, the first so many by their tiles alone: they were pruned. */
  readonly pruned: number
  readonly problems: readonly string[]
}

export class LogReader {
  readonly #ports: LogReaderPorts

  constructor(ports: LogReaderPorts) {
    this.#ports = ports
  }

  /** Records below it were pruned. */
  get least(): number {
    return this.#ports.store.least
  }

  /** Records [first, first + count), as many of them as there are. @throws MeshError NOT_FOUND for pruned ones */
  async range(first: number, count: number): Promise<readonly Durable[]> {
    const { log, store } = this.#ports
    const end = Math.min(first + count, log.tree.size)
    if (first >= end) return []
    const records = await this.#sealing(() => store.records(first, end - first))
    return records.map((bytes, i) => ({ index: first + i, id: idOf(bytes), bytes }))
  }

  /** What decisions [first, first + count) were asked with, as exhibit.ts reads it; null where nothing was kept. */
  exhibits(first: number, count: number): Promise<readonly (Uint8Array | null)[]> {
    const { log, store } = this.#ports
    return store.exhibits(first, Math.max(0, Math.min(count, log.tree.size - first)))
  }

  /** null when the log is not that long. */
  async at(index: number): Promise<Durable | null> {
    return (await this.range(index, 1))[0] ?? null
  }

  /** The count records below `before`, newest first, down to the first that was not pruned. @param before null for the end of the log */
  async newest(before: number | null, count: number): Promise<readonly Durable[]> {
    const end = Math.min(before ?? Number.POSITIVE_INFINITY, this.#ports.log.tree.size)
    const first = Math.max(Math.min(this.least, end), end - count)
    return (await this.range(first, end - first)).toReversed()
  }

  /** null when no record of this log has the id. @throws MeshError NOT_FOUND, saying so, for a pruned one */
  async find(id: RecordId): Promise<Durable | null> {
    const index = await this.#ports.store.locate(id)
    if (index === null) return null
    // The index is a hint: the record itself says whether it is the one.
    const record = await this.at(index)
    return record?.id === id ? record : null
  }

  /** How many records there are. */
  get size(): number {
    return this.#ports.log.tree.size
  }

  /** Where records that probably match are, newest first: hints, for `pick` to read and the caller to compare. */
  search(query: Query, before: number, count: number): Promise<Matches> {
    return this.#ports.store.search(query, Math.min(before, this.size), count)
  }

  /** The records at these places, in this order. @param indexes hints: what is not in the log, or was pruned, is left out */
  async pick(indexes: readonly number[]): Promise<readonly Durable[]> {
    const there = indexes.filter((index) => index >= this.least && index < this.size)
    const records = await this.#sealing(() => this.#ports.store.pick(there))
    return records.map((bytes, i) => ({ index: there[i] as number, id: idOf(bytes), bytes }))
  }

  /** Of the first size records. */
  async rootHashAt(size: number): Promise<Hash> {
    return rootHash({ size, peaks: await this.peaksAt(size) })
  }

  /** Of the first size records. */
  async peaksAt(size: number): Promise<readonly Hash[]> {
    const { log, store } = this.#ports
    if (size > log.tree.size) throw beyond(size)
    const peaks: Hash[] = []
    for (const { level, index } of peakPlaces(size))
      peaks.push(await this.#sealing(() => store.node(level, index)))
    return peaks
  }

  /** That record `index` is in the log of `size` records. */
  inclusion(index: number, size = this.#ports.log.tree.size): Promise<readonly Hash[]> {
    if (index >= size || size > this.#ports.log.tree.size) throw beyond(Math.max(index + 1, size))
    return this.#prove((read) => proveInclusion(index, size, read))
  }

  /** That the log of n records continues that of m. */
  consistency(m: number, n = this.#ports.log.tree.size): Promise<readonly Hash[]> {
    if (m > n || n > this.#ports.log.tree.size) throw beyond(Math.max(m, n))
    return this.#prove((read) => proveConsistency(m, n, read))
  }

  /** The first `width` hashes of a tile (C2SP tlog-tiles). @throws MeshError NOT_FOUND when the log is not that long */
  async tile(level: number, n: number, width: number): Promise<readonly Hash[]> {
    const { log, store } = this.#ports
    const end = (n * TILE_WIDTH + width) * TILE_WIDTH ** level
    if (end > log.tree.size) throw beyond(end)
    const whole = width === TILE_WIDTH ? await this.#sealing(() => store.tile(level, n)) : null
    const hashes: Hash[] = []
    for (let i = 0; i < width; i += 1) {
      const hash =
        whole?.subarray(i * HASH_BYTES, (i + 1) * HASH_BYTES) ??
        (await this.#sealing(() => store.node(level * TILE_HEIGHT, n * TILE_WIDTH + i)))
      hashes.push(hash)
    }
    return hashes
  }

  /** Re-hashes the whole log as it is now, and compares it with its tree and with what was published. */
  async verifyLog(): Promise<LogVerification> {
    const { log, store } = this.#ports
    const { tree, epoch } = log
    const published = publishedOf(store.head, epoch)
    const problems: string[] = []
    let damage: string | null = null
    const { least } = this
    let found: Tree = EMPTY
    try {
      found = await this.#treeOf(least)
      if (found.size === published?.size && !equalBytes(rootHash(found), published.rootHash))
        problems.push(`the first ${found.size} records are not those that were published`)
      while (found.size < tree.size) {
        const count = Math.min(READ_RECORDS, tree.size - found.size)
        for (const record of await store.records(found.size, count)) {
          found = append(found, leafHash(record))
          if (found.size === published?.size && !equalBytes(rootHash(found), published.rootHash))
            problems.push(`the first ${found.size} records are not those that were published`)
        }
      }
      if (!equalBytes(rootHash(found), rootHash(tree)))
        problems.push('the records do not have the root hash of the log')
    } catch (error) {
      // What is damaged is the answer here; anything else is not.
      if (!(error instanceof MeshError) || error.code !== 'LOG_DAMAGED') throw error
      damage = error.message
      problems.push(damage)
    }
    // Another log by now: what was read may be of either, and damage of neither.
    if (log.epoch !== epoch)
      throw new MeshError('NOT_READY', 'the log was retired meanwhile', { hint: 'ask again' })
    if ((published?.size ?? 0) > tree.size)
      problems.push(`${published?.size} records were published, and ${tree.size} are there`)
    const [problem] = problems
    if (problem !== undefined) log.seal(problem, problem === damage)
    return {
      epoch,
      size: tree.size,
      rootHash: toHex(rootHash(tree)),
      published: published?.size ?? 0,
      verified: found.size,
      pruned: least,
      problems,
    }
  }

  /** Of pruned records: every tile that proves them is still there, and has its parent's hash. */
  async #treeOf(least: number): Promise<Tree> {
    const { store } = this.#ports
    for (let index = 0; index < least / TILE_WIDTH; index += 1) await store.tile(0, index)
    const peaks: Hash[] = []
    for (const { level, index } of peakPlaces(least)) peaks.push(await store.node(level, index))
    return { size: least, peaks }
  }

  /** Twice: once to learn which hashes it takes, once with them. */
  async #prove(make: (read: ReadNode) => Hash[]): Promise<readonly Hash[]> {
    const { store } = this.#ports
    const asked = new Map<string, readonly [level: number, index: number]>()
    make((level, index) => {
      asked.set(`${level}/${index}`, [level, index])
      return NOTHING
    })
    const hashes = new Map<string, Hash>()
    for (const [key, [level, index]] of asked)
      hashes.set(key, await this.#sealing(() => store.node(level, index)))
    return make((level, index) => hashes.get(`${level}/${index}`) ?? NOTHING)
  }

  async #sealing<T>(read: () => Promise<T>): Promise<T> {
    try {
      return await read()
    } catch (error) {
      if (error instanceof MeshError && error.code === 'LOG_DAMAGED')
        this.#ports.log.seal(error.message, true)
      throw error
    }
  }
}

/** Levels of the tree in one tile. */
const TILE_HEIGHT = 8

/** Stands for a hash that is asked for; it never gets into a proof. */
const NOTHING: Hash = new Uint8Array(32)

function publishedOf(
  head: Uint8Array | null,
  epoch: number,
): { size: number; rootHash: Hash } | null {
  if (head === null) return null
  const checkpoint = readCheckpoint(head)
  return checkpoint.origin.endsWith(`/${epoch}`) ? checkpoint : null
}

function beyond(size: number): MeshError {
  return new MeshError('NOT_FOUND', `the log does not have ${size} records`)
}
