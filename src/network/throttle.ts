/**
 * How much one connection brings in a second. Of what comes faster nothing is
 * read for a while, and TCP tells the peer to wait: libp2p decrypts every byte
 * and opens every stream before anybody here can ask whether it was welcome.
 * What was read already waits as well: sixteen streams opened at once would
 * keep everybody else waiting for all of them.
 *
 *     yamux frame   a byte of data   each as one, and a frame as FRAME_COST_BYTES more
 *                   SYN              a stream: STREAM_COST_BYTES; opened and reset at once, it costs as much
 */
import type { MessageStream, StreamMuxerFactory } from '@libp2p/interface'
import { assert } from '../core/assert.ts'
import {
  CONNECTION_BYTES_PER_S,
  CONNECTION_BYTES_UNSPACED,
  CONNECTION_LATE_MS_MAX,
  FRAME_COST_BYTES,
  STREAM_COST_BYTES,
} from '../core/limits.ts'
import type { Clock } from '../mesh/ports.ts'
import { asError } from './errors.ts'

type Throttled = Pick<MessageStream, 'status' | 'pause' | 'resume' | 'abort'>

const MS_PER_BYTE = 1000 / CONNECTION_BYTES_PER_S
const UNSPACED_MS = CONNECTION_BYTES_UNSPACED * MS_PER_BYTE

export class Throttle {
  readonly #connection: Throttled
  readonly #clock: Pick<Clock, 'monotonicMs' | 'sleep'>
  /** When all that was handled had come, at an even pace. */
  #evenMs = Number.NEGATIVE_INFINITY
  #rests = false
  /** Frames that were read and not handled yet, the first one first: no more than are read at once. */
  #waiting: { readonly bytes: number; readonly handle: () => void }[] = []

  constructor(connection: Throttled, clock: Pick<Clock, 'monotonicMs' | 'sleep'>) {
    this.#connection = connection
    this.#clock = clock
  }

  /** So much came: it is handled now, or when it is its turn. */
  take(bytes: number, handle: () => void): void {
    if (this.#rests) {
      this.#waiting.push({ bytes, handle })
      return
    }
    this.#charge(bytes, UNSPACED_MS)
    // What it throws is the connection's end, here and where it waited.
    if (this.#leftMs > 0)
      this.#rest().catch((error: unknown) => this.#connection.abort(asError(error)))
    handle()
  }

  async #rest(): Promise<void> {
    this.#rests = true
    // Closed meanwhile, there is nothing to resume. What waited below comes in `resume`, and waits here.
    while (this.#open && (this.#leftMs > 0 || this.#waiting.length > 0)) {
      this.#connection.pause()
      // In whole milliseconds, as timers count: of less than that nothing would be left to wait for.
      await this.#clock.sleep(Math.max(0, Math.ceil(this.#leftMs)))
      this.#handleDue()
      if (this.#open && this.#waiting.length === 0 && this.#leftMs <= 0) this.#connection.resume()
    }
    this.#waiting = []
    this.#rests = false
  }

  #handleDue(): void {
    let due = 0
    for (const { bytes, handle } of this.#waiting) {
      if (!this.#open || this.#leftMs > 0) break
      due += 1
      // A loop that was late lets no more of a flood in for it.
      this.#charge(bytes, CONNECTION_LATE_MS_MAX)
      handle()
    }
    this.#waiting.splice(0, due)
  }

  #charge(bytes: number, creditMs: number): void {
    const sinceMs = this.#clock.monotonicMs() - creditMs
    this.#evenMs = Math.max(this.#evenMs, sinceMs) + bytes * MS_PER_BYTE
  }

  get #leftMs(): number {
    return this.#evenMs - this.#clock.monotonicMs()
  }

  get #open(): boolean {
    return this.#connection.status === 'open'
  }
}

/** Of https://github.com/hashicorp/yamux/blob/master/spec.md: types, and a flag that begins a stream where a ping has it, too. */
const [DATA, WINDOW_UPDATE, SYN] = [0, 1, 1]

interface Frame {
  readonly header: { readonly type: number; readonly flag: number; readonly length: number }
}

/** The same muxers, each of which throttles the connection that it reads. */
export function throttled(
  create: () => StreamMuxerFactory,
  clock: Pick<Clock, 'monotonicMs' | 'sleep'>,
): () => StreamMuxerFactory {
  return () => {
    const factory = create()
    return {
      protocol: factory.protocol,
      createStreamMuxer(connection) {
        const muxer = factory.createStreamMuxer(connection)
        const throttle = new Throttle(connection, clock)
        // yamux tells of streams and messages, not of frames: a million pings are neither.
        assert(handlesFrames(muxer), 'yamux handles frames, one by one')
        const handle = muxer.handleFrame.bind(muxer)
        muxer.handleFrame = (frame) => {
          throttle.take(costOf(frame), () => handle(frame))
        }
        return muxer
      },
    }
  }
}

/** As no type of theirs says. */
function handlesFrames(muxer: object): muxer is { handleFrame: (frame: Frame) => void } {
  return 'handleFrame' in muxer && typeof muxer.handleFrame === 'function'
}

function costOf({ header: { type, flag, length } }: Frame): number {
  const opens = type <= WINDOW_UPDATE && (flag & SYN) === SYN
  return FRAME_COST_BYTES + (opens ? STREAM_COST_BYTES : 0) + (type === DATA ? length : 0)
}
