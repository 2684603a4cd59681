/**
 * Finds the receipt of an execution, wherever its record is: in this node's own
 * log, or with a member that is asked. A cause names no node, so all that are
 * connected are asked at once, and the first receipt that proves the record is
 * taken. What a peer sends proves itself or is nothing.
 *
 *     unknown everywhere                 none, at once
 *     here or there, not yet witnessed   asked again, until the time is over
 *
 * A parent on this very node passes the same door: until a quorum cosigned its
 * record, a disk that is set back could still forget it.
 */
import type { RecordId } from '../core/id.ts'
import type { Did } from '../core/keys.ts'
import {
  LINEAGE_ASKED_MAX,
  LINEAGE_POLL_MS,
  PARENTS_SOUGHT_MAX,
  RECEIPTS_REMEMBERED_MAX,
} from '../core/limits.ts'
import { checkReceipt, type Parent, type Vouching } from '../core/lineage.ts'
import { Malformed } from '../core/malformed.ts'
import { Memo } from '../core/memo.ts'
import { MeshError } from '../core/problems.ts'
import {
  type Descendants,
  formatLineageRequest,
  type Held,
  type LineageAnswer,
  parseLineageAnswer,
} from './lineage-frames.ts'
import type { LineageServer } from './lineage-server.ts'
import type { Clock, Network } from './ports.ts'
import { asksRunning } from './running-frames.ts'
import { asksSearch } from './search-frames.ts'
import type { SearchServer } from './search-server.ts'

export interface LineagePorts {
  readonly network: Pick<Network, 'self' | 'ask' | 'handle' | 'peers'>
  readonly clock: Clock
  governance(): Vouching
  readonly own: Pick<LineageServer, 'answer' | 'held' | 'descendants'>
  /** Looks through this node's log for others. */
  readonly searches: Pick<SearchServer, 'answer'>
}

type Receipt = Extract<Held, { readonly say: 'receipt' }>
type Failed = { readonly say: 'failed'; readonly why: string }

/** What one node said of a record; a receipt was verified. */
interface Told {
  readonly node: Did
  readonly held: Held | Failed
}

interface Answers {
  readonly proof: Receipt | null
  readonly told: readonly Told[]
}

export interface Sought {
  /** The first that proves the record; null when none does. */
  readonly proof: Receipt | null
  /** What was said instead. */
  readonly why: string
}

export class Lineage {
  readonly #ports: LineagePorts
  /** Receipts that were fetched and verified; whether they still prove anything is looked at for each decision. */
  readonly #receipts = new Memo<RecordId, Uint8Array>(RECEIPTS_REMEMBERED_MAX)
  readonly #seeking = new Map<RecordId, Promise<Parent>>()

  private constructor(ports: LineagePorts) {
    this.#ports = ports
  }

  /** Becomes the answerer of the protocol. */
  static open(ports: LineagePorts): Lineage {
    const { own, searches } = ports
    ports.network.handle('lineage', (peer, request) =>
      asksSearch(request) || asksRunning(request)
        ? searches.answer(peer, request)
        : own.answer(peer, request),
    )
    return new Lineage(ports)
  }

  /** Proof of a cause, or why there is none by then. @param untilMs monotonic */
  parent(id: RecordId, untilMs: number): Promise<Parent> {
    const known = this.#receipts.get(id)
    // Of a witness set that is not the one in force by now, it is fetched anew.
    if (known !== undefined && this.#proves(id, known) === null)
      return Promise.resolve({ kind: 'receipt', receipt: known })
    const seeking = this.#seeking.get(id)
    if (seeking !== undefined) return seeking
    if (this.#seeking.size >= PARENTS_SOUGHT_MAX)
      return Promise.resolve({ kind: 'none', detail: 'too many others are being fetched' })
    const begun = this.#parent(id, untilMs).finally(() => this.#seeking.delete(id))
    this.#seeking.set(id, begun)
    return begun
  }

  async #parent(id: RecordId, untilMs: number): Promise<Parent> {
    const { proof, why } = await this.seek(id, untilMs)
    if (proof === null) return { kind: 'none', detail: why }
    this.#receipts.set(id, proof.receipt)
    return { kind: 'receipt', receipt: proof.receipt }
  }

  /** A record, as whoever has it proves it; waits for its witnesses. @param untilMs monotonic */
  async seek(id: RecordId, untilMs: number): Promise<Sought> {
    const { clock } = this.#ports
    for (let whom = this.#everybody(); ; ) {
      const { proof, told } = await this.#ask(id, whom, untilMs)
      const waiting = told.filter(({ held }) => held.say === 'unwitnessed')
      const leftMs = untilMs - clock.monotonicMs()
      if (proof !== null || waiting.length === 0 || leftMs <= LINEAGE_POLL_MS)
        return { proof, why: this.#why(told) }
      whom = waiting.map(({ node }) => node)
      await clock.sleep(LINEAGE_POLL_MS)
    }
  }

  /** Which decisions descend from it, by what each node in reach says: hints, each to be proven. */
  async descendants(id: RecordId, untilMs: number): Promise<ReadonlyMap<Did, Descendants | null>> {
    const ended = this.#endingAt(untilMs)
    const asked = this.#everybody().map(async (node) => {
      const answer = await this.#answerOf(node, { ask: 'descendants', id }, ended.signal)
      return [node, 'ids' in answer ? answer : null] as const
    })
    return Promise.all(asked)
      .then((answers) => new Map(answers))
      .finally(() => ended.abort())
  }

