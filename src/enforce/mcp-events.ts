/**
 * Server-sent events (HTML, 9.2), as MCP uses them: one message an event.
 *
 *     event: message
 *     id: 7
 *     data: {"jsonrpc":"2.0","method":"notifications/progress","params":{}}
 *
 * What is sent on is printed anew: name and data, and where a stream can be
 * resumed its id.
 */
import { textOf } from '../core/bytes.ts'
import { MCP_ID_BYTES_MAX, MCP_MESSAGE_BYTES_MAX, MCP_PIECES_MAX } from '../core/limits.ts'
import { Malformed } from '../core/malformed.ts'

export interface ServerEvent {
  readonly data: string
  /** null where it has none. */
  readonly id: string | null
}

/** Reads a stream of bytes; an event that is not ended is none. @throws Malformed for one that is too large, or no text */
export async function* eventsOf(bytes: AsyncIterable<Uint8Array>): AsyncGenerator<ServerEvent> {
  const reader = new EventReader()
  for await (const chunk of bytes) yield* reader.push(chunk)
}

const [LF, CR] = [0x0a, 0x0d]

/** The same events, however the stream was cut into pieces. */
export class EventReader {
  #rest: Uint8Array[] = []
  #restSize = 0
  #returned = false
  #data: string[] = []
  #id: string | null = null
  #size = 0

  #field(line: string): void {
    const [, name, value = ''] = /^([^:]*)(?:: ?(.*))?$/s.exec(line) ?? []
    if (name === 'data') {
      this.#size += line.length
      if (this.#size > MCP_MESSAGE_BYTES_MAX) throw tooLarge()
      this.#data.push(value)
    }
    if (name === 'id') this.#id = idOf(value)
  }

  /** The events that end in this piece. @throws Malformed for one that is too large, or no text */
  *push(chunk: Uint8Array): Generator<ServerEvent> {
    for (const line of this.#lines(chunk)) {
      if (line !== '') {
        this.#field(line)
        continue
      }
      if (this.#data.length > 0) yield { data: this.#data.join('\n'), id: this.#id }
      this.#data = []
      this.#id = null
      this.#size = 0
    }
  }

  /** Each ends with LF, CR, or both; what has no end waits for the rest. */
  *#lines(chunk: Uint8Array): Generator<string> {
    let start = 0
    for (let at = 0; at < chunk.length; at += 1) {
      const byte = chunk[at]
      const second = byte === LF && this.#returned
      this.#returned = byte === CR
      if (second) start = at + 1
      if (second || (byte !== LF && byte !== CR)) continue
      yield textOf(Buffer.concat([...this.#rest, chunk.subarray(start, at)]))
      this.#rest = []
      this.#restSize = 0
      start = at + 1
    }
    this.#restSize += chunk.length - start
    if (this.#restSize > MCP_MESSAGE_BYTES_MAX) throw tooLarge()
    this.#rest.push(chunk.subarray(start))
    if (this.#rest.length > MCP_PIECES_MAX) this.#rest = [Buffer.concat(this.#rest)]
  }
}

/** Bytes of one header later: what a client sends back in `Last-Event-ID`. */
function idOf(value: string): string | null {
  if (/^[ -~]+$/.test(value) && value.length <= MCP_ID_BYTES_MAX) return value
  throw new Malformed('the id of an event is printable and short')
}

function tooLarge(): Malformed {
  return new Malformed(`an event is larger than ${MCP_MESSAGE_BYTES_MAX} bytes`)
}

/** @param data on one line */
export function formatEvent(data: string, id: string | null = null): string {
  return `event: message\n${id === null ? '' : `id: ${id}\n`}data: ${data}\n\n`
}
