/** Puts UTF-8 together: short texts are gathered and encoded together, and what is there in bytes already is copied. */

/** A character of UTF-16 takes three bytes of UTF-8 at most. */
const BYTES_PER_CHARACTER = 3
/** Where texts are put together; as long as most need. */
const SCRATCH = Buffer.alloc(16 * 1024)

export class BytesWriter {
  #bytes = SCRATCH
  #length = 0
  #text = ''

  /** INVARIANT: it is well-formed; half of a pair would be replaced in silence. */
  text(text: string): void {
    this.#text += text
  }

  bytes(bytes: Uint8Array): void {
    this.#encode()
    this.#makeRoom(bytes.length)
    this.#bytes.set(bytes, this.#length)
    this.#length += bytes.length
  }

  /** A copy: what it was put together in is used again. */
  take(): Uint8Array {
    this.#encode()
    return new Uint8Array(this.#bytes.subarray(0, this.#length))
  }

  #encode(): void {
    this.#makeRoom(this.#text.length * BYTES_PER_CHARACTER)
    this.#length += this.#bytes.write(this.#text, this.#length)
    this.#text = ''
  }

  #makeRoom(more: number): void {
    const needed = this.#length + more
    if (needed <= this.#bytes.length) return
    const larger = Buffer.alloc(2 * needed)
    larger.set(this.#bytes.subarray(0, this.#length))
    this.#bytes = larger
  }
}
