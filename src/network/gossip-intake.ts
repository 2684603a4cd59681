/**
 * gossipsub reads whatever comes as fast as it comes, and decodes it also for a
 * peer that it listens to no more, in the time of everybody else. Here frames
 * wait until the budget of their peer allows them:
 *
 *     stream ── chunks ──▶ waiting ── whole frames, in turn ──▶ gossipsub
 *        ◀── paused while much waits: the peer may send no more than its window
 *
 * Nothing is lost. An honest burst is within the budget, and comes later where
 * it is not; a peer that sends more waits for itself alone.
 */
import type { Stream } from '@libp2p/interface'
import { GOSSIP_FRAMES_AT_ONCE, GOSSIP_WAITING_BYTES_MAX } from '../core/limits.ts'
import type { Clock } from '../mesh/ports.ts'
import { asError } from './errors.ts'
import type { GossipBudgets } from './gossip-budgets.ts'
import { type Frame, GossipFrames } from './gossip-frames.ts'

/** A stream as gossipsub reads it: whole frames, each when the budget of the peer allows it. */
export function paced(
  stream: Stream,
  peer: string,
  budgets: GossipBudgets,
  clock: Pick<Clock, 'sleep'>,
): Stream {
  const intake = new Intake(stream)
  const frames = framesOf({ intake, stream, peer, budgets, clock })
  // Not a stream of libp2p: that would be read past this, by its events.
  return Object.assign(Object.create(null), {
    protocol: stream.protocol,
    // gossipsub closes what another stream took the place of, and libp2p would still read that: of one peer
    // ninety could wait. Not heard any more first: for a reset, gossipsub gives up the peer with its new stream.
    close: async () => {
      intake[Symbol.dispose]()
      stream.abort(new Error('gossip needs this stream no more'))
    },
    abort: (error: Error) => stream.abort(error),
    [Symbol.asyncIterator]: () => frames,
  })
}

interface Reading {
  readonly intake: Intake
  readonly stream: Stream
  readonly peer: string
  readonly budgets: GossipBudgets
  readonly clock: Pick<Clock, 'sleep'>
}

async function* framesOf(reading: Reading): AsyncGenerator<Uint8Array> {
  const { stream, peer, budgets, clock } = reading
  using intake = reading.intake
  let atOnce = 0
  try {
    for (let frame = await intake.next(); frame !== null; frame = await intake.next()) {
      // Before it is handed on, also the first one of a stream: else a peer would open another for each.
      for (;;) {
        const waitMs = budgets.waitMs(peer)
        if (intake.closed.aborted || (waitMs === 0 && atOnce < GOSSIP_FRAMES_AT_ONCE)) break
        // Others have their turn, however much is there.
        await clock.sleep(waitMs, intake.closed)
        atOnce = 0
      }
      if (intake.closed.aborted) continue
      budgets.take(peer, frame.rpc)
      atOnce += 1
      yield frame.whole
    }
  } catch (error) {
    // What is no frame is not read on.
    stream.abort(asError(error))
    throw error
  }
}

/** What came of a stream and was not read yet. */
class Intake implements Disposable {
  readonly #stream: Stream
  readonly #closed = new AbortController()
  readonly #waiting = new GossipFrames()
  #ended = false
  #wake: () => void = () => {}
  #resuming = false
  #reset: Error | null = null

  constructor(stream: Stream) {
    this.#stream = stream
    stream.addEventListener('message', this.#take)
    stream.addEventListener('end', this.#end)
    stream.addEventListener('close', this.#close)
  }

  /** Aborts with the stream. */
  get closed(): AbortSignal {
    return this.#closed.signal
  }

  /**
   * The next whole frame, when it came; null when none comes any more.
   * @throws Error for what is no frame, and for a stream that was reset: gossipsub then gives the peer up
   */
  async next(): Promise<Frame | null> {
    for (;;) {
      if (this.#reset !== null) throw this.#reset
      if (this.#closed.signal.aborted) return null
      this.#resume()
      const frame = this.#waiting.next()
      if (frame !== null || this.#ended) return frame
      await new Promise<void>((resolve) => {
        this.#wake = resolve
      })
    }
  }

  /** Nothing more is taken, and whoever waits is told that nothing comes. */
  [Symbol.dispose](): void {
    this.#stream.removeEventListener('message', this.#take)
    this.#stream.removeEventListener('end', this.#end)
    this.#stream.removeEventListener('close', this.#close)
    this.#closed.abort()
    this.#wake()
  }

  #pause(): void {
    const full = this.#waiting.bytes >= GOSSIP_WAITING_BYTES_MAX
    if (full && this.#stream.readStatus === 'readable') this.#stream.pause()
  }

  #resume(): void {
    const low = this.#waiting.bytes < GOSSIP_WAITING_BYTES_MAX / 2
    if (!low || this.#stream.readStatus !== 'paused') return
    // Not paused from within: libp2p hands on what it kept, and opens the window after that, whatever was said.
    this.#resuming = true
    this.#stream.resume()
    this.#resuming = false
    this.#pause()
  }

  readonly #take = ({ data }: { readonly data: { subarray(): Uint8Array } }) => {
    this.#waiting.push(data.subarray())
    if (!this.#resuming) this.#pause()
    this.#wake()
  }

  readonly #end = () => {
    this.#ended = true
    this.#wake()
  }

  readonly #close = ({ error }: { readonly error?: Error | undefined }) => {
    this.#reset = error ?? null
    this.#closed.abort()
    this.#wake()
  }
}
