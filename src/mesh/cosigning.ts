/**
 * The log's side of cosigning (design 5): after it published a checkpoint, this
 * node asks each of the root's witnesses to cosign it, and keeps what a quorum
 * cosigned. Itself it asks by the same door.
 *
 *     published ── old m, proof, checkpoint ──▶ witness ── line ──▶ write of them: witnessed
 *                  ◀── 409: its size ── asked again with a proof from there
 *
 * A witness that does not answer holds up nobody, and is asked again. Between
 * two rounds there are max(1 s, nodes / 100 s), so that all together stay linear.
 */
import { formatAddCheckpoint } from '../core/add-checkpoint.ts'
import { textOf } from '../core/bytes.ts'
import { readCheckpoint } from '../core/checkpoint.ts'
import {
  verifyCosignature,
  withCosignatures,
  witnessKeysOf,
  witnessName,
} from '../core/cosignature.ts'
import type { Did } from '../core/keys.ts'
import { COSIGNING_MAX, COSIGNING_REST_MS } from '../core/limits.ts'
import { MeshError } from '../core/problems.ts'
import { askLog } from './ask-log.ts'
import type { StateSource } from './challenge.ts'
import type { KnownCheckpoint } from './checkpoints.ts'
import type { Cosigned, CosignedCheckpoint } from './cosigned.ts'
import type { Log } from './log.ts'
import type { LogAnswer } from './log-frames.ts'
import type { LogReader } from './log-reader.ts'
import { Pace } from './pace.ts'
import type { Clock, Network } from './ports.ts'
import type { Publisher } from './publish.ts'
import { inGoodStanding } from './standing.ts'
import { Witness } from './witness.ts'

export interface CosigningPorts {
  readonly network: Pick<Network, 'self' | 'ask' | 'onPeer'>
  readonly clock: Clock
  readonly statements: StateSource
  readonly publisher: Pick<Publisher, 'checkpoint' | 'onPublished'>
  readonly reader: Pick<LogReader, 'consistency'>
  readonly log: Pick<Log, 'epoch' | 'open' | 'sealed'>
  readonly cosigned: Pick<Cosigned, 'newest' | 'note' | 'keep'>
  /** This node's own; it cosigns if it is one of the root's. */
  readonly witness: Pick<Witness, 'add'>
  /** Told of each answer of a witness, for metrics. */
  readonly answered?: (answer: LogAnswer) => void
  problem(what: string, error: unknown): void
}

/** What is known of a witness: what it cosigned, and what its next proof has to begin with. */
interface Asking {
  /** Of this node's log in its current epoch. */
  readonly origin: string
  /** By which it cosigns. */
  readonly key: Did | undefined
  size: number
  /** The largest that it cosigned. */
  cosigned: number
  busy: boolean
  dueMs: number
}

/** A checkpoint that collects cosignatures: lines, by witness. */
interface Collecting extends KnownCheckpoint {
  readonly lines: Map<Did, string>
}

export class Cosigning {
  readonly #ports: CosigningPorts
  readonly #pace: Pace
  readonly #asking = new Map<Did, Asking>()
  /** Of the current epoch, oldest first: a slow witness cosigns one that is not the newest. */
  #collecting: readonly Collecting[] = []
  #keeping: Promise<void> | null = null
  readonly #listeners: (() => void)[] = []

