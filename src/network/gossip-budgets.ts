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

  /** Takes what an RPC costs. @returns how long the next one has to wait, in milliseconds */
  take(peer: string, rpc: Uint8Array): number {
    const nowMs = this.#clock.monotonicMs()
    const before = this.#taken.get(peer)
    const paid = before === undefined ? 0 : ((nowMs - before.atMs) * GOSSIP_UNITS_PER_S) / 1000
    const units = Math.max(0, (before?.units ?? 0) - paid) + unitsOf(rpc)
    this.#taken.delete(peer)
    this.#taken.set(peer, { units, atMs: nowMs })
    const oldest = this.#taken.keys().next().value
    if (this.#taken.size > PEERS_MAX && oldest !== undefined) this.#taken.delete(oldest)
    if (units <= GOSSIP_UNITS_MAX) return 0
    // A few at once: one timer for each frame would cost as much as the frame.
    return ((units - GOSSIP_UNITS_MAX + GOSSIP_FRAMES_AT_ONCE) * 1000) / GOSSIP_UNITS_PER_S
  }
}

/** Of protobuf: the field and wire type of `3 control`, the one whose parts count. */
const CONTROL = (3 << 3) | 2
const [VARINT, FIXED64, BYTES, FIXED32] = [0, 1, 2, 5]

/** A unit for each part, however small, and for every 2 KiB: 256 messages of nothing cost as much as 256. */
export function unitsOf(rpc: Uint8Array): number {
  let parts = 0
  for (const { tag, bytes } of fieldsOf(rpc)) {
    parts += 1
    if (tag === CONTROL) for (const _ of fieldsOf(bytes)) parts += 1
  }
  return Math.max(1, parts, Math.ceil(rpc.length / GOSSIP_UNIT_BYTES))
}

/** As far as they can be read: gossipsub reads no further either. */
function* fieldsOf(rpc: Uint8Array): Generator<{ tag: number; bytes: Uint8Array }> {
  for (let at = 0; at < rpc.length; ) {
    const [tag, from] = varintAt(rpc, at)
    const [value, after] = varintAt(rpc, from)
    const wire = tag & 7
    const [begin, end] =
      wire === BYTES
        ? [after, after + value]
        : [from, { [VARINT]: after, [FIXED64]: from + 8, [FIXED32]: from + 4 }[wire] ?? Infinity]
    if (end > rpc.length) return
    yield { tag, bytes: rpc.subarray(begin, end) }
    at = end
  }
}

/** @returns the number, and where it ends: behind the last byte for one that does not */
function varintAt(bytes: Uint8Array, at: number): readonly [number, number] {
  let value = 0
  for (let place = at, factor = 1; place < bytes.length; place += 1, factor *= 128) {
    const byte = bytes[place] ?? 0
    value += (byte & 127) * factor
    if (byte < 128) return [value, place + 1]
  }
  return [value, bytes.length]
}
