/**
 * The Store port on LevelDB. A data directory:
 *
 *     INITIALIZED   the last thing that creation writes (create.ts)
 *     db/           LevelDB: keyspace.ts
 *     head          what was acknowledged, outside of it: head-file.ts
 *     reserve       room for revocations: reserve.ts
 *
 * A batch and the head file are written side by side. The head file says what
 * was acknowledged before, since the batch may fail and it may not; soon after
 * the last batch it says so of that one, too. What a broken disk loses of those
 * 20 ms, the peers' checkpoints show.
 */
import { lstatSync } from 'node:fs'
import { join } from 'node:path'
import { assert } from '../core/assert.ts'
import { equalBytes } from '../core/bytes.ts'
import type { RecordId } from '../core/id.ts'
import { HEAD_CONFIRM_MS } from '../core/limits.ts'
import { type Hash, leafHash, type Tree } from '../core/merkle.ts'
import { MeshError } from '../core/problems.ts'
import type { Batch, Exhibit, Matches, Query, Space, Store } from '../mesh/ports.ts'
import { type Current, changeOf } from './change.ts'
import { Database } from './database.ts'
import { damaged, failed } from './failures.ts'
import { HeadFile } from './head-file.ts'
import { open, parsePutKey, putKey, putRange, recordKey, valuesBelow } from './keyspace.ts'
import { Packer } from './packer.ts'
import { checkDirectory, checkFiles } from './private-file.ts'
import { clearPruned, leastIn } from './pruned.ts'
import { Reserve, type ReserveOptions } from './reserve.ts'
import { SearchIndex } from './search-index.ts'
import { markOf } from './tally.ts'
import { verify } from './verify.ts'

export const FILES = { marker: 'INITIALIZED', database: 'db', head: 'head', reserve: 'reserve' }

interface Opened extends Current {
  readonly head: HeadFile
}

export class LevelStore implements Store {
  readonly #directory: string
  readonly #reserve: Reserve
  readonly #packer: Packer
  #opened: Opened
  /** Why every call is refused; null while the handle is good. */
  #failure: MeshError | null = null
  #head: Uint8Array | null
  /** Ends with the batch, or the reading of what batches change, that is under way. */
  #turn: Promise<unknown> = Promise.resolve()
  #writing = false
  #confirm: NodeJS.Timeout | null = null

  private constructor(directory: string, reserve: Reserve, opened: Opened) {
    this.#directory = directory
    this.#reserve = reserve
    this.#opened = opened
    this.#packer = new Packer(() => ({ log: this.#opened.log, size: this.#opened.standing.size }))
    this.#head = opened.head.checkpoint
  }

  /** Opens what create made; creates nothing. @throws MeshError NOT_READY, LOG_DAMAGED, CONFIG_INVALID */
  static async open(directory: string, reserve: ReserveOptions): Promise<LevelStore> {
    checkMarked(directory)
    const opened = await openVerified(directory)
    return new LevelStore(directory, new Reserve(join(directory, FILES.reserve), reserve), opened)
  }

  get tree(): Tree {
    return this.#opened.tree
  }

  get epoch(): number {
    return this.#opened.standing.epoch
  }

  get least(): number {
    return this.#opened.tiles.least
  }

  get low(): string | null {
    return this.#reserve.low()
  }

  get head(): Uint8Array | null {
    return this.#head
  }