  constructor(ports: CosigningPorts) {
    this.#ports = ports
    this.#pace = new Pace(ports.clock)
    ports.publisher.onPublished(() => this.#pace.wake())
    ports.statements.onChange(() => this.#pace.wake())
    ports.network.onPeer((peer, greeted) => {
      const asking = this.#asking.get(peer)
      if (!greeted || asking === undefined) return
      asking.dueMs = 0
      this.#pace.wake()
    })
  }

  /** Told when what a quorum cosigned is durable. */
  onWitnessed(listener: () => void): void {
    this.#listeners.push(listener)
  }

  /** The largest size of this log that each witness cosigned, in its current epoch. */
  reach(): ReadonlyMap<Did, number> {
    const { log } = this.#ports
    const kept = this.#kept()
    const reach = new Map<Did, number>()
    for (const { witness } of kept?.cosignatures ?? [])
      reach.set(witness, kept?.checkpoint.size ?? 0)
    for (const { checkpoint, epoch, lines } of this.#collecting)
      for (const witness of epoch === log.epoch ? lines.keys() : [])
        reach.set(witness, Math.max(checkpoint.size, reach.get(witness) ?? 0))
    return reach
  }

  /** Asks until the signal aborts. */
  async run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      const head = this.#head()
      if (head !== null)
        for (const witness of this.#due(head)) void this.#ask(witness, head, signal)
      await this.#pace.wait(this.#restMs(head), signal)
    }
    await this.#keeping
  }

  /** Until somebody is asked again. Who cosigned this head is asked when there is another. */
  #restMs(head: Collecting | null): number {
    const { clock, statements } = this.#ports
    const lacking = [...this.#asking.values()].filter(
      ({ cosigned }) => head !== null && cosigned < head.checkpoint.size,
    )
    if (lacking.length === 0) return COSIGNING_REST_MS
    const leftMs = lacking.map(({ dueMs }) => dueMs - clock.monotonicMs())
    const intervalMs = Witness.intervalMs(statements.governance)
    // Whole ones: a rest too small for the clock to tell apart would be waited for again and again.
    return Math.ceil(Math.min(intervalMs, ...leftMs.filter((ms) => ms > 0)))
  }

  /** The durable one, if it is of the current epoch. */
  #kept(): CosignedCheckpoint | null {
    const { cosigned, network, log } = this.#ports
    const kept = cosigned.newest(network.self)
    return kept?.epoch === log.epoch ? kept : null
  }

  /** What was published last. */
  #head(): Collecting | null {
    const { publisher, network, log } = this.#ports
    const bytes = publisher.checkpoint
    // A head that the boot check has not looked at, or that others contradict, is nothing to vouch for.
    if (bytes === null || !log.open || log.sealed !== null) return null
    const note = textOf(bytes)
    const last = this.#collecting.at(-1)
    if (last?.note === note) return last
    const [node, epoch, checkpoint] = [network.self, log.epoch, readCheckpoint(bytes)]
    const head = { node, epoch, checkpoint, note, lines: this.#linesOf(note) }
    const before = this.#collecting.filter((each) => each.epoch === epoch)
    this.#collecting = [...before, head].slice(-COSIGNING_MAX)
    return head
  }

