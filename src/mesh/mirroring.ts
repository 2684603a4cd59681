/**
 * The log's side of mirroring (design 5): after it published a checkpoint,
 * this node brings the records under it to n members that keep copies.
 *
 *     mirrored/<did>/<epoch>   {"size":40}   how much of this log that member says it holds
 *
 * Which members: those that come first by the hash of both names, so that the
 * copies of a mesh are spread evenly and stay where they are. One that keeps
 * none, or is away for long, is passed over for the next.
 */
import { equalBytes, textOf, utf8 } from '../core/bytes.ts'
import { readCheckpoint } from '../core/checkpoint.ts'
import { sha256Hex } from '../core/id.ts'
import { formatJson, parseCanonical } from '../core/json.ts'
import type { Did } from '../core/keys.ts'
import {
  LOG_RECORDS_MAX,
  MIRROR_AWAY_MS,
  MIRROR_PAUSE_MS,
  MIRROR_REST_MS,
  MIRROR_RETRY_MS,
  PUBLISH_INTERVAL_MS,
  READ_RECORDS,
} from '../core/limits.ts'
import { Malformed } from '../core/malformed.ts'
import { MeshError } from '../core/problems.ts'
import { integer, object } from '../core/shape.ts'
import { askLog } from './ask-log.ts'
import type { StateSource } from './challenge.ts'
import { damaged } from './damaged.ts'
import type { Log } from './log.ts'
import type { LogAnswer } from './log-frames.ts'
import type { LogReader } from './log-reader.ts'
import { Pace } from './pace.ts'
import type { Clock, Network, Put, Store } from './ports.ts'
import type { Publisher } from './publish.ts'
import { inGoodStanding, othersInGoodStanding } from './standing.ts'
import { fitting } from './sync-server.ts'

export interface MirroringPorts {
  readonly network: Pick<Network, 'self' | 'ask' | 'onPeer'>
  readonly clock: Clock
  readonly store: Pick<Store, 'entries'>
  readonly statements: StateSource
  readonly publisher: Pick<Publisher, 'checkpoint' | 'onPublished'>
  readonly reader: Pick<LogReader, 'consistency' | 'range' | 'rootHashAt' | 'peaksAt' | 'least'>
  readonly log: Pick<Log, 'epoch' | 'open' | 'sealed'>
  /** How many copies are wanted. */
  wanted(): number
  persist(puts: readonly Put[]): Promise<void>
  problem(what: string, error: unknown): void
}

/** What is known of a member as a mirror. */
interface Asking {
  /** What it holds, in this epoch, as it said last; null before it was asked since the start. */
  holds: number | null
  busy: boolean
  dueMs: number
  /** Since when it does not answer; null when it did. */
  silentMs: number | null
  /** Until then another one is asked. */
  passedMs: number
}

interface Head {
  readonly epoch: number
  readonly size: number
  readonly note: string
}

const STORED = object({ size: integer(0, LOG_RECORDS_MAX) })

export class Mirroring {
  readonly #ports: MirroringPorts
  readonly #pace: Pace
  /** By member: how much of the current log it holds, durable. */
  readonly #held: Map<Did, number>
  #epoch: number
  readonly #asking = new Map<Did, Asking>()

