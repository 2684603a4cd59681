/** Ask and answer on simulated wires: the rules of src/network/exchange.ts, with messages instead of streams. */
import type { Did } from '../../src/core/keys.ts'
import { ASK_TIMEOUT_MS, ASKS_PER_PEER_MAX, BUSY_RETRY_MS } from '../../src/core/limits.ts'
import { MeshError } from '../../src/core/problems.ts'
import type { Network, Protocol } from '../../src/mesh/ports.ts'
import { Answering } from '../../src/network/answering.ts'
import type { Link } from '../../src/network/links.ts'
import { Slots } from '../../src/network/slots.ts'
import { PROTOCOL_BYTES_MAX } from '../../src/network/topics.ts'
import type { End, Hub } from './hub.ts'

type Handler = Parameters<Network['handle']>[1]

/** Nobody reads why; an error made for it would cost more than the question. */
const LATE = 'late'

/** A frame, and whether it says busy. */
interface Answer {
  readonly busy: boolean
  readonly bytes: Uint8Array | null
}

export interface SimExchangePorts {
  readonly hub: Hub
  link(peer: Did): Link<End> | null
  member(end: End): Did | null
  /** The exchange at the end's own host. */
  there(end: End): SimExchange
  /** Who looks on, if anybody does. */
  watch(): Watch | null
}

/** Looks at what leaves a host, and at who asks it and is connected to it. */
export interface Watch {
  asked(peer: Did, what: Protocol): void
  greeted(peer: Did, hello: Uint8Array): void
  /** It is on the wire now, or lost there. */
  sent(peer: Did, what: Sent, bytes: Uint8Array): void
  connected(peer: Did, open: boolean): void
}

/** What it is that was sent: to a question, as one, before it parts, to a hello, or to everybody. */
export type Sent = 'answer' | 'question' | 'parting' | 'hello' | 'gossip'

export class SimExchange {
  readonly #ports: SimExchangePorts
  readonly #asking = new Slots(ASKS_PER_PEER_MAX)
  readonly #answering: Answering
  readonly #handlers = new Map<Protocol, Handler>()

  constructor(ports: SimExchangePorts) {
    this.#ports = ports
    this.#answering = new Answering(ports.hub.clock)
  }

  handle(protocol: Protocol, handler: Handler): void {
    this.#handlers.set(protocol, handler)
  }

  async ask(peer: Did, protocol: Protocol, request: Uint8Array, signal?: AbortSignal) {
    if (request.length > PROTOCOL_BYTES_MAX[protocol])
      throw new MeshError('TOO_LARGE', `a question of ${request.length} bytes to ${protocol}`)
    const over = new AbortController()
    const late = () => over.abort(LATE)
    const deaf = this.#ports.hub.clock.listen(signal, late)
    if (signal?.aborted === true) late()
    const timer = this.#ports.hub.clock.after(ASK_TIMEOUT_MS, late)
    const release = await this.#asking.take(peer, over.signal)
    try {
      const answer = this.#repeat(peer, protocol, request.slice(), over.signal)
      return await within(answer, over.signal, peer)
    } finally {
      release()
      timer.run = null
      deaf()
    }
  }

  /** Says it, and waits for nothing. */
  tell(link: Link<End>, protocol: Protocol, request: Uint8Array): void {
    this.#once(link, protocol, request.slice(), 'parting').catch(() => {})
  }

  async #repeat(peer: Did, protocol: Protocol, request: Uint8Array, signal: AbortSignal) {
    const { clock } = this.#ports.hub
    for (let waitMs = BUSY_RETRY_MS; !signal.aborted; waitMs *= 2) {
      const link = this.#ports.link(peer)
      if (link === null) throw new MeshError('UNREACHABLE', `peer \`${peer}\` is not connected`)
      const { busy, bytes } = await this.#once(link, protocol, request)
      if (!busy) {
        if (bytes !== null && bytes.length <= PROTOCOL_BYTES_MAX[protocol]) return bytes
        throw new MeshError('INVALID_ANSWER', `peer \`${peer}\`: closed without an answer`)
      }
      await clock.sleep(waitMs / 2 + clock.dice.integer(waitMs), signal)
    }
    throw new MeshError('TIMEOUT', `peer \`${peer}\`: no answer in time`)
  }

  /** Resolves with what comes back, rejects when the connection ends; may do neither. */
  #once(
    { connection, peer }: Link<End>,
    protocol: Protocol,
    request: Uint8Array,
    as: Sent = 'question',
  ) {
    const { hub, there, watch } = this.#ports
    watch()?.sent(peer, as, request)
    const { promise, resolve, reject } = Promise.withResolvers<Answer>()
    const gone = () =>
      reject(new MeshError('UNREACHABLE', `peer \`${peer}\`: the connection ended`))
    connection.onClose(gone)
    hub.send(connection, (end) => {
      there(end)
        .#serve(end, protocol, request)
        .then(
          (answer) => there(end).#answer(end, answer, resolve),
          () => hub.send(end, gone),
        )
    })
    return promise.finally(() => connection.offClose(gone))
  }

  #answer(end: End, answer: Answer, resolve: (answer: Answer) => void): void {
    if (answer.bytes !== null) this.#ports.watch()?.sent(end.peer, 'answer', answer.bytes)
    this.#ports.hub.send(end, () => resolve(answer))
  }

  async #serve(end: End, protocol: Protocol, request: Uint8Array): Promise<Answer> {
    this.#ports.watch()?.asked(end.peer, protocol)
    const peer = this.#ports.member(end)
    const handler = this.#handlers.get(protocol)
    if (peer === null || handler === undefined) throw new Error('refused')
    const place = this.#answering.begin(peer, protocol)
    let sizeBytes = request.length
    try {
      if (place.waitMs > 0) await this.#rest(end, place.waitMs)
      if (place.busy) return { busy: true, bytes: null }
      const bytes = this.#ports.member(end) === peer ? await handler(peer, request) : null
      sizeBytes += bytes?.length ?? 0
      return {
        busy: false,
        bytes: this.#ports.member(end) === peer ? (bytes?.slice() ?? null) : null,
      }
    } finally {
      place.end(sizeBytes)
    }
  }

  /** Or longer, where the host stands still by then. */
  async #rest({ owner }: End, ms: number): Promise<void> {
    const { hub } = this.#ports
    await hub.clock.sleep(ms)
    await new Promise<void>((done) => hub.deliver(owner.self, done))
  }
}

/** The promise, or TIMEOUT if the signal aborts first. */
export function within<T>(promise: Promise<T>, signal: AbortSignal, peer: Did): Promise<T> {
  return new Promise((resolve, reject) => {
    const late = () => reject(new MeshError('TIMEOUT', `peer \`${peer}\`: no answer in time`))
    if (signal.aborted) late()
    signal.addEventListener('abort', late, { once: true })
    promise.then(resolve, reject).finally(() => signal.removeEventListener('abort', late))
  })
}