  /** What the durable one has, if it is the same: after a start. */
  #linesOf(note: string): Map<Did, string> {
    const kept = this.#kept()
    const lines = new Map<Did, string>()
    if (kept?.note.startsWith(note) !== true) return lines
    const added = kept.note.slice(note.length).split('\n')
    for (const { witness } of kept.cosignatures) {
      const line = added.find((each) => each.split(' ')[1] === witnessName(witness))
      if (line !== undefined) lines.set(witness, `${line}\n`)
    }
    return lines
  }

  #due(head: Collecting): readonly Did[] {
    const { statements, clock } = this.#ports
    const { governance } = statements
    const [nowMs, wallMs] = [clock.monotonicMs(), clock.wallMs()]
    const witnesses = governance.root?.witnesses ?? []
    for (const known of this.#asking.keys())
      if (!witnesses.includes(known)) this.#asking.delete(known)
    return witnesses.filter((witness) => {
      const { busy, cosigned, dueMs } = this.#of(witness, head)
      if (busy || cosigned >= head.checkpoint.size || dueMs > nowMs) return false
      return inGoodStanding(governance, witness, wallMs)
    })
  }

  /** Anew for another log, and for another key of the witness. */
  #of(witness: Did, { checkpoint }: Collecting): Asking {
    const known = this.#asking.get(witness)
    const { origin } = checkpoint
    const key = this.#ports.statements.governance.members.get(witness)?.witness
    if (known?.origin === origin && known.key === key) return known
    const size = this.#kept()?.cosignatures.some((each) => each.witness === witness)
      ? (this.#kept()?.checkpoint.size ?? 0)
      : 0
    // Size 0 is cosigned too: nothing is below it.
    const asking = { origin, key, size, cosigned: size || -1, busy: false, dueMs: 0 }
    this.#asking.set(witness, asking)
    return asking
  }

  async #ask(witness: Did, head: Collecting, signal: AbortSignal): Promise<void> {
    const { clock, statements, problem } = this.#ports
    const asking = this.#of(witness, head)
    asking.busy = true
    asking.dueMs = clock.monotonicMs() + Witness.intervalMs(statements.governance)
    try {
      let answer = await this.#answerOf(witness, head, asking.size, signal)
      if (answer?.say === 'size' && answer.size !== asking.size) {
        asking.size = answer.size
        answer = await this.#answerOf(witness, head, asking.size, signal)
      }
      if (answer?.say === 'cosigned') this.#take(witness, head, answer.line, asking)
    } catch (error) {
      // A peer that is away is asked again, and status shows it; what is wrong here is told.
      if (!(error instanceof MeshError)) problem('a cosignature could not be asked for', error)
    } finally {
      asking.busy = false
      this.#pace.wake()
    }
  }

  /** null when there is nothing that can be asked. */
  async #answerOf(
    witness: Did,
    { checkpoint, epoch, note }: Collecting,
    old: number,
    signal: AbortSignal,
  ): Promise<LogAnswer | null> {
    const { network, reader, log, witness: own, answered } = this.#ports
    // It saw more than was published here, or it lies: what it saw is for the boot check to find.
    if (old > checkpoint.size || log.epoch !== epoch) return null
    const proof = await reader.consistency(old, checkpoint.size)
    if (log.epoch !== epoch) return null
    const body = formatAddCheckpoint({ old, proof, note })
    const answer =
      witness === network.self
        ? await own.add(network.self, body)
        : await askLog(network, witness, { ask: 'cosign', body }, signal)
    answered?.(answer)
    return answer
  }

  #take(witness: Did, head: Collecting, line: string, asking: Asking): void {
    const { key } = asking
    if (key === undefined || !verifyCosignature(head.note, line, { node: witness, key })) return
    head.lines.set(witness, line)
    asking.size = head.checkpoint.size
    asking.cosigned = head.checkpoint.size
    this.#keeping ??= this.#keep()
  }

  /** One write at a time; of those that are a quorum's meanwhile the newest follows. */
  async #keep(): Promise<void> {
    const { cosigned, problem } = this.#ports
    // Lines that come in the same turn are kept together.
    await Promise.resolve()
    try {
      for (let best = this.#best(); best !== null; best = this.#best()) {
        await cosigned.keep(best)
        for (const listener of this.#listeners) listener()
      }
    } catch (error) {
      // The lines are still here: the next one that comes tries again.
      problem('a cosigned checkpoint was not kept', error)
    } finally {
      this.#keeping = null
    }
  }

  /** The newest with a quorum of lines, and all of them; null when what is durable is no less. */
  #best(): KnownCheckpoint | null {
    const { governance } = this.#ports.statements
    const keys = witnessKeysOf(governance)
    for (const { lines, ...known } of this.#collecting.toReversed()) {
      const counted = new Set([...lines.keys()].map((witness) => keys.get(witness)))
      counted.delete(undefined)
      if (governance.root === null || counted.size < governance.root.lease.write) continue
      const note = withCosignatures(known.note, [...lines.values()])
      return note === this.#ports.cosigned.note(known.node) ? null : { ...known, note }
    }
    return null
  }
}
