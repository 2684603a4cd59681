/**
 * Brings this node's log back from a mirror, when a start finds that others
 * remember more of it than the disk has (design 5): an older image was
 * restored, or the last writes were lost. Then the log goes on in its epoch.
 *
 *     here    40 records      others    a head over 90, which this log's key signed
 *     listen  mirror ── 40 to 89 ──▶    hashed onto this tree: is it that head?
 *     write   mirror ── 40 to 89 ──▶    piece by piece, each as it was listened to
 *
 * INVARIANT: nothing is written before all of it is known to lead to the head,
 * and a piece only if it has the hash that it had then. So a mirror that lies
 * costs time. The log stays closed until the boot check finds nothing missing.
 *
 * Not where another daemon speaks with this identity: what looks like a restored
 * disk is a second machine then, and it would write another history.
 */
import { equalBytes } from '../core/bytes.ts'
import { type Checkpoint, readCheckpoint } from '../core/checkpoint.ts'
import { idOf } from '../core/id.ts'
import type { Did } from '../core/keys.ts'
import {
  PUSH_BYTES_MAX,
  READ_RECORDS,
  REFETCH_PAUSE_MS,
  REFETCH_QUIET_MS,
  REFETCH_RETRY_MS,
} from '../core/limits.ts'
import { append, EMPTY, type Hash, leafHash, rootHash, type Tree } from '../core/merkle.ts'
import { MeshError } from '../core/problems.ts'
import { findableOf } from '../core/terms.ts'
import type { BootCheck } from './boot.ts'
import type { Log } from './log.ts'
import type { LogAnswer, LogRequest } from './log-frames.ts'
import type { Clock, Leaf, Network, Put } from './ports.ts'

export interface RefetchPorts {
  readonly network: Pick<Network, 'self' | 'peers'>
  readonly clock: Clock
  readonly log: Pick<Log, 'tree' | 'epoch' | 'sealed' | 'restore'>
  readonly boot: Pick<BootCheck, 'done' | 'rollback' | 'restored'>
  /** @throws MeshError when the peer does not answer */
  ask(peer: Did, request: LogRequest, signal: AbortSignal): Promise<LogAnswer>
  /** What has to be remembered of a record that comes back, in its batch. */
  relearn(record: Uint8Array): readonly Put[]
  /** Tells the operator. */
  problem(what: string, error: unknown): void
}

/** What came back. */
export interface Restored {
  readonly epoch: number
  /** Records [from, to). */
  readonly from: number
  readonly to: number
  readonly mirror: Did
}

/** The log's key signed that head; the log is to have it. */
interface Target extends Checkpoint {
  readonly epoch: number
}

/** A piece of the log, as it was listened to: so many records, and the root hash after them. */
interface Step {
  readonly count: number
  readonly rootHash: Hash
}

export class Refetch {
  readonly #ports: RefetchPorts
  readonly #startedMs: number
  readonly #startedWallMs: number
  /** Members whose copy led elsewhere. */
  readonly #wrong = new Set<Did>()
  #twin = false
  #restored: Restored | null = null

  constructor(ports: RefetchPorts) {
    this.#ports = ports
    this.#startedMs = ports.clock.monotonicMs()
    this.#startedWallMs = ports.clock.wallMs()
  }

  /** What came back since the start; null when nothing did. */
  get restored(): Restored | null {
    return this.#restored
  }

  /** Whether another daemon was heard to speak with this identity. */
  get twin(): boolean {
    return this.#twin
  }