  private constructor(ports: MirroringPorts, held: Map<Did, number>) {
    this.#ports = ports
    this.#held = held
    this.#epoch = ports.log.epoch
    this.#pace = new Pace(ports.clock)
    ports.publisher.onPublished(() => this.#pace.wake())
    ports.network.onPeer((peer, greeted) => {
      const asking = this.#asking.get(peer)
      if (!greeted || asking === undefined) return
      Object.assign(asking, { silentMs: null, passedMs: 0, dueMs: 0 })
      this.#pace.wake()
    })
  }

  /** @throws MeshError LOG_DAMAGED */
  static async open(ports: MirroringPorts): Promise<Mirroring> {
    const held = new Map<Did, number>()
    for (const [key, value] of await ports.store.entries('mirrored')) {
      const [node, epoch] = key.split('/') as [Did, string]
      if (Number(epoch) === ports.log.epoch) held.set(node, sizeIn(key, value))
    }
    return new Mirroring(ports, held)
  }

  /** How much of the current log each member in good standing holds. */
  holders(): ReadonlyMap<Did, number> {
    const { statements, clock, log } = this.#ports
    if (this.#epoch !== log.epoch) return new Map()
    const [{ governance }, nowMs] = [statements, clock.wallMs()]
    return new Map(
      [...this.#held].filter(([node, size]) => size > 0 && inGoodStanding(governance, node, nowMs)),
    )
  }

  /** Records of the current log of which as many members hold a copy as are wanted. */
  get size(): number {
    const wanted = this.#ports.wanted()
    if (wanted === 0) return 0
    const sizes = [...this.holders().values()].toSorted((a, b) => b - a)
    return sizes[wanted - 1] ?? 0
  }

  /** How many copies are wanted. */
  get wanted(): number {
    return this.#ports.wanted()
  }

  /** Brings what is new until the signal aborts. */
  async run(signal: AbortSignal): Promise<void> {
    const { clock } = this.#ports
    while (!signal.aborted) {
      const head = this.#head()
      if (head !== null)
        for (const mirror of this.#due(head)) void this.#bring(mirror, head, signal)
      const leftMs = [...this.#asking.values()].map(({ dueMs }) => dueMs - clock.monotonicMs())
      const mostMs = this.wanted === 0 ? MIRROR_REST_MS : PUBLISH_INTERVAL_MS
      const waitMs = Math.min(mostMs, ...leftMs.filter((ms) => ms > 0))
      await this.#pace.wait(Math.ceil(waitMs), signal)
    }
  }

  /** What was published last; null when nothing is to be shown of this log, or nobody wants copies of it. */
  #head(): Head | null {
    const { publisher, log } = this.#ports
    const bytes = publisher.checkpoint
    if (this.wanted === 0 || bytes === null || !log.open || log.sealed !== null) return null
    if (this.#epoch !== log.epoch) {
      this.#epoch = log.epoch
      this.#held.clear()
      this.#asking.clear()
    }
    return { epoch: log.epoch, size: readCheckpoint(bytes).size, note: textOf(bytes) }
  }

  #due(head: Head): readonly Did[] {
    const { statements, network, clock } = this.#ports
    const nowMs = clock.monotonicMs()
    const good = othersInGoodStanding(statements.governance, network.self, clock.wallMs())
    for (const known of this.#asking.keys()) if (!good.includes(known)) this.#asking.delete(known)
    return ranked(network.self, good)
      .filter((node) => this.#of(node).passedMs <= nowMs)
      .slice(0, this.wanted)
      .filter((node) => {
        const { busy, dueMs, holds } = this.#of(node)
        return !busy && dueMs <= nowMs && (holds === null || holds < head.size)
      })
  }

  #of(node: Did): Asking {
    const known = this.#asking.get(node)
    if (known !== undefined) return known
    const asking = { holds: null, busy: false, dueMs: 0, silentMs: null, passedMs: 0 }
    this.#asking.set(node, asking)
    return asking
  }

  async #bring(node: Did, head: Head, signal: AbortSignal): Promise<void> {
    const { clock, problem } = this.#ports
    const asking = this.#of(node)
    asking.busy = true
    try {
      const answer = await this.#piece(node, head, asking.holds, signal)
      asking.silentMs = null
      asking.dueMs = clock.monotonicMs() + MIRROR_PAUSE_MS
      await this.#answered(node, head, answer, asking)
    } catch (error) {
      // A member that is away is asked again, or the next one instead; what is wrong here is told.
      if (!(error instanceof MeshError)) problem('a copy of the log could not be brought', error)
      this.#silent(asking)
    } finally {
      asking.busy = false
      this.#pace.wake()
    }
  }

  async #answered(node: Did, head: Head, answer: LogAnswer, asking: Asking): Promise<void> {
    const { clock, problem } = this.#ports
    if (answer.say === 'refused' && answer.why === 'often') return
    if (answer.say !== 'holds') return this.#pass(asking)
    if (!(await this.#isThis(head, answer))) {
      problem('a mirror holds another log under the name of this one', { mirror: node })
      return this.#pass(asking)
    }
    asking.holds = answer.size
    // It has all: nothing to ask before there is more.
    if (answer.size >= head.size) asking.dueMs = clock.monotonicMs()
    await this.#keep(node, head.epoch, answer.size)
  }

  #pass(asking: Asking): void {
    asking.passedMs = this.#ports.clock.monotonicMs() + MIRROR_RETRY_MS
  }

  #silent(asking: Asking): void {
    const nowMs = this.#ports.clock.monotonicMs()
    asking.silentMs ??= nowMs
    asking.dueMs = nowMs + PUBLISH_INTERVAL_MS
    const patienceMs = (asking.holds ?? 0) > 0 ? MIRROR_AWAY_MS : 0
    if (nowMs - asking.silentMs >= patienceMs) this.#pass(asking)
  }

  /** The next records for it; none, only the question, before it said what it holds. */
  async #piece(
    node: Did,
    head: Head,
    holds: number | null,
    signal: AbortSignal,
  ): Promise<LogAnswer> {
    const { network, reader, log } = this.#ports
    const { least } = reader
    const first = Math.max(holds ?? 0, least)
    const count = holds === null ? 0 : Math.min(READ_RECORDS, head.size - first)
    const records = fitting((await reader.range(first, count)).map(({ bytes }) => bytes))
    const proof = await reader.consistency(first + records.length, head.size)
    // Who holds less than is still there begins where the log does.
    const peaks = first > (holds ?? 0) ? await reader.peaksAt(first) : []
    if (log.epoch !== head.epoch) throw new MeshError('NOT_READY', 'the log was retired meanwhile')
    const { epoch, note } = head
    const piece = { ask: 'mirror' as const, epoch, first, least, peaks, note, proof, records }
    return askLog(network, node, piece, signal)
  }

