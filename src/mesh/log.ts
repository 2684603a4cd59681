/**
 * This node's log, by group commit. What waits while the disk is busy becomes
 * one batch: swap, number, hash, write, and only then is anybody answered.
 *
 *     append ─┐                       ┌─ one atomic write: records, tiles,
 *     append ─┼─ wait ── swap, hash ──┤  peaks, and the puts of all of them
 *     persist ┘                       └─ durable → waiters, listeners
 *
 * After the first error the outcome of a batch is unknown. All who waited for
 * it are told so, the store is opened anew, and the next number and the tree
 * come from disk, never from here (FACTS 4, rules 2 and 3). Acknowledged data
 * that is gone seals the log for good.
 */
import { assert } from '../core/assert.ts'
import type { RecordId } from '../core/id.ts'
import type { JsonObject } from '../core/json.ts'
import type { Did } from '../core/keys.ts'
import { LOG_RECORDS_MAX, LOG_WAITERS_MAX, REOPEN_MS_MAX, REOPEN_MS_MIN } from '../core/limits.ts'
import { EMPTY, type Tree } from '../core/merkle.ts'
import { MeshError } from '../core/problems.ts'
import { formatTime } from '../core/shape.ts'
import type { Appended } from './authorizer.ts'
import type { Place } from './exhibits.ts'
import {
  type Asked,
  type Committing,
  type Group,
  Grouping,
  type PutsOf,
  type Waiter,
} from './grouping.ts'
import type { Clock, Exhibit, Leaf, Puts, Store } from './ports.ts'

export interface LogPorts {
  readonly store: Store
  readonly clock: Clock
  readonly node: Did
  /** Told of each batch that became durable: its records, and how long the disk took. For metrics. */
  readonly committed?: (records: number, ms: number) => void
  /** Which values records only commit to; absent for none. */
  readonly committing?: Committing
}

export interface Durable {
  readonly index: number
  readonly id: RecordId
  readonly bytes: Uint8Array
}

/** A record that was just written. */
export interface Logged extends Durable {
  readonly type: string
}

const NO_PUTS: PutsOf = () => []

export class Log {
  readonly #ports: LogPorts
  readonly #onDurable: ((records: readonly Logged[]) => void)[] = []
  readonly #onSealed: ((why: string) => void)[] = []
  #waiting: Waiter[] = []
  /** Of those that wait, how many bring a record: a flood of them does not keep governance out. */
  #records = 0
  #tree: Tree
  /** How many records there are with those on their way to the disk. */
  #ahead: number
  /** Of the tree: both change in one turn, or a head of one log would be signed for another. */
  #epoch: number
  #open = false
  /** The epoch that is about to begin; null while none is. */
  #beginning: number | null = null
  #sealed: string | null = null
  /** Whether what sealed it is a record that could be put back. */
  #mendable = false
  /** Why the disk takes nothing at the moment. */
  #failing: string | null = null
  readonly #closing = new AbortController()
  #work: Promise<void> | null = null

  private constructor(ports: LogPorts) {
    this.#ports = ports
    this.#tree = ports.store.tree
    this.#ahead = this.#tree.size
    this.#epoch = ports.store.epoch
  }

  static async open(ports: LogPorts): Promise<Log> {
    return new Log(ports)
  }

  get epoch(): number {
    return this.#epoch
  }

