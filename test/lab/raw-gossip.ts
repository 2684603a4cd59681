/**
 * gossipsub's frames, written by hand so that they may say what no gossipsub
 * would (github.com/libp2p/specs, pubsub/gossipsub). Each is protobuf behind
 * its length as a varint:
 *
 *     RPC      1 subscription  2 message  3 control
 *     control  1 IHAVE  2 IWANT  3 GRAFT  4 PRUNE
 */
import type { Stream } from '@libp2p/interface'
import { concat, utf8 } from '../../src/core/bytes.ts'

export const GOSSIP_PROTOCOLS = ['/meshsub/1.2.0', '/meshsub/1.1.0', '/meshsub/1.0.0'] as const

export class RawGossip {
  readonly #stream: Stream

  constructor(stream: Stream) {
    this.#stream = stream
  }

  get open(): boolean {
    return this.#stream.status === 'open'
  }

  /** One frame with these parts; false when the other side no longer takes any. */
  send(...parts: readonly Uint8Array[]): boolean {
    if (!this.open) return false
    const rpc = concat(...parts)
    this.#stream.send(concat(varint(rpc.length), rpc))
    return true
  }

  /** Bytes that are no frame. */
  sendRaw(bytes: Uint8Array): void {
    if (this.open) this.#stream.send(bytes)
  }
}

export const subscription = (topic: string, on = true) =>
  field(1, concat(flag(1, on), field(2, utf8(topic))))
export const message = (topic: string, data: Uint8Array) =>
  field(2, concat(field(2, data), field(4, utf8(topic))))
export const ihave = (topic: string, ids: readonly Uint8Array[]) =>
  field(3, field(1, concat(field(1, utf8(topic)), ...ids.map((id) => field(2, id)))))
export const iwant = (ids: readonly Uint8Array[]) =>
  field(3, field(2, concat(...ids.map((id) => field(1, id)))))
export const graft = (topic: string, times = 1) =>
  field(3, concat(...Array.from({ length: times }, () => field(3, field(1, utf8(topic))))))
export const prune = (topic: string) => field(3, field(4, field(1, utf8(topic))))

/** A field of bytes. */
export function field(number: number, bytes: Uint8Array): Uint8Array {
  return concat(varint((number << 3) | 2), varint(bytes.length), bytes)
}

function flag(number: number, on: boolean): Uint8Array {
  return Uint8Array.of(number << 3, on ? 1 : 0)
}

function varint(value: number): Uint8Array {
  const bytes: number[] = []
  for (let rest = value; ; rest = Math.floor(rest / 128)) {
    bytes.push(rest < 128 ? rest : (rest % 128) | 128)
    if (rest < 128) return Uint8Array.from(bytes)
  }
}