  async #isThis(head: Head, { size, rootHash }: LogAnswer & { say: 'holds' }): Promise<boolean> {
    const { reader, log } = this.#ports
    if (size > head.size || log.epoch !== head.epoch) return false
    return equalBytes(rootHash, await reader.rootHashAt(size))
  }

  /** What it says counts, also when it is less than before: its disk may be another. */
  async #keep(node: Did, epoch: number, size: number): Promise<void> {
    if (this.#held.get(node) === size) return
    const value = utf8(formatJson({ size }))
    await this.#ports.persist([{ space: 'mirrored', key: `${node}/${epoch}`, value }])
    if (epoch === this.#epoch) this.#held.set(node, size)
  }
}

/** Rendezvous hashing: each log has an order of its own, and who leaves changes nobody else's place. */
export function ranked(self: Did, nodes: readonly Did[]): readonly Did[] {
  const places = new Map(nodes.map((node) => [node, sha256Hex(utf8(`${self} ${node}`))]))
  const placeOf = (node: Did) => places.get(node) ?? ''
  return nodes.toSorted((a, b) => (placeOf(a) < placeOf(b) ? -1 : 1))
}

/** @throws MeshError LOG_DAMAGED */
function sizeIn(key: string, value: Uint8Array): number {
  try {
    return STORED(parseCanonical(value, value.length), key).size
  } catch (error) {
    // Its check held, so that this was written by no program of ours.
    if (error instanceof Malformed)
      throw damaged(`what \`${key}\` holds of this log cannot be read`)
    throw error
  }
}
