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
import { MCP_ID_BYTES_MAX, MCP_MESSAGE_BYTES_MAX } from '../core/limits.ts'
import { Malformed } from '../core/malformed.ts'

export interface ServerEvent {
  readonly data: string
  /** null where it has none. */
  readonly id: string | null
}

const [LF, CR] = [0x0a, 0x0d]

/** Reads a stream of bytes; an event that is not ended is none. @throws Malformed for one that is too large, or no text */
export async function* eventsOf(bytes: AsyncIterable<Uint8Array>): AsyncGenerator<ServerEvent> {
  let data: string[] = []
  let id: string | null = null
  let size = 0
  for await (const line of linesOf(bytes)) {
    if (line === '') {
      if (data.length > 0) yield { data: data.join('\n'), id }
      data = []
      id = null
      size = 0
      continue
    }
    const [, name, value = ''] = /^([^:]*)(?:: ?(.*))?$/s.exec(line) ?? []
    if (name === 'data') {
      size += line.length
      if (size > MCP_MESSAGE_BYTES_MAX) throw tooLarge()
      data.push(value)
    }
    if (name === 'id') id = idOf(value)
  }
}

/** Bytes of one header later: what a client sends back in `Last-Event-ID`. */
function idOf(value: string): string | null {
  if (/^[ -~]+$/.test(value) && value.length <= MCP_ID_BYTES_MAX) return value
  throw new Malformed('the id of an event is printable and short')
}

/** Each ends with LF, CR, or both; what has no end is dropped. */
async function* linesOf(bytes: AsyncIterable<Uint8Array>): AsyncGenerator<string> {
  let rest: Uint8Array[] = []
  let size = 0
  let returned = false
  for await (const chunk of bytes) {
    let start = 0
    for (let at = 0; at < chunk.length; at += 1) {
      const byte = chunk[at]
      const second = byte === LF && returned
      returned = byte === CR
      if (second) start = at + 1
      if (second || (byte !== LF && byte !== CR)) continue
      yield textOf(Buffer.concat([...rest, chunk.subarray(start, at)]))
      rest = []
      size = 0
      start = at + 1
    }
    size += chunk.length - start
    if (size > MCP_MESSAGE_BYTES_MAX) throw tooLarge()
    rest.push(chunk.subarray(start))
  }
}

function tooLarge(): Malformed {
  return new Malformed(`an event is larger than ${MCP_MESSAGE_BYTES_MAX} bytes`)
}

/** @param data on one line */
export function formatEvent(data: string, id: string | null = null): string {
  return `event: message\n${id === null ? '' : `id: ${id}\n`}data: ${data}\n\n`
}