  persist(batch: Batch): Promise<void> {
    assert(!this.#writing, 'one batch is written at a time')
    this.#writing = true
    const write = () => this.#persist(batch)
    // What it takes away may be in a pack.
    const takes = batch.exhibits?.length || batch.puts.some(({ space }) => space === 'pruned')
    return this.#inTurn(() => (takes ? this.#packer.held(write) : write())).finally(() => {
      this.#writing = false
    })
  }

  async #persist(batch: Batch): Promise<void> {
    const opened = this.#usable()
    if (batch.records.length === 0) this.#reserve.prepare()
    const exhibits = batch.exhibits ?? []
    const packs = exhibits.length === 0 ? [] : await opened.log.replacing(exhibits)
    const { next, operations } = changeOf(opened, batch, packs)
    const least = leastIn(batch.puts, batch.epoch, batch.tree.size)
    assert((least ?? next.tiles.least) >= next.tiles.least, 'what was pruned does not come back')
    const results = await Promise.allSettled([
      opened.database.write(operations, true),
      opened.head.acknowledge(opened.standing),
    ])
    const refused = results.find((result) => result.status === 'rejected')
    if (refused !== undefined) throw this.#poison(opened, refused.reason)
    next.tiles.advance(next.frontier)
    this.#opened = { ...opened, ...next }
    if (next.index !== opened.index) void opened.index.close()
    for (const [i, { id, timeMs, terms }] of batch.records.entries())
      next.index.add({ id, timeMs, terms }, batch.first + i)
    if (least !== null) this.#prune(least)
    if (exhibits.length > 0) this.#forget(exhibits)
    this.#packer.batched()
    // One timer, put off by each batch.
    this.#confirm ??= setTimeout(() => this.#acknowledge(), HEAD_CONFIRM_MS).unref()
    this.#confirm.refresh()
  }

  entries(space: Space): Promise<ReadonlyMap<string, Uint8Array>> {
    return this.#inTurn(() => this.#entries(space))
  }

  async #entries(space: Space): Promise<ReadonlyMap<string, Uint8Array>> {
    const { database, tally } = this.#usable()
    const entries = new Map<string, Uint8Array>()
    const count = tally.countOf(space)
    await database.each(putRange(space), (bytes, sealed) => {
      const { key } = parsePutKey(bytes)
      entries.set(key, this.#checked(space, key, bytes, sealed))
    })
    if (entries.size !== count)
      throw damaged(`of ${count} values in \`${space}\` not all are there`)
    return entries
  }

  get(space: Space, key: string): Promise<Uint8Array | null> {
    return this.#inTurn(() => this.#get(space, key))
  }

  async #get(space: Space, key: string): Promise<Uint8Array | null> {
    const { database, tally } = this.#usable()
    const bytes = putKey(space, key)
    const sealed = await database.get(bytes)
    if (sealed !== undefined) return this.#checked(space, key, bytes, sealed)
    if (tally.get(space, key) !== null) throw damaged(`\`${space}/${key}\` is not there`)
    return null
  }

  async copies(keys: readonly string[]): Promise<readonly (Uint8Array | null)[]> {
    const places = keys.map((key) => putKey('copy', key))
    const sealed = await this.#usable().database.getMany(places)
    return sealed.map((bytes, i) =>
      bytes === undefined ? null : open(places[i] as Uint8Array, bytes),
    )
  }

  async records(first: number, count: number): Promise<readonly Uint8Array[]> {
    return this.#usable().tiles.records(first, count)
  }

  async pick(indexes: readonly number[]): Promise<readonly Uint8Array[]> {
    return this.#usable().tiles.pick(indexes)
  }

  mend(index: number, record: Uint8Array): Promise<void> {
    return this.#inTurn(() => this.#packer.held(() => this.#mend(index, record)))
  }

  async #mend(index: number, record: Uint8Array): Promise<void> {
    const { database, standing, tiles } = this.#usable()
    if (!equalBytes(leafHash(record), await tiles.node(0, index)))
      throw damaged(`what is to replace record ${index} is not what was written`)
    const key = recordKey(standing.epoch, index)
    await database.write([{ type: 'put', key, value: record }], true)
  }

  async exhibits(first: number, count: number): Promise<readonly (Uint8Array | null)[]> {
    return this.#usable().log.exhibits(first, count)
  }

  async tile(level: number, index: number): Promise<Uint8Array | null> {
    return this.#usable().tiles.tile(level, index)
  }

  async node(level: number, index: number): Promise<Hash> {
    return this.#usable().tiles.node(level, index)
  }

  async locate(id: RecordId): Promise<number | null> {
    return this.#usable().index.locate(id)
  }

  async search(query: Query, before: number, count: number): Promise<Matches> {
    return this.#usable().index.search(query, before, count)
  }

  async keepHead(checkpoint: Uint8Array): Promise<void> {
    const opened = this.#usable()
    try {
      await opened.head.keep(checkpoint)
    } catch (error) {
      throw this.#poison(opened, error)
    }
    this.#head = checkpoint
  }

  reopen(): Promise<void> {
    return this.#inTurn(() => this.#packer.held(() => this.#reopen()))
  }

  async #reopen(): Promise<void> {
    this.#failure ??= new MeshError('NOT_READY', 'storage is being opened again')
    await this.#shut()
    this.#opened = await openVerified(this.#directory)
    this.#head = this.#opened.head.checkpoint
    this.#failure = null
  }

  close(): Promise<void> {
    this.#packer.stop()
    return this.#inTurn(() => this.#packer.held(() => this.#close()))
  }

  async #close(): Promise<void> {
    const { head, standing, database } = this.#opened
    // Said once more outside the database, if the disk takes it; it is closed in any case.
    if (this.#failure === null && database.failure === null)
      await Promise.allSettled([head.acknowledge(standing)])
    this.#failure = new MeshError('NOT_READY', 'storage is closed')
    await this.#shut()
  }

  /** Between batches: neither half of one is seen. */
  #inTurn<T>(run: () => Promise<T>): Promise<T> {
    const result = this.#turn.then(run)
    // The next turn comes whatever became of this one, which its caller hears.
    this.#turn = result.catch(() => {})
    return result
  }

  #usable(): Opened {
    const failure = this.#failure ?? this.#opened.database.failure
    if (failure !== null) throw failure
    return this.#opened
  }

  #poison({ database }: Opened, error: unknown): MeshError {
    this.#failure = database.poison(failed('storage failed', error))
    if (/the disk is full/.test(this.#failure.message)) this.#reserve.release()
    return this.#failure
  }

  /** Records below it are given up, durably: now their room is. */
  #prune(least: number): void {
    const { database, standing, tiles, index } = this.#opened
    tiles.prune(least)
    index.prune(least)
    // What fails poisons the handle, and the next open begins with this.
    for (const range of valuesBelow(standing.epoch, least)) database.clear(range).catch(() => {})
  }

  /** What stood there is shown no more; now it leaves the files, too. */
  #forget(exhibits: readonly Exhibit[]): void {
    const { database, log } = this.#opened
    // What fails poisons the handle; the next compaction that comes by takes it.
    for (const keys of log.placesOf(exhibits)) database.forget(keys).catch(() => {})
  }

  /** Says outside the database that its last batch was acknowledged; nobody waits for it. */
  #acknowledge(): void {
    const opened = this.#opened
    if (this.#writing || this.#failure !== null) return
    opened.head.acknowledge(opened.standing).catch((error: unknown) => {
      // Nothing was promised; but a disk that refuses this is not written to any more.
      this.#poison(opened, error)
    })
  }

  /** Closes what is open, in whatever state. */
  async #shut(): Promise<void> {
    if (this.#confirm !== null) clearTimeout(this.#confirm)
    const { database, head, index } = this.#opened
    await index.close()
    // What fails here was not promised: the next open looks at what is there.
    await Promise.allSettled([database.close(), head.close()])
  }

  #checked(space: Space, key: string, bytes: Uint8Array, sealed: Uint8Array): Uint8Array {
    const value = open(bytes, sealed)
    if (value === null || markOf(sealed) !== this.#opened.tally.get(space, key))
      throw damaged(`\`${space}/${key}\` is not what was written`)
    return value
  }
}

