/**
 * The server of an MCP proxy over HTTP: one request to it, and what it
 * answers, bounded. Nothing is followed: an answer that leads elsewhere is
 * none. Headers travel by name, in both directions, and no others do.
 */
import * as http from 'node:http'
import * as https from 'node:https'
import { utf8 } from '../core/bytes.ts'
import { MeshError } from '../core/problems.ts'

export type Headers = Readonly<Record<string, string>>

export interface Upstream {
  readonly status: number
  /** Those that go on to the client. */
  readonly headers: Headers
  readonly type: 'json' | 'events' | 'other'
  readonly body: http.IncomingMessage
}

/** What a client says of itself, its session and its protocol; the token is the server's. */
const REQUEST_HEADERS = [
  ...['authorization', 'last-event-id', 'mcp-protocol-version', 'mcp-session-id'],
  ...['traceparent', 'tracestate', 'user-agent'],
]
const RESPONSE_HEADERS = ['mcp-session-id', 'retry-after', 'www-authenticate']

/** A url that an MCP server may have. @throws MeshError USAGE */
export function upstreamUrl(text: string): URL {
  const url = URL.canParse(text) ? new URL(text) : null
  if (url !== null && ['http:', 'https:'].includes(url.protocol) && url.username === '') return url
  throw new MeshError('USAGE', `--http: \`${text}\` is no http or https address`)
}

/** Those of a client's request that go on. */
export function passedOn({ headers }: http.IncomingMessage): Headers {
  return pick(headers, REQUEST_HEADERS)
}

/** Resolves with the head of the answer. Rejects with the error of the socket, or the signal's. */
export function ask(
  url: URL,
  method: 'POST' | 'GET' | 'DELETE',
  headers: Headers,
  body: string | null,
  signal: AbortSignal,
): Promise<Upstream> {
  const bytes = body === null ? null : utf8(body)
  const content =
    bytes === null ? {} : { 'content-type': 'application/json', 'content-length': bytes.length }
  const { request } = url.protocol === 'https:' ? https : http
  return new Promise((resolve, reject) => {
    const asking = request(
      url,
      {
        ...{ method, signal },
        headers: {
          accept: method === 'GET' ? 'text/event-stream' : 'application/json, text/event-stream',
          'accept-encoding': 'identity',
          ...content,
          ...headers,
        },
      },
      (response) => resolve(upstreamOf(response)),
    )
    asking.on('error', reject)
    asking.end(bytes ?? undefined)
  })
}

function upstreamOf(response: http.IncomingMessage): Upstream {
  const type = /^([^;\s]+)/.exec(response.headers['content-type'] ?? '')?.[1]?.toLowerCase()
  return {
    status: response.statusCode ?? 0,
    headers: pick(response.headers, RESPONSE_HEADERS),
    type: type === 'application/json' ? 'json' : type === 'text/event-stream' ? 'events' : 'other',
    body: response,
  }
}

function pick(headers: http.IncomingHttpHeaders, names: readonly string[]): Headers {
  return Object.fromEntries(
    names.flatMap((name) => {
      const value = headers[name]
      return typeof value === 'string' ? [[name, value]] : []
    }),
  )
}