  /** Where stands what is appended now: what waits behind a new epoch is in that log, at an index that is not known yet. */
  get next(): Place {
    return { epoch: this.#beginning ?? this.#epoch, index: this.#ahead + this.#records }
  }

  /** Of the records that are durable. */
  get tree(): Tree {
    return this.#tree
  }

  /** Why storage can be trusted no more; null while it can. */
  get sealed(): string | null {
    return this.#sealed
  }

  /** Whether it is sealed for records that are damaged, and for nothing else. */
  get mendable(): boolean {
    return this.#mendable
  }

  /** Records that wait for the disk. */
  get waiting(): number {
    return this.#records
  }

  /** Why nothing can be appended now; null when it can. */
  unwritable(): string | null {
    if (this.#sealed !== null) return `the log is sealed: ${this.#sealed}`
    if (this.#closing.signal.aborted) return 'the node is stopping'
    if (!this.#open) return 'the boot check is not over'
    if (this.#failing !== null) return this.#failing
    if (this.#tree.size + this.#records >= LOG_RECORDS_MAX) return 'the log is full'
    return this.#ports.store.low
  }

  /** Whether the boot check is over; before that nothing is signed either, for others may know a newer log. */
  get open(): boolean {
    return this.#open
  }

  /** The boot check is over: nobody knows a newer log of this node. */
  openForAppends(): void {
    this.#open = true
  }

  /**
   * Resolves once the record is durable, with the puts that belong to it.
   * After a rejection it may be there all the same.
   * @param exhibits what is kept beside earlier records from then on
   * @throws MeshError NOT_READY, LOG_DAMAGED, TOO_MANY, TOO_LARGE
   */
  async append(
    draft: JsonObject,
    puts: PutsOf = NO_PUTS,
    exhibit: Uint8Array | null = null,
    exhibits: readonly Exhibit[] = [],
  ): Promise<Appended> {
    const why = this.unwritable()
    if (why !== null) throw this.#refusal(why)
    if (this.#records >= LOG_WAITERS_MAX) throw tooMany('records')
    const appended = await this.#wait({ draft, puts, exhibit, exhibits, epoch: null })
    return appended as Appended
  }

  /**
   * Makes puts durable without a record. Taken before the boot check is over, on a low disk too, and
   * while a failed disk is being opened again: then it waits for the next attempt, and is refused with it.
   */
  async persist(puts: Puts): Promise<void> {
    const why = this.#unusable()
    if (why !== null) throw this.#refusal(why)
    if (this.#waiting.length - this.#records >= LOG_WAITERS_MAX) throw tooMany('changes')
    await this.#wait({ draft: null, puts, epoch: null })
  }

  /** Somebody met a failing disk: asks it for an empty batch, and opens it anew if it refuses. */
  async probe(): Promise<void> {
    // How it went is seen in what the log says of itself.
    await this.persist([]).catch(() => {})
  }

  /** Retires the log and begins the next with this record; allowed before openForAppends. */
  async retire(epoch: number, draft: JsonObject): Promise<void> {
    const why = this.#unusable()
    if (why !== null) throw this.#refusal(why)
    if (epoch <= this.epoch)
      throw new MeshError('CONFLICT', `log ${this.epoch} is not followed by log ${epoch}`)
    if (this.#beginning !== null)
      throw new MeshError('CONFLICT', 'the log is being retired already')
    this.#beginning = epoch
    try {
      await this.#wait({ draft, puts: NO_PUTS, exhibit: null, exhibits: [], epoch })
    } finally {
      this.#beginning = null
    }
  }

  /**
   * Brings back records that this disk had lost, as they were, with puts that belong to them; of a
   * later epoch they begin it. Before openForAppends alone.
   * @param first where they belong, or nothing is written
   */
  async restore(epoch: number, first: number, leaves: readonly Leaf[], puts: Puts): Promise<void> {
    const why = this.#unusable()
    if (why !== null) throw this.#refusal(why)
    if (this.#open) throw new MeshError('CONFLICT', 'the log goes on already')
    await this.#wait({ draft: null, puts, epoch, first, leaves })
  }

  /** Called with each batch of records once it is durable, in order; it must not throw. */
  onDurable(listener: (records: readonly Logged[]) => void): void {
    this.#onDurable.push(listener)
  }

  onSealed(listener: (why: string) => void): void {
    this.#onSealed.push(listener)
  }

  /**
   * Storage is damaged, or the log is not the one that others know: nothing is written any more, for good.
   * @param mendable it is a record that was read, which a mirror may hold
   */
  seal(why: string, mendable = false): void {
    if (this.#sealed !== null && (mendable || !this.#mendable)) return
    this.#sealed = why
    this.#mendable = mendable
    this.#rejectAll(this.#refusal(`the log is sealed: ${why}`))
    for (const listener of this.#onSealed) listener(why)
  }

  /** Every record is again what was written. */
  unseal(): void {
    assert(this.#mendable, 'what is not a damaged record is not mended')
    this.#sealed = null
    this.#mendable = false
  }

  /** Resolves when nothing is on its way to the disk. */
  async settled(): Promise<void> {
    await this.#work
  }

  /** Takes nothing more; resolves when what waited is durable or refused. The store stays open. */
  async close(): Promise<void> {
    this.#closing.abort()
    await this.#work
  }

  #unusable(): string | null {
    return this.#sealed !== null || this.#closing.signal.aborted ? this.unwritable() : null
  }

  #refusal(why: string): MeshError {
    return new MeshError(this.#sealed === null ? 'NOT_READY' : 'LOG_DAMAGED', why)
  }

  #wait(asked: Asked): Promise<Appended | null> {
    const { promise, resolve, reject } = Promise.withResolvers<Appended | null>()
    this.#waiting.push({ ...asked, resolve, reject })
    if (asked.draft !== null) this.#records += 1
    this.#work ??= this.#run()
    return promise
  }

  /** Writes until nothing waits. One at a time: the store has one writer. */
  async #run(): Promise<void> {
    // Who asks in the same turn is in the same batch.
    await Promise.resolve()
    while (this.#waiting.length > 0 && this.#sealed === null) {
      // INVARIANT: nothing is awaited between the swap and the hash, so numbers have one order.
      const group = this.#swap()
      if (group.waiters.length > 0) await this.#write(group)
    }
    this.#work = null
  }

  async #write(group: Group): Promise<void> {
    const { store, clock, committed } = this.#ports
    const startMs = clock.monotonicMs()
    try {
      await store.persist(group)
    } catch (error) {
      // The outcome is unknown: nobody is told that it is there, and nothing more is asked of this handle.
      const why = new MeshError('NOT_READY', 'the disk did not take it', { cause: error })
      for (const { waiter } of group.waiters) waiter.reject(why)
      this.#rejectExhibits(why)
      await this.#recover(error)
      return
    }
    committed?.(group.records.length, clock.monotonicMs() - startMs)
    this.#tree = store.tree
    this.#epoch = store.epoch
    for (const { waiter, appended } of group.waiters) waiter.resolve(appended)
    if (group.records.length === 0) return
    const { first, types } = group
    const records = group.records.map(({ id, bytes }, i) => ({
      ...{ index: first + i, id, bytes },
      type: types[i] ?? '',
    }))
    for (const listener of this.#onDurable) listener(records)
  }

  /** Opens the store anew, until it opens or is found to be damaged. */
  async #recover(error: unknown): Promise<void> {
    const { store, clock } = this.#ports
    this.#failing = `the disk failed: ${messageOf(error)}`
    for (let waitMs = REOPEN_MS_MIN; ; waitMs = Math.min(2 * waitMs, REOPEN_MS_MAX)) {
      try {
        await store.reopen()
        this.#tree = store.tree
        this.#ahead = store.tree.size
        this.#epoch = store.epoch
        this.#failing = null
        return
      } catch (reason) {
        if (isDamage(reason)) return this.seal(messageOf(reason))
        // It may pass: room is made, a device comes back. Nobody waits for that longer than one attempt.
        this.#failing = `the disk failed: ${messageOf(reason)}`
        this.#rejectAll(this.#refusal(this.#failing))
      }
      if (this.#closing.signal.aborted) return
      await clock.sleep(waitMs, this.#closing.signal)
    }
  }

  /** What is kept beside a record may leave out what was to stand before it (exhibits.ts), and now does not. */
  #rejectExhibits(why: MeshError): void {
    const rests = (waiter: Waiter) => waiter.draft !== null && waiter.exhibit !== null
    const resting = this.#waiting.filter(rests)
    this.#waiting = this.#waiting.filter((waiter) => !rests(waiter))
    this.#records -= resting.length
    for (const waiter of resting) waiter.reject(why)
  }

  #rejectAll(why: MeshError): void {
    const waiting = this.#waiting
    this.#waiting = []
    this.#records = 0
    for (const waiter of waiting) waiter.reject(why)
  }

  /** Takes the oldest that wait, as many as one batch holds, and makes the batch of them. */
  #swap(): Group {
    const [oldest] = this.#waiting
    const epoch = Math.max(oldest?.epoch ?? 0, this.epoch)
    const first = epoch > this.epoch ? 0 : this.#tree.size
    const group = new Grouping(
      epoch,
      first,
      first === 0 ? EMPTY : this.#tree,
      this.#ports.committing ?? null,
    )
    const head = {
      epoch,
      node: this.#ports.node,
      time: formatTime(this.#ports.clock.wallMs()),
    }
    let taken = 0
    for (const waiter of this.#waiting) {
      // A new epoch begins a batch; what waits behind it is in the new log.
      if (group.full || (waiter.epoch !== null && taken > 0)) break
      taken += 1
      if (waiter.draft !== null) this.#records -= 1
      group.add(waiter, head)
    }
    this.#waiting = this.#waiting.slice(taken)
    this.#ahead = group.tree.size
    return group
  }
}

function tooMany(what: string): MeshError {
  return new MeshError('TOO_MANY', `${LOG_WAITERS_MAX} ${what} wait for the disk`)
}

function isDamage(error: unknown): boolean {
  return error instanceof MeshError && error.code === 'LOG_DAMAGED'
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