/** The database first: its lock keeps a second daemon from everything else. */
async function openVerified(directory: string): Promise<Opened> {
  const database = await Database.open(join(directory, FILES.database))
  let head: HeadFile | null = null
  try {
    head = HeadFile.open(join(directory, FILES.head))
    const verified = await verify(database, head)
    const { standing, tiles } = verified
    await clearPruned(database, standing, tiles)
    await head.acknowledge(standing)
    const index = await SearchIndex.open(database, standing.epoch, tiles)
    return { ...verified, database, head, index }
  } catch (error) {
    await Promise.allSettled([database.close(), head?.close()])
    throw failed('the data directory does not open', error)
  }
}

/** @throws MeshError NOT_READY where nothing was ever created, LOG_DAMAGED where something is missing */
function checkMarked(directory: string): void {
  const exists = (name: string) =>
    lstatSync(join(directory, name), { throwIfNoEntry: false }) !== undefined
  const left = [FILES.marker, FILES.database, FILES.head].filter(exists)
  if (left.length === 0)
    throw new MeshError('NOT_READY', `no node was made in \`${directory}\``, { hint: 'meshd init' })
  checkDirectory(directory)
  if (!left.includes(FILES.marker))
    throw damaged(`\`${directory}\` has no INITIALIZED: it was not made whole, or was taken apart`)
  if (left.length < 3) throw damaged(`\`${directory}\` does not hold all that a node's store has`)
  checkDirectory(join(directory, FILES.database))
  for (const each of [directory, join(directory, FILES.database)]) checkFiles(each)
}
