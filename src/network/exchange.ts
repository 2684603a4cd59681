/**
 * Ask and answer on the mesh's stream protocols, greeted members only. The
 * answerer spaces what it makes for one peer; of too many at once one more is
 * told so in one byte, and asks again a little later within its deadline.
 *
 *     answer frame: 00 <answer>  |  01 (busy)
 */
import type { Connection, Stream } from '@libp2p/interface'
import { concat } from '../core/bytes.ts'
import type { Did } from '../core/keys.ts'
import { ASK_TIMEOUT_MS, ASKS_PER_PEER_MAX, BUSY_RETRY_MS } from '../core/limits.ts'
import { MeshError } from '../core/problems.ts'
import type { Clock, Network, Protocol, Random } from '../mesh/ports.ts'
import { Answering } from './answering.ts'
import { looksBusy, meshErrorOf } from './errors.ts'
import { Slots } from './slots.ts'
import { answerOnce, askOnce } from './streams.ts'
import { formatProtocol, PROTOCOL_BYTES_MAX } from './topics.ts'

type Handler = Parameters<Network['handle']>[1]

const ANSWERED = Uint8Array.of(0)
const BUSY = Uint8Array.of(1)
/** A reset may mean a full peer, or one that fails on this very question. */
const RESETS_FORGIVEN = 3

export interface ExchangePorts {
  readonly clock: Clock
  readonly random: Random
  /** The greeted connection to a member; asked again for every stream. */
  connection(peer: Did): Connection | null
  /** Who is at the other end, if greeted and a member now. */
  member(connection: Connection): Did | null
  /** Told of an answerer that threw: that is a bug here, and the peer gets a reset. */
  fault(error: unknown): void
}

export class Exchange {
  readonly #ports: ExchangePorts
  readonly #handlers = new Map<Protocol, Handler>()
  readonly #answering: Answering
  readonly #asking = new Slots(ASKS_PER_PEER_MAX)

  constructor(ports: ExchangePorts) {
    this.#ports = ports
    this.#answering = new Answering(ports.clock)
  }

  handle(protocol: Protocol, handler: Handler): void {
    this.#handlers.set(protocol, handler)
  }

  async ask(peer: Did, protocol: Protocol, request: Uint8Array, signal?: AbortSignal) {
    if (request.length > PROTOCOL_BYTES_MAX[protocol])
      throw new MeshError('TOO_LARGE', `a question of ${request.length} bytes to ${protocol}`)
    const deadline = AbortSignal.timeout(ASK_TIMEOUT_MS)
    const until = signal === undefined ? deadline : AbortSignal.any([deadline, signal])
    const release = await this.#asking.take(peer, until)
    try {
      return await this.#repeat(peer, protocol, request, until)
    } catch (error) {
      throw until.aborted ? new MeshError('TIMEOUT', `peer \`${peer}\`: no answer in time`) : error
    } finally {
      release()
    }
  }

  async #repeat(peer: Did, protocol: Protocol, request: Uint8Array, until: AbortSignal) {
    const { clock, random } = this.#ports
    let resets = 0
    for (let waitMs = BUSY_RETRY_MS; ; waitMs *= 2) {
      const answer = await this.#once(peer, protocol, request, until, resets)
      if (answer !== null) return answer
      resets += 1
      await clock.sleep(waitMs / 2 + random.integer(waitMs), until)
    }
  }

  /** null: busy. */
  async #once(
    peer: Did,
    protocol: Protocol,
    request: Uint8Array,
    until: AbortSignal,
    resets: number,
  ): Promise<Uint8Array | null> {
    const connection = this.#ports.connection(peer)
    if (connection === null) throw new MeshError('UNREACHABLE', `peer \`${peer}\` is not connected`)
    let answer: Uint8Array
    try {
      const bytesMax = PROTOCOL_BYTES_MAX[protocol] + ANSWERED.length
      answer = await askOnce(connection, formatProtocol(protocol), request, bytesMax, until)
    } catch (error) {
      // A full peer is asked again; everything else is the caller's to know.
      if (looksBusy(error) && resets < RESETS_FORGIVEN && connection.status === 'open') return null
      throw meshErrorOf(error, peer)
    }
    if (answer[0] === ANSWERED[0]) return answer.subarray(ANSWERED.length)
    if (answer[0] === BUSY[0] && answer.length === BUSY.length) return null
    throw new MeshError('INVALID_ANSWER', `peer \`${peer}\`: not a frame of this version`)
  }

  /** The listener's side of one stream. */
  async serve(protocol: Protocol, stream: Stream, connection: Connection): Promise<void> {
    const peer = this.#ports.member(connection)
    const handler = this.#handlers.get(protocol)
    // INVARIANT: who was not greeted, or is no member at this moment, gets no byte (S15).
    if (peer === null || handler === undefined) return stream.abort(new Error('refused'))
    const { busy, waitMs, end } = this.#answering.begin(peer, protocol)
    let bytes = 0
    try {
      await answerOnce(
        stream,
        PROTOCOL_BYTES_MAX[protocol],
        AbortSignal.timeout(ASK_TIMEOUT_MS),
        async (request) => {
          bytes += request.length
          if (waitMs > 0) await this.#ports.clock.sleep(waitMs)
          if (busy) return BUSY
          const answer = await this.#answer(peer, connection, handler, request)
          bytes += answer?.length ?? 0
          return answer
        },
      )
    } catch {
      // The stream is aborted: a peer that went away or broke the protocol fails alone.
    } finally {
      end(bytes)
    }
  }

  async #answer(peer: Did, connection: Connection, handler: Handler, request: Uint8Array) {
    // It may have waited, and a member when it asked may be none by now: nothing of it is looked at.
    if (this.#ports.member(connection) !== peer) return null
    let answer: Uint8Array | null
    try {
      answer = await handler(peer, request)
    } catch (error) {
      this.#ports.fault(error)
      throw error
    }
    if (answer === null || this.#ports.member(connection) !== peer) return null
    return concat(ANSWERED, answer)
  }
}
