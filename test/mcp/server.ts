/**
 * An MCP server with the official SDK of either generation, over stdio:
 *
 *     node test/mcp/server.ts v1|v2 <folder>
 *
 * `wait` runs until it is cancelled, and leaves a file when it begins and when it ends.
 */
import { appendFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { McpServer as McpServerV1 } from '@modelcontextprotocol/sdk/server/mcp.js'
import { StdioServerTransport as StdioV1 } from '@modelcontextprotocol/sdk/server/stdio.js'
import { McpServer as McpServerV2 } from '@modelcontextprotocol/server'
import { serveStdio } from '@modelcontextprotocol/server/stdio'
import * as z from 'zod'

export type Era = 'v1' | 'v2'

const NAMED = { name: 'tools-of-a-test', version: '1.0.0' }
const text = (said: string) => ({ content: [{ type: 'text' as const, text: said }] })

/** What the tools do; the same of both generations. */
function toolsIn(dir: string) {
  const ran = (name: string) => appendFileSync(join(dir, 'ran'), `${name}\n`)
  return {
    echo: (words: string) => {
      ran('echo')
      return text(`echo: ${words}`)
    },
    remove: () => {
      ran('remove')
      return text('removed')
    },
    wait: async (signal: AbortSignal) => {
      writeFileSync(join(dir, 'waits'), '')
      await new Promise((done) => signal.addEventListener('abort', done, { once: true }))
      writeFileSync(join(dir, 'cancelled'), '')
      return text('it went on for as long as it was let')
    },
  }
}

const ECHO = { description: 'Says it again', inputSchema: z.object({ words: z.string() }) }
const REMOVE = { description: 'Removes everything', inputSchema: z.object({}) }
const WAIT = { description: 'Waits', inputSchema: z.object({}) }

export function serverV1(dir: string): McpServerV1 {
  const { echo, remove, wait } = toolsIn(dir)
  const server = new McpServerV1(NAMED)
  server.registerTool('echo', { ...ECHO, inputSchema: ECHO.inputSchema.shape }, ({ words }) =>
    echo(words),
  )
  server.registerTool('remove', { description: REMOVE.description }, remove)
  server.registerTool('wait', { description: WAIT.description }, ({ signal }) => wait(signal))
  return server
}

export function serverV2(dir: string): McpServerV2 {
  const { echo, remove, wait } = toolsIn(dir)
  const server = new McpServerV2(NAMED)
  server.registerTool('echo', ECHO, ({ words }) => echo(words))
  server.registerTool('remove', REMOVE, remove)
  server.registerTool('wait', WAIT, (_, { mcpReq }) => wait(mcpReq.signal))
  return server
}

if (import.meta.main) {
  const [, , era, dir = '.'] = process.argv
  if (era === 'v1') await serverV1(dir).connect(new StdioV1())
  else serveStdio(() => serverV2(dir))
}
