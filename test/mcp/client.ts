/** An MCP client with the official SDK of either generation, as little of it as the tests ask. */
import { Client as ClientV2 } from '@modelcontextprotocol/client'
import { StdioClientTransport as StdioV2 } from '@modelcontextprotocol/client/stdio'
import { Client as ClientV1 } from '@modelcontextprotocol/sdk/client/index.js'
import { StdioClientTransport as StdioV1 } from '@modelcontextprotocol/sdk/client/stdio.js'
import type { Era } from './server.ts'

export interface Called {
  readonly isError?: boolean | undefined
  readonly content: readonly { readonly type: string; readonly text?: string }[]
  readonly _meta?: Readonly<Record<string, unknown>> | undefined
}

/** What both have in common. */
export interface Client extends AsyncDisposable {
  tools(): Promise<readonly string[]>
  call(name: string, args?: Readonly<Record<string, unknown>>): Promise<Called>
}

export const NAMED = { name: 'client-of-a-test', version: '1.0.0' }

export interface Command {
  readonly command: string
  readonly args: string[]
  readonly env: Record<string, string>
}

/** Starts the command and speaks with it over stdio. The second generation asks first which era the server is of. */
export async function connect(era: Era, command: Command): Promise<Client> {
  if (era === 'v1') {
    const client = new ClientV1(NAMED)
    await client.connect(new StdioV1({ ...command, stderr: 'inherit' }))
    return common(client as Pick<ClientV1, 'listTools' | 'callTool' | 'close'>)
  }
  const client = new ClientV2(NAMED, { versionNegotiation: { mode: 'auto' } })
  await client.connect(new StdioV2({ ...command, stderr: 'inherit' }))
  return common(client)
}

interface Sdk {
  listTools(): Promise<{ tools: { name: string }[] }>
  callTool(call: { name: string; arguments: Record<string, unknown> }): Promise<unknown>
  close(): Promise<void>
}

export function common(sdk: Sdk): Client {
  return {
    tools: async () => (await sdk.listTools()).tools.map(({ name }) => name),
    call: async (name, args = {}) =>
      (await sdk.callTool({ name, arguments: { ...args } })) as Called,
    [Symbol.asyncDispose]: () => sdk.close(),
  }
}
