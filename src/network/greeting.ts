/**
 * The hello, which comes before everything else on a connection: the dialler
 * asks, the listener answers. Who is let in is the Greeter's word; here is only
 * what both ends need to agree on connections: a boot id in front of each frame,
 * new at each start. Of two connections to one peer with different boot ids the
 * later one is of the living process, so a half-open connection never wins.
 *
 *     <boot, 16 bytes> <hello>      <boot, 16 bytes> <answer>
 */
import type { Connection, Stream } from '@libp2p/interface'
import { concat, toHex } from '../core/bytes.ts'
import type { Did } from '../core/keys.ts'
import { FRAME_BYTES_MAX, HELLO_ANSWER_BYTES_MAX, HELLO_TIMEOUT_MS } from '../core/limits.ts'
import { MeshError } from '../core/problems.ts'
import type { Greeter } from '../mesh/ports.ts'
import { BOOT_BYTES } from './election.ts'
import { answerOnce, askOnce, within } from './streams.ts'
import { formatProtocol } from './topics.ts'

const HELLO_MAX = BOOT_BYTES + FRAME_BYTES_MAX
const ANSWER_MAX = BOOT_BYTES + HELLO_ANSWER_BYTES_MAX

export interface Outcome {
  /** Of the peer's process, hex. */
  readonly boot: string
  readonly greeted: boolean
}

export class Greeting {
  readonly #greeter: Greeter
  readonly #boot: Uint8Array

  constructor(greeter: Greeter, boot: Uint8Array) {
    this.#greeter = greeter
    this.#boot = boot
  }

  /** The dialler's side. Its answer reaches the Greeter whether this node is let in or not. */
  async ask(connection: Connection, peer: Did): Promise<Outcome> {
    const signal = AbortSignal.timeout(HELLO_TIMEOUT_MS)
    const hello = concat(this.#boot, await within(this.#greeter.hello(peer), signal))
    const answer = await askOnce(connection, formatProtocol('hello'), hello, ANSWER_MAX, signal)
    const { boot, rest } = split(answer)
    const welcome = await within(this.#greeter.welcome(peer, rest), signal)
    return { boot, greeted: welcome && this.#admitted(peer) }
  }

  /**
   * The listener's side. The outcome is told before the answer leaves, so that
   * gossip, which the dialler opens on reading it, is not refused here.
   */
  async answer(stream: Stream, peer: Did, told: (outcome: Outcome) => void): Promise<void> {
    const signal = AbortSignal.timeout(HELLO_TIMEOUT_MS)
    await answerOnce(stream, HELLO_MAX, signal, async (frame) => {
      const { boot, rest } = split(frame)
      const { answer, greeted } = await within(this.#greeter.answer(peer, rest), signal)
      told({ boot, greeted: greeted && this.#admitted(peer) })
      return concat(this.#boot, answer)
    })
  }

  /** INVARIANT: no word of a hello admits who is not a member at this moment. */
  #admitted(peer: Did): boolean {
    return this.#greeter.member(peer) && !this.#greeter.banned(peer)
  }
}

function split(frame: Uint8Array): { boot: string; rest: Uint8Array } {
  if (frame.length < BOOT_BYTES) throw new MeshError('INVALID_ANSWER', 'a hello without a boot id')
  return { boot: toHex(frame.subarray(0, BOOT_BYTES)), rest: frame.slice(BOOT_BYTES) }
}
