/** Lines of a stream, each at most so many bytes: node's readline has no bound. */
import { MCP_MESSAGE_BYTES_MAX, MCP_PIECES_MAX } from '../core/limits.ts'

const NEWLINE = 0x0a

export class Lines {
  readonly #line: (bytes: Uint8Array) => void
  readonly #tooLong: () => void
  #parts: Uint8Array[] = []
  #size = 0

  /** @param tooLong once for each line that is; nothing of it is kept, and the next one is read again */
  constructor(line: (bytes: Uint8Array) => void, tooLong: () => void) {
    this.#line = line
    this.#tooLong = tooLong
  }

  /** What came of a stream. What has no end yet waits for the rest. */
  push(chunk: Uint8Array): void {
    let at = 0
    for (;;) {
      const end = chunk.indexOf(NEWLINE, at)
      this.#add(chunk.subarray(at, end < 0 ? chunk.length : end))
      if (end < 0) return
      this.#end()
      at = end + 1
    }
  }

  #add(piece: Uint8Array): void {
    this.#size += piece.length
    if (this.#size > MCP_MESSAGE_BYTES_MAX) this.#parts = []
    else this.#parts.push(piece)
    if (this.#parts.length > MCP_PIECES_MAX) this.#parts = [Buffer.concat(this.#parts)]
  }

  #end(): void {
    const [parts, size] = [this.#parts, this.#size]
    this.#parts = []
    this.#size = 0
    if (size > MCP_MESSAGE_BYTES_MAX) this.#tooLong()
    else if (size > 0)
      this.#line(parts.length === 1 ? (parts[0] as Uint8Array) : Buffer.concat(parts))
  }
}
