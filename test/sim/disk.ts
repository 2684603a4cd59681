/**
 * A store in memory that loses what a disk loses. The Disk is what survives a
 * crash; a DiskStore is one handle on it, with the promises of the port, and
 * the hooks of the FAULTS: a write that fails and is gone, or fails and is
 * there; a tail that is torn off; a flipped byte.
 */
import assert from 'node:assert/strict'
import { compareBytes, equalBytes, utf8 } from '../../src/core/bytes.ts'
import type { RecordId } from '../../src/core/id.ts'
import { EMPTY, type Hash, leafHash, nodeHash, rootHash, type Tree } from '../../src/core/merkle.ts'
import { MeshError } from '../../src/core/problems.ts'
import type { Batch, Matches, Query, Space, Store } from '../../src/mesh/ports.ts'
import type { VirtualClock } from './clock.ts'
import {
  after,
  CREATED,
  checkAcknowledged,
  damaged,
  flipped,
  flippedUnseen,
  foundBy,
  idIn,
  nodes,
  PAST,
  read,
  type State,
  treeOf,
  unflipped,
  type Written,
} from './disk-state.ts'

/** What happens to the next batch: refused and gone, or refused and there. */
export type WriteFault = 'gone' | 'there'

export class Disk {
  readonly clock: VirtualClock
  /** Of one batch, in virtual ms; 0 answers in a microtask. */
  delayMs = 0
  low: string | null = null
  /** No room for anything: each write fails, and so does each opening. */
  full = false
  /** Taken by the next writes, in order. */
  readonly faults: WriteFault[] = []
  /** How many openings fail before one succeeds. */
  refusedOpens = 0
  /** Whose the lock is: of its process, from before it opens until it is gone. */
  holder: DiskStore | null = null
  state: State = CREATED
  /** The newest states, for a tail to be torn off. */
  past: readonly State[] = [CREATED]
  /** Outside the database, as the head file. */
  acknowledged: State = CREATED
  head: Uint8Array | null = null
  /** Places of which a bit was flipped: what a batch does not write again stays damaged. */
  readonly #flips = new Map<string | number, { readonly right: Written; readonly wrong: Written }>()

  constructor(clock: VirtualClock) {
    this.clock = clock
  }

  /** The last batches are gone, and the database does not know it. */
  tear(batches: number): void {
    const commit = this.state.commit - batches
    this.state = this.past.find((state) => state.commit === commit) ?? CREATED
  }

  /** One bit of a record. */
  flipRecord(index: number): void {
    const right = this.state.records[index]
    this.#flip(index, right, flipped(right))
  }

  /** One bit of a kept value; or of all of it, when it is lost. */
  flip(space: Space, key: string): void {
    const right = this.state.kept.get(`${space}/${key}`)
    this.#flip(`${space}/${key}`, right, flipped(right))
  }

  /** One bit of a kept value, before its hash was taken: only what the value proves of itself shows it. */
  flipUnseen(space: Space, key: string): void {
    const right = this.state.kept.get(`${space}/${key}`)
    this.#flip(`${space}/${key}`, right, flippedUnseen(right))
  }

