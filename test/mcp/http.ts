/** The servers of server.ts over HTTP, on a port of loopback; and clients that speak with such an address. */
import { randomUUID } from 'node:crypto'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { Readable } from 'node:stream'
import { buffer } from 'node:stream/consumers'
import {
  Client as ClientV2,
  StreamableHTTPClientTransport as HttpV2,
} from '@modelcontextprotocol/client'
import { Client as ClientV1 } from '@modelcontextprotocol/sdk/client/index.js'
import { StreamableHTTPClientTransport as HttpV1 } from '@modelcontextprotocol/sdk/client/streamableHttp.js'
import { StreamableHTTPServerTransport } from '@modelcontextprotocol/sdk/server/streamableHttp.js'
import { createMcpHandler } from '@modelcontextprotocol/server'
import { type Client, common, NAMED } from './client.ts'
import { type Era, serverV1, serverV2 } from './server.ts'

type Handler = (request: IncomingMessage, response: ServerResponse) => Promise<void>

export interface HttpServer extends AsyncDisposable {
  readonly url: string
}

export async function listen(era: Era, dir: string): Promise<HttpServer> {
  const handle = era === 'v1' ? handlerV1(dir) : handlerV2(dir)
  const server = createServer((request, response) => void handle(request, response))
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
  const { port } = server.address() as AddressInfo
  return {
    url: `http://127.0.0.1:${port}/mcp`,
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections()
      await new Promise((done) => server.close(done))
    },
  }
}

/** A session for each that initializes. */
function handlerV1(dir: string): Handler {
  const sessions = new Map<string, StreamableHTTPServerTransport>()
  return async (request, response) => {
    const known = sessions.get(String(request.headers['mcp-session-id']))
    if (known !== undefined) return known.handleRequest(request, response)
    const transport = new StreamableHTTPServerTransport({
      sessionIdGenerator: randomUUID,
      onsessioninitialized: (id) => void sessions.set(id, transport),
    })
    await serverV1(dir).connect(transport as Parameters<ReturnType<typeof serverV1>['connect']>[0])
    return transport.handleRequest(request, response)
  }
}

function handlerV2(dir: string): Handler {
  const { fetch } = createMcpHandler(() => serverV2(dir))
  return async (request, response) => {
    const gone = new AbortController()
    response.once('close', () => gone.abort())
    const body = request.method === 'POST' ? await buffer(request) : null
    const answer = await fetch(
      new Request(`http://${request.headers.host}${request.url}`, {
        ...{ method: request.method ?? 'GET', body, signal: gone.signal },
        headers: request.headers as Record<string, string>,
      }),
    )
    response.writeHead(answer.status, Object.fromEntries(answer.headers))
    if (answer.body === null) response.end()
    else Readable.fromWeb(answer.body as Parameters<typeof Readable.fromWeb>[0]).pipe(response)
  }
}

export async function connectTo(era: Era, url: string): Promise<Client> {
  if (era === 'v1') {
    const client = new ClientV1(NAMED)
    await client.connect(new HttpV1(new URL(url)) as Parameters<ClientV1['connect']>[0])
    return common(client as Pick<ClientV1, 'listTools' | 'callTool' | 'close'>)
  }
  const client = new ClientV2(NAMED, { versionNegotiation: { mode: 'auto' } })
  await client.connect(new HttpV2(new URL(url)))
  return common(client)
}
