/**
 * What gossip of one peer may take of this node's time, in units of some 0.1 ms:
 * what a message of any length costs, or 2 KiB of anything.
 */
import {
  GOSSIP_FRAMES_AT_ONCE,
  GOSSIP_UNIT_BYTES,
  GOSSIP_UNITS_MAX,
  GOSSIP_UNITS_PER_S,
  PEERS_MAX,
} from '../core/limits.ts'
import type { Clock } from '../mesh/ports.ts'

/** Of each peer, whatever stream and connection it comes by: what it took, paid back with time. */
export class GossipBudgets {
  readonly #clock: Pick<Clock, 'monotonicMs'>
  readonly #taken = new Map<string, { readonly units: number; readonly atMs: number }>()

  constructor(clock: Pick<Clock, 'monotonicMs'>) {
    this.#clock = clock
  }

  /** How long the next RPC of the peer has to wait, in milliseconds. */
  waitMs(peer: string): number {
    const units = this.#owed(peer)
    if (units <= GOSSIP_UNITS_MAX) return 0
    // A few at once: one timer for each frame would cost as much as the frame.
    return ((units - GOSSIP_UNITS_MAX + GOSSIP_FRAMES_AT_ONCE) * 1000) / GOSSIP_UNITS_PER_S
  }

  /** Takes what an RPC costs. */
  take(peer: string, rpc: Uint8Array): void {
    const units = this.#owed(peer) + unitsOf(rpc)
    this.#taken.delete(peer)
    this.#taken.set(peer, { units, atMs: this.#clock.monotonicMs() })
    const oldest = this.#taken.keys().next().value
    if (this.#taken.size > PEERS_MAX && oldest !== undefined) this.#taken.delete(oldest)
  }

  #owed(peer: string): number {
    const taken = this.#taken.get(peer)
    if (taken === undefined) return 0
    const paid = ((this.#clock.monotonicMs() - taken.atMs) * GOSSIP_UNITS_PER_S) / 1000
    return Math.max(0, taken.units - paid)
  }
}

/** Of protobuf: the wire type of what has a length, which all of an RPC has, and the tag of `3 control`, whose parts count. */
const BYTES = 2
const CONTROL = (3 << 3) | BYTES
/** Tag and length. */
const FIELD_BYTES_MIN = 2
/** Longer numbers are in no frame; and gossipsub reads other values out of them. */
const VARINT_BYTES_MAX = 4

/** A unit for each part, however small, and for every 2 KiB: 256 messages of nothing cost as much as 256. */
export function unitsOf(rpc: Uint8Array): number {
  return Math.max(1, partsOf(rpc, CONTROL), Math.ceil(rpc.length / GOSSIP_UNIT_BYTES))
}

/** @param within the tag of a field whose own parts count, too */
function partsOf(rpc: Uint8Array, within: number | null): number {
  let parts = 0
  for (let at = 0; at < rpc.length; ) {
    const tag = varintAt(rpc, at)
    const length = tag === null ? null : varintAt(rpc, tag.end)
    const readable = tag !== null && length !== null && (tag.value & 7) === BYTES
    // gossipsub may read on, whatever this is: from here it costs the most that could follow.
    if (!readable || length.end + length.value > rpc.length)
      return parts + Math.ceil((rpc.length - at) / FIELD_BYTES_MIN)
    const end = length.end + length.value
    parts += 1
    if (tag.value === within) parts += partsOf(rpc.subarray(length.end, end), null)
    at = end
  }
  return parts
}

/** null for one that does not end, or late. */
function varintAt(bytes: Uint8Array, at: number) {
  let value = 0
  for (let place = 0; place < VARINT_BYTES_MAX; place += 1) {
    const byte = bytes[at + place]
    if (byte === undefined) return null
    value += (byte & 127) * 128 ** place
    if (byte < 128) return { value, end: at + place + 1 }
  }
  return null
}