  #flip(place: string | number, right: Written | undefined, wrong: Written): void {
    assert.ok(right !== undefined, 'there is something to flip')
    this.#flips.set(place, { right, wrong })
    this.state = damagedAt(this.state, place, wrong)
  }

  /** A batch, made of what its writer knows to be right, is there. */
  land(next: State): void {
    let state = next
    for (const [place, { right, wrong }] of this.#flips)
      if (at(next, place) === right) state = damagedAt(state, place, wrong)
    this.state = state
    this.past = [...this.past, state].slice(-PAST)
  }

  /** The record is what was written, again. */
  putBack(index: number, record: Written): void {
    this.#flips.delete(index)
    this.state = damagedAt(this.state, index, record)
  }

  /** Whether a bit was flipped that still is. */
  get hurt(): boolean {
    return [...this.#flips].some(([place, { wrong }]) => at(this.state, place) === wrong)
  }

  /** Somebody brought a sound copy of all of it. Not while it is open. */
  repair(): void {
    this.#flips.clear()
    const kept = new Map([...this.state.kept].map(([key, value]) => [key, unflipped(value)]))
    this.state = { ...this.state, records: this.state.records.map(unflipped), kept }
  }

  lose(space: Space, key: string): void {
    const kept = new Map(this.state.kept)
    kept.delete(`${space}/${key}`)
    this.state = { ...this.state, kept }
  }

  async wait(): Promise<void> {
    if (this.delayMs > 0) await this.clock.sleep(this.delayMs)
    else await Promise.resolve()
  }
}

export class DiskStore implements Store {
  readonly #disk: Disk
  /** What this handle knows to be right; what the disk says is compared with it. */
  #known: State = CREATED
  #tree: Tree = EMPTY
  #failure: MeshError | null = null
  #writing = false
  /** On its way to the disk. */
  #flight: State | null = null
  #gone = false

  private constructor(disk: Disk) {
    this.#disk = disk
  }

  static async open(disk: Disk): Promise<DiskStore> {
    if (disk.holder !== null)
      throw new MeshError('NOT_READY', 'the disk is in use by another daemon')
    const store = new DiskStore(disk)
    disk.holder = store
    try {
      await store.#open()
    } catch (error) {
      store.crash()
      throw error
    }
    return store
  }

  get tree(): Tree {
    return this.#tree
  }

  get epoch(): number {
    return this.#known.epoch
  }

  get least(): number {
    const value = this.#known.kept.get(`pruned/${this.epoch}`)
    return value === undefined ? 0 : Number(Buffer.from(value.bytes).toString())
  }

  get low(): string | null {
    return this.#disk.low
  }

  get head(): Uint8Array | null {
    return this.#disk.head
  }

  async persist(batch: Batch): Promise<void> {
    assert.ok(!this.#writing, 'one batch is written at a time')
    this.#usable()
    const next = after(this.#known, batch)
    this.#writing = true
    this.#flight = next
    await this.#disk.wait()
    this.#writing = false
    this.#flight = null
    // Closed, or crashed, meanwhile: whoever waits for it is gone with it.
    this.#usable()
    const fault = this.#disk.full ? 'gone' : this.#disk.faults.shift()
    if (fault !== 'gone') this.#disk.land(next)
    if (fault !== undefined) {
      this.#failure = new MeshError('NOT_READY', 'storage failed: as the test asked')
      throw this.#failure
    }
    this.#disk.acknowledged = next
    this.#known = next
    this.#tree = batch.tree
  }

  async entries(space: Space): Promise<ReadonlyMap<string, Uint8Array>> {
    this.#usable()
    await Promise.resolve()
    const keys = [...this.#known.kept.keys()].filter((key) => key.startsWith(`${space}/`))
    keys.sort((a, b) => compareBytes(utf8(a), utf8(b)))
    return new Map(keys.map((key) => [key.slice(space.length + 1), this.#read(key)]))
  }

  async get(space: Space, key: string): Promise<Uint8Array | null> {
    this.#usable()
    await Promise.resolve()
    const name = `${space}/${key}`
    return this.#known.kept.has(name) ? this.#read(name) : null
  }

  async copies(keys: readonly string[]): Promise<readonly (Uint8Array | null)[]> {
    this.#usable()
    await Promise.resolve()
    return keys.map((key) => {
      const there = this.#disk.state.kept.get(`copy/${key}`)
      return there !== undefined && equalBytes(leafHash(there.bytes), there.hash)
        ? there.bytes.slice()
        : null
    })
  }

  async records(first: number, count: number): Promise<readonly Uint8Array[]> {
    this.#usable()
    await Promise.resolve()
    assert.ok(first >= 0 && first + count <= this.#known.records.length)
    if (count > 0 && first < this.least)
      throw new MeshError('NOT_FOUND', `record ${first} was pruned`)
    return Array.from({ length: count }, (_, i) =>
      read(this.#disk.state.records[first + i], this.#known.records[first + i], `${first + i}`),
    )
  }

  async mend(index: number, record: Uint8Array): Promise<void> {
    this.#usable()
    assert.ok(!this.#writing, 'nothing is mended while a batch is written')
    await Promise.resolve()
    const known = this.#known.records[index]
    if (known === undefined || !equalBytes(leafHash(record), known.hash))
      throw damaged(`${index} is not what was written`)
    this.#disk.putBack(index, unflipped({ ...known, bytes: record.slice() }))
  }

  async exhibits(first: number, count: number): Promise<readonly (Uint8Array | null)[]> {
    const known = this.#known.records.slice(first, first + count)
    return known.map(({ exhibit }) => exhibit?.slice() ?? null)
  }

  async pick(indexes: readonly number[]): Promise<readonly Uint8Array[]> {
    const records = await Promise.all(indexes.map((index) => this.records(index, 1)))
    return records.flat()
  }

  async tile(level: number, index: number): Promise<Uint8Array | null> {
    this.#usable()
    await Promise.resolve()
    if ((index + 1) * 256 ** (level + 1) > this.#known.records.length) return null
    const hashes = Array.from({ length: 256 }, (_, i) => this.#node(8 * level, index * 256 + i))
    return new Uint8Array(Buffer.concat(hashes))
  }

  async node(level: number, index: number): Promise<Hash> {
    this.#usable()
    await Promise.resolve()
    return this.#node(level, index)
  }

  async locate(id: RecordId): Promise<number | null> {
    this.#usable()
    await Promise.resolve()
    const index = this.#known.records.findLastIndex((each) => idIn(each) === id)
    return index < 0 ? null : index
  }

  /** By looking at every record: what the index of a real store must agree with. */
  async search(query: Query, before: number, count: number): Promise<Matches> {
    this.#usable()
    await Promise.resolve()
    const indexes: number[] = []
    for (let i = Math.min(before, this.#known.records.length) - 1; i >= this.least; i -= 1) {
      if (indexes.length >= count) return { indexes, reached: i + 1 }
      const { timeMs, terms } = foundBy(this.#known.records[i] as Written)
      const inTime = timeMs >= (query.sinceMs ?? 0) && timeMs <= (query.untilMs ?? timeMs)
      if (inTime && query.terms.every((term) => terms.includes(term))) indexes.push(i)
    }
    return { indexes, reached: Math.min(before, this.least) }
  }

  async keepHead(checkpoint: Uint8Array): Promise<void> {
    this.#usable()
    await this.#disk.wait()
    this.#usable()
    this.#disk.head = checkpoint.slice()
  }

  async reopen(): Promise<void> {
    this.#failure ??= new MeshError('NOT_READY', 'storage is being opened again')
    await this.#disk.wait()
    await this.#open()
  }

  async close(): Promise<void> {
    this.crash()
    await Promise.resolve()
  }

  /** The process is gone. @param lands whether what was on its way is there all the same */
  crash(lands = false): void {
    if (this.#disk.holder === this) this.#disk.holder = null
    if (lands && this.#flight !== null) this.#disk.land(this.#flight)
    this.#flight = null
    this.#gone = true
    this.#failure = new MeshError('NOT_READY', 'storage is closed')
  }

  async #open(): Promise<void> {
    await Promise.resolve()
    const disk = this.#disk
    if (this.#gone) throw new MeshError('NOT_READY', 'storage is closed')
    if (disk.refusedOpens > 0 || disk.full) {
      disk.refusedOpens = Math.max(0, disk.refusedOpens - 1)
      throw new MeshError('NOT_READY', 'the disk is full: as the test asked')
    }
    checkAcknowledged(disk)
    this.#known = disk.state
    this.#tree = treeOf(disk.state)
    disk.acknowledged = disk.state
    this.#failure = null
  }

  #usable(): void {
    if (this.#failure !== null) throw this.#failure
  }

  #read(name: string): Uint8Array {
    return read(this.#disk.state.kept.get(name), this.#known.kept.get(name), name)
  }

  /** A record is written once, at one place: what is kept with it is of it and those before it. */
  #node(level: number, index: number): Hash {
    const last = this.#known.records[(index + 1) * 2 ** level - 1]
    assert.ok(last !== undefined, 'the subtree is full')
    if (level === 0) return last.hash
    const above = nodes.get(last) ?? []
    const known = above[level]
    if (known !== undefined) return known
    const hash = nodeHash(this.#node(level - 1, 2 * index), this.#node(level - 1, 2 * index + 1))
    above[level] = hash
    nodes.set(last, above)
    return hash
  }
}

function at({ records, kept }: State, place: string | number): Written | undefined {
  return typeof place === 'number' ? records[place] : kept.get(place)
}

function damagedAt(state: State, place: string | number, value: Written): State {
  if (typeof place === 'number') return { ...state, records: state.records.with(place, value) }
  return { ...state, kept: new Map(state.kept).set(place, value) }
}

/** The root hash of what the disk holds, computed by itself. */
export function rootOf(disk: Disk): Hash {
  return rootHash(treeOf(disk.state))
}
