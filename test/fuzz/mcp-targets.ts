/** What agents and MCP servers say: messages, lines, events, headers, and how an agent is set up. */
import { utf8 } from '../../src/core/bytes.ts'
import { settingsFindings } from '../../src/enforce/hook-settings.ts'
import { EventReader, formatEvent } from '../../src/enforce/mcp-events.ts'
import { mirrored } from '../../src/enforce/mcp-headers.ts'
import { Lines } from '../../src/enforce/mcp-lines.ts'
import { parsePlace } from '../../src/enforce/mcp-listen.ts'
import { parseMessage, seemingId } from '../../src/enforce/mcp-message.ts'
import { upstreamUrl } from '../../src/enforce/mcp-upstream.ts'
import { type Target, target, textTarget } from './target.ts'

type Pieces = readonly Uint8Array[]

/** However a stream is cut, the same comes of it. */
function inPieces<T>(bytes: Uint8Array, read: (pieces: Pieces) => readonly T[]): readonly T[] {
  const whole = read([bytes])
  const size = 1 + (bytes.length % 7)
  const few = Array.from({ length: Math.ceil(bytes.length / size) }, (_, i) =>
    bytes.subarray(i * size, (i + 1) * size),
  )
  if (JSON.stringify(read(few)) !== JSON.stringify(whole))
    throw new Error(`pieces of ${size} bytes give something else`)
  return whole
}

function linesOf(pieces: Pieces): readonly string[] {
  const lines: string[] = []
  const reader = new Lines(
    (line) => lines.push(Buffer.from(line).toString('latin1')),
    () => lines.push('too long'),
  )
  for (const piece of pieces) reader.push(piece)
  return lines
}

function eventsOf(pieces: Pieces) {
  const reader = new EventReader()
  return pieces.flatMap((piece) => [...reader.push(piece)])
}

const CALL = parseMessage(
  utf8(
    '{"jsonrpc":"2.0","id":3,"method":"tools/call","params":{"name":"read","arguments":{"x":["read",7]}}}',
  ),
)
const SETTINGS = `{"hooks":{"PreToolUse":[{"matcher":"*","hooks":[
  {"type":"command","command":"meshd hook claude-code || exit 2","timeout":30,"onFailure":"block"}]}]}}`

export const MCP_TARGETS: readonly Target[] = [
  target({
    ...{ name: 'mcp-message', runs: ['enforce/mcp-message.ts parseMessage'] },
    parse: parseMessage,
    spellings: 'fields that nobody reads, white space, escapes',
    corpus: [
      '{"jsonrpc":"2.0","id":3,"method":"tools/call","params":{"name":"a","arguments":{"b":[1]}}}',
      '{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":3}}',
      '{"jsonrpc":"2.0","id":"x","result":{"tools":[{"name":"a"}]}}',
      '{"jsonrpc":"2.0","id":null,"error":{"code":-32700,"message":"no"}}',
    ].map(utf8),
  }),
  textTarget({
    ...{ name: 'mcp-place', runs: ['enforce/mcp-listen.ts parsePlace'], parse: parsePlace },
    spellings: 'localhost is 127.0.0.1, and a port may have zeroes before it',
    corpus: ['127.0.0.1:7331', '[::1]:0', 'localhost:80', 'unix:/run/user/1001/mcp.sock'],
  }),
  target({
    ...{ name: 'mcp-lines', runs: [], spellings: 'empty lines' },
    parse: (bytes) => inPieces(bytes, linesOf),
    corpus: [utf8('{"a":1}\n{"b":2}\n\n{"c":3}\n')],
  }),
  target({
    ...{ name: 'mcp-events', runs: [], spellings: 'ends of lines, and fields that nobody reads' },
    parse: (bytes) => inPieces(bytes, eventsOf),
    corpus: [
      `${formatEvent('{"a":1}')}${formatEvent('{"b":2}', '7')}`,
      ': alive\r\n\r\nid: 3\rdata\rdata:x\r\r',
    ].map(utf8),
  }),
  target({
    ...{ name: 'mcp-seeming-id', runs: ['enforce/mcp-message.ts seemingId'] },
    ...{ parse: seemingId, spellings: 'one field of what could not be read' },
    corpus: ['{"id":3,"method":7}', '{"id":"x"}'].map(utf8),
  }),
  textTarget({
    ...{ name: 'mcp-header', runs: ['enforce/mcp-headers.ts mirrored'] },
    parse: (text) => mirrored({ headers: { 'mcp-param-x': text } }, CALL),
    ...{ spellings: 'in base64, or not', corpus: ['read', '=?base64?cmVhZA==?=', '7', '7.0'] },
  }),
  textTarget({
    ...{ name: 'mcp-upstream', runs: ['enforce/mcp-upstream.ts upstreamUrl'] },
    parse: (text) => upstreamUrl(text).href,
    ...{ spellings: 'URLs', corpus: ['http://127.0.0.1:80/mcp', 'https://[::1]/?a=b'] },
  }),
  textTarget({
    ...{ name: 'hook-settings', runs: ['enforce/hook-settings.ts settingsFindings'] },
    parse: (text) => settingsFindings([{ path: 'settings.json', text }], () => true),
    ...{ spellings: 'what is found in it', corpus: [SETTINGS] },
  }),
]
