/**
 * The answering side of `/meshd/log/1`: cosigns as a witness, keeps copies as a
 * mirror, and serves this node's log to members, as far as it is published. Whatever is asked, what is
 * answered proves itself.
 */
import type { Did } from '../core/keys.ts'
import { LOG_READS_PER_S, PEERS_MAX } from '../core/limits.ts'
import { Malformed } from '../core/malformed.ts'
import { MeshError } from '../core/problems.ts'
import type { Checkpoints } from './checkpoints.ts'
import type { Cosigned } from './cosigned.ts'
import type { Log } from './log.ts'
import { formatLogAnswer, type LogAnswer, type LogRequest, parseLogRequest } from './log-frames.ts'
import type { LogReader } from './log-reader.ts'
import type { Mirror } from './mirror.ts'
import type { Clock, Network, Store } from './ports.ts'
import type { Publisher } from './publish.ts'
import { fitting } from './sync-server.ts'
import type { Witness } from './witness.ts'

export interface LogServerPorts {
  readonly network: Pick<Network, 'handle'>
  readonly clock: Clock
  readonly store: Pick<Store, 'tile'>
  readonly log: Pick<Log, 'epoch'>
  readonly reader: Pick<LogReader, 'consistency' | 'inclusion' | 'range'>
  readonly publisher: Pick<Publisher, 'size'>
  readonly witness: Pick<Witness, 'add'>
  readonly mirror: Pick<Mirror, 'take' | 'give'>
  readonly cosigned: Pick<Cosigned, 'newest'>
  readonly checkpoints: Pick<Checkpoints, 'newest'>
  /** Whether this node may see records: hashes and proofs are everybody's. */
  shares(peer: Did): boolean
}

type Read = Exclude<LogRequest, { ask: 'cosign' | 'checkpoint' | 'heads' | 'mirror' | 'copy' }>

const ABSENT: LogAnswer = { say: 'refused', why: 'absent' }

export class LogServer {
  readonly #ports: LogServerPorts
  /** Of each peer: the second that runs, monotonic, and what it read in it. */
  readonly #reads = new Map<Did, { readonly sinceMs: number; count: number }>()

  constructor(ports: LogServerPorts) {
    this.#ports = ports
  }

  /** Becomes the answerer of the protocol. The network lets nobody ask but members. */
  listen(): void {
    this.#ports.network.handle('log', (peer, request) => this.answer(peer, request))
  }

  /** null, and no answer, for what is no question. */
  async answer(peer: Did, bytes: Uint8Array): Promise<Uint8Array | null> {
    const request = read(bytes)
    return request === null ? null : formatLogAnswer(await this.#answer(peer, request))
  }

  async #answer(peer: Did, request: LogRequest): Promise<LogAnswer> {
    const { witness, mirror, log, cosigned } = this.#ports
    if (request.ask === 'cosign') return witness.add(peer, request.body)
    if (request.ask === 'mirror') return mirror.take(peer, request)
    if (this.#often(peer)) return { say: 'refused', why: 'often' }
    if (request.ask === 'copy') return mirror.give(peer, request)
    if (request.ask === 'checkpoint') {
      const note = cosigned.newest(request.node)?.note
      return note === undefined ? ABSENT : { say: 'checkpoint', note }
    }
    if (request.ask === 'heads') return this.#heads(request.nodes)
    if (request.ask === 'records' && !this.#ports.shares(peer)) return ABSENT
    if (request.epoch !== log.epoch || endOf(request) > this.#ports.publisher.size) return ABSENT
    try {
      const answer = await this.#read(request)
      // Retired while it was read: that was another log.
      return request.epoch === log.epoch ? answer : ABSENT
    } catch (error) {
      // What the disk does not give is not served; the reader has sealed a damaged log.
      if (error instanceof MeshError) return { say: 'refused', why: 'unready' }
      throw error
    }
  }

  #heads(nodes: readonly Did[]): LogAnswer {
    const { checkpoints } = this.#ports
    return { say: 'heads', notes: nodes.map((node) => checkpoints.newest(node)?.note ?? '') }
  }

  async #read(request: Read): Promise<LogAnswer> {
    const { reader, store } = this.#ports
    switch (request.ask) {
      case 'consistency':
        return { say: 'proof', hashes: await reader.consistency(request.from, request.to) }
      case 'inclusion':
        return { say: 'proof', hashes: await reader.inclusion(request.index, request.size) }
      case 'tile': {
        const tile = await store.tile(request.level, request.index)
        return tile === null ? ABSENT : { say: 'tile', tile }
      }
      case 'records': {
        const records = (await reader.range(request.first, request.count)).map(({ bytes }) => bytes)
        return { say: 'records', records: fitting(records) }
      }
    }
  }

  #often(peer: Did): boolean {
    const nowMs = this.#ports.clock.monotonicMs()
    const reads = this.#reads.get(peer)
    if (reads !== undefined && nowMs - reads.sinceMs < 1000) {
      reads.count += 1
      return reads.count > LOG_READS_PER_S
    }
    this.#reads.delete(peer)
    this.#reads.set(peer, { sinceMs: nowMs, count: 1 })
    const oldest = this.#reads.keys().next().value
    if (this.#reads.size > PEERS_MAX && oldest !== undefined) this.#reads.delete(oldest)
    return false
  }
}

/** The size that the log has to have for it; Infinity for what contradicts itself. */
function endOf(request: Read): number {
  switch (request.ask) {
    case 'consistency':
      return request.from <= request.to ? request.to : Number.POSITIVE_INFINITY
    case 'inclusion':
      return request.index < request.size ? request.size : Number.POSITIVE_INFINITY
    case 'tile':
      return (request.index + 1) * 256 ** (request.level + 1)
    case 'records':
      return request.first + request.count
  }
}

function read(bytes: Uint8Array): LogRequest | null {
  try {
    return parseLogRequest(bytes)
  } catch (error) {
    // Untrusted bytes come in here: the stream closes without an answer.
    if (error instanceof Malformed) return null
    throw error
  }
}