  /** Takes the time of an announcement that bears this node's name and that it did not send since its start. */
  heardSelf(timeMs: number): void {
    // One of before may still be on its way; this one was made by a daemon that runs.
    if (this.#twin || timeMs <= this.#startedWallMs + REFETCH_QUIET_MS) return
    this.#twin = true
    if (!this.#ports.boot.done)
      this.#ports.problem('another daemon speaks as this node: its log is not brought back', null)
  }

  /** Tries as long as the boot check finds records missing; returns when it is done, or the signal aborts. */
  async run(signal: AbortSignal): Promise<void> {
    const { clock, boot, log } = this.#ports
    while (!signal.aborted && !boot.done) {
      const quiet = clock.monotonicMs() - this.#startedMs >= 2 * REFETCH_QUIET_MS
      const target = this.#target()
      if (target !== null && quiet && !this.#twin && log.sealed === null)
        await this.#refetch(target, signal)
      await boot.restored()
      await clock.sleep(REFETCH_RETRY_MS, signal)
    }
  }

  /** The furthest head that others showed, if this log can be the beginning of it. */
  #target(): Target | null {
    const { boot, log } = this.#ports
    const shown = boot.rollback
    if (shown === null || shown.epoch < log.epoch) return null
    const target = { ...readCheckpoint(shown.checkpoint), epoch: shown.epoch }
    return this.#before(target).size < target.size ? target : null
  }

  /** What the disk has of that log. @throws MeshError CONFLICT when it was retired */
  #before({ epoch }: Target): Tree {
    const { log } = this.#ports
    if (log.epoch > epoch) throw new MeshError('CONFLICT', `log ${epoch} was retired meanwhile`)
    return log.epoch === epoch ? log.tree : EMPTY
  }

  async #refetch(target: Target, signal: AbortSignal): Promise<void> {
    for (const { peer } of this.#ports.network.peers()) {
      if (this.#wrong.has(peer) || signal.aborted) continue
      if (await this.#from(peer, target, signal)) return
    }
  }

  /** Whether the log is whole again, with what that member holds. */
  async #from(mirror: Did, target: Target, signal: AbortSignal): Promise<boolean> {
    const { problem, log } = this.#ports
    const from = this.#before(target).size
    try {
      const steps = await this.#listen(mirror, target, signal)
      if (steps === null) return false
      for (const step of steps) await this.#write(mirror, target, step, signal)
    } catch (error) {
      // It is away, holds no copy, or gives another one now: what was written is right, and the rest is still missing.
      if (!(error instanceof MeshError)) throw error
      return false
    } finally {
      if (log.epoch === target.epoch && log.tree.size > from)
        this.#restored = { epoch: target.epoch, from, to: log.tree.size, mirror }
    }
    problem('records that this disk had lost came back from a mirror', this.#restored)
    return true
  }

  /** null when its copy does not lead to the head. */
  async #listen(mirror: Did, target: Target, signal: AbortSignal): Promise<readonly Step[] | null> {
    const steps: Step[] = []
    let tree = this.#before(target)
    while (tree.size < target.size) {
      const records = await this.#ask(mirror, target, tree.size, READ_RECORDS, signal)
      tree = grown(tree, records)
      steps.push({ count: records.length, rootHash: rootHash(tree) })
    }
    if (equalBytes(rootHash(tree), target.rootHash)) return steps
    this.#wrong.add(mirror)
    this.#ports.problem('a mirror holds another log under the name of this one', { mirror })
    return null
  }

  async #write(mirror: Did, target: Target, step: Step, signal: AbortSignal): Promise<void> {
    const { log, relearn } = this.#ports
    const before = this.#before(target)
    const records = await this.#ask(mirror, target, before.size, step.count, signal)
    if (
      records.length !== step.count ||
      !equalBytes(rootHash(grown(before, records)), step.rootHash)
    )
      throw new MeshError('INVALID_ANSWER', 'the mirror gives something else than before')
    const puts = records.flatMap((record) => relearn(record))
    await log.restore(target.epoch, before.size, records.map(leaf), puts)
  }

  async #ask(
    mirror: Did,
    target: Target,
    first: number,
    most: number,
    signal: AbortSignal,
  ): Promise<readonly Uint8Array[]> {
    const { ask, clock } = this.#ports
    const count = Math.min(most, target.size - first)
    await clock.sleep(REFETCH_PAUSE_MS, signal)
    const answer = await ask(mirror, { ask: 'copy', epoch: target.epoch, first, count }, signal)
    if (
      answer.say !== 'records' ||
      answer.records.length > count ||
      isMeagre(answer.records, count)
    )
      throw new MeshError('INVALID_ANSWER', 'the member holds no such copy')
    return answer.records
  }
}

/** Fewer than were asked for, though more would fit: who trickles would hold up a start for days. */
function isMeagre(records: readonly Uint8Array[], count: number): boolean {
  const bytes = records.reduce((sum, { length }) => sum + length, 0)
  return records.length < count && bytes < PUSH_BYTES_MAX / 2
}

function grown(tree: Tree, records: readonly Uint8Array[]): Tree {
  return records.reduce((each, record) => append(each, leafHash(record)), tree)
}

function leaf(bytes: Uint8Array): Leaf {
  return { bytes, id: idOf(bytes), hash: leafHash(bytes), ...findableOf(bytes) }
}
