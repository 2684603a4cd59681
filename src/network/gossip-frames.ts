/** Chunks of a stream of gossip, cut into frames: `<varint: length> <RPC>`. */
import { concat } from '../core/bytes.ts'
import { FRAME_BYTES_MAX } from '../core/limits.ts'

/** Bytes of a length: FRAME_BYTES_MAX is a varint of three. */
const LENGTH_BYTES_MAX = 3

export interface Frame {
  /** With its length in front. */
  readonly whole: Uint8Array
  readonly rpc: Uint8Array
}

export class GossipFrames {
  readonly #chunks: Uint8Array[] = []
  #bytes = 0

  /** What waits. */
  get bytes(): number {
    return this.#bytes
  }

  push(chunk: Uint8Array): void {
    if (chunk.length === 0) return
    this.#chunks.push(chunk)
    this.#bytes += chunk.length
  }

  /** Null while it is not whole. @throws Error for one that is too long */
  next(): Frame | null {
    const lengths = this.#lengths()
    if (lengths === null || lengths.before + lengths.rpc > this.#bytes) return null
    const whole = this.#cut(lengths.before + lengths.rpc)
    return { whole, rpc: whole.subarray(lengths.before) }
  }

  /** Of the next frame; null while not even that came. */
  #lengths(): { readonly before: number; readonly rpc: number } | null {
    let rpc = 0
    for (let place = 0; place < LENGTH_BYTES_MAX; place += 1) {
      const byte = this.#at(place)
      if (byte === undefined) return null
      rpc += (byte & 127) * 128 ** place
      if (byte >= 128) continue
      if (rpc > FRAME_BYTES_MAX) break
      return { before: place + 1, rpc }
    }
    throw new Error('a frame of gossip is too long')
  }

  /** A byte of the few in front. */
  #at(place: number): number | undefined {
    let left = place
    for (const chunk of this.#chunks) {
      if (left < chunk.length) return chunk[left]
      left -= chunk.length
    }
    return undefined
  }

  #cut(size: number): Uint8Array {
    const parts: Uint8Array[] = []
    for (let left = size; left > 0; ) {
      const chunk = this.#chunks[0] ?? new Uint8Array()
      const part = chunk.subarray(0, left)
      parts.push(part)
      if (part.length < chunk.length) this.#chunks[0] = chunk.subarray(part.length)
      else this.#chunks.shift()
      left -= part.length
    }
    this.#bytes -= size
    const [only] = parts
    return parts.length === 1 && only !== undefined ? only : concat(...parts)
  }
}