  /** Resolves with the first proof, without waiting for the others; or when all have answered. */
  #ask(id: RecordId, whom: readonly Did[], untilMs: number): Promise<Answers> {
    const ended = this.#endingAt(untilMs)
    const told: Told[] = []
    const sought = new Promise<Answers>((resolve, reject) => {
      const asked = whom.map(async (node) => {
        const one = await this.#tell(id, node, ended.signal)
        told.push(one)
        // Of what comes after the first proof nothing is taken.
        if (one.held.say === 'receipt') resolve({ proof: one.held, told })
      })
      Promise.all(asked).then(() => resolve({ proof: null, told }), reject)
    })
    return sought.finally(() => ended.abort())
  }

  async #tell(id: RecordId, node: Did, signal: AbortSignal): Promise<Told> {
    const answer = await this.#answerOf(node, { ask: 'receipt', id }, signal)
    if (answer.say === 'busy' || answer.say === 'descendants')
      return { node, held: { say: 'failed', why: 'no answer' } }
    if (answer.say !== 'receipt') return { node, held: answer }
    const broken = this.#proves(id, answer.receipt)
    if (broken === null) return { node, held: answer }
    return { node, held: { say: 'failed', why: `its receipt proves nothing: ${broken}` } }
  }

  /** null when it does. */
  #proves(id: RecordId, receipt: Uint8Array): string | null {
    const found = checkReceipt(id, receipt, this.#ports.governance())
    return 'condition' in found ? `${found.condition}: ${found.detail}` : null
  }

  async #answerOf(
    node: Did,
    request: Parameters<typeof formatLineageRequest>[0],
    signal: AbortSignal,
  ): Promise<LineageAnswer | Failed> {
    const { network, own } = this.#ports
    try {
      if (node === network.self)
        return await (request.ask === 'receipt'
          ? own.held(request.id)
          : own.descendants(request.id))
      const bytes = await network.ask(node, 'lineage', formatLineageRequest(request), signal)
      return parseLineageAnswer(bytes)
    } catch (error) {
      // Untrusted bytes come in here, peers go away, and the own disk may fail; everything else is a bug.
      if (error instanceof Malformed) return { say: 'failed', why: 'no valid answer' }
      if (error instanceof MeshError) return { say: 'failed', why: 'no answer' }
      throw error
    }
  }

  /** This node first, then those that are connected. */
  #everybody(): readonly Did[] {
    const { network } = this.#ports
    const peers = network.peers().map(({ peer }) => peer)
    return [network.self, ...peers].slice(0, LINEAGE_ASKED_MAX)
  }

  /** `atlas and borealis do not have it; cygnus: no answer` */
  #why(told: readonly Told[]): string {
    const { members } = this.#ports.governance()
    const name = (node: Did) => members.get(node)?.name ?? node
    const having = told.filter(({ held }) => held.say !== 'unknown')
    if (having.length === 0)
      return `it cannot be fetched: of ${told.length} nodes in reach none has it`
    const each = having.map(({ node, held }) => `${name(node)}: ${wordOf(held)}`)
    return `it cannot be fetched: ${each.join('; ')}`
  }

  /** Aborts itself then; who is done aborts it sooner, and no timer is left. */
  #endingAt(untilMs: number): AbortController {
    const ended = new AbortController()
    const leftMs = Math.max(1, Math.ceil(untilMs - this.#ports.clock.monotonicMs()))
    void this.#ports.clock.sleep(leftMs, ended.signal).then(() => ended.abort())
    return ended
  }
}

function wordOf(held: Told['held']): string {
  switch (held.say) {
    case 'failed':
      return held.why
    case 'unwitnessed':
      return 'no quorum has cosigned it yet'
    case 'superseded':
      return 'a deny replaced it'
    default:
      return held.say
  }
}
