/** `meshd mcp -- <server>`: an MCP server whose every call is decided first. */
import type { Readable, Writable } from 'node:stream'
import type { DecisionView, ExecutionView } from '../client/types.ts'
import type { JsonObject } from '../core/json.ts'
import { MeshError } from '../core/problems.ts'
import { Asking } from '../enforce/mcp-ask.ts'
import { Guard, type GuardPorts, type McpApi } from '../enforce/mcp-guard.ts'
import { startServer } from '../enforce/mcp-server.ts'
import { serve } from '../enforce/mcp-stdio.ts'
import { ToolList } from '../enforce/mcp-tools.ts'
import { ASK_OPTIONS, askOf } from './authorize.ts'
import type { Context } from './context.ts'
import { type Command, flagOption, type Options, textOption } from './spec.ts'

/** As a shell has it. */
const EXITS = { 'not found': 127, 'not executable': 126 } as const

/** Who calls; what is called the client says. */
const WHO = ['--subject', '--artifact', '--cause', '--receipt']

export const mcp: Command = {
  name: 'mcp',
  group: 'DECIDE',
  args: ['[server...]'],
  passesThrough: true,
  says: 'an MCP server whose every call is decided first; it is cut when it no longer may run',
  examples: [
    'meshd mcp -- npx -y @modelcontextprotocol/server-filesystem /srv/docs',
    'meshd mcp --server files --strict -- ./files-server',
  ],
  options: [
    { flags: '--server <name>', says: 'of its tools: tool:<name>/<tool> instead of tool:<tool>' },
    { flags: '--strict', says: 'decide resources/read and prompts/get too, refuse other methods' },
    { flags: '--deny-as <form>', says: 'result, which a model reads, or error (-32001)' },
    ...ASK_OPTIONS.filter(({ flags }) => WHO.some((each) => flags.startsWith(each))),
  ],
  run: async (context, [file, ...args], options) => {
    if (file === undefined) throw new MeshError('USAGE', 'name a server: meshd mcp -- <command>')
    const ports = portsOf(context, options)
    const { io } = context
    const server = await startServer(file, args, io.env)
    if (typeof server === 'string') {
      context.say(`meshd: ${file}: ${server}`)
      return EXITS[server]
    }
    return serve({
      client: { from: io.stdin as Readable, to: io.stdout as Writable },
      server,
      asking: ports.asking,
      guard: new Guard(ports),
      tools: new ToolList(ports),
      say: ports.say,
    })
  },
}

function portsOf(context: Context, options: Options): GuardPorts {
  const denyAs = textOption(options, 'denyAs') ?? 'result'
  if (denyAs !== 'result' && denyAs !== 'error')
    throw new MeshError('USAGE', '--deny-as: `result` or `error`')
  const name = textOption(options, 'server')
  if (name !== null && !/^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/.test(name))
    throw new MeshError('USAGE', '--server: up to 64 letters, digits, `.`, `_`, `-`')
  // Of every question the same: read once, and not again under a running session.
  const { body, headers } = askOf(context, options, {
    action: 'tools/call',
    resource: 'tool:any',
    args: {},
  })
  const { action: _, resource: __, ...more } = body as JsonObject
  return {
    ...{ denyAs, more, api: apiOf(context, headers) },
    asking: new Asking(name, flagOption(options, 'strict')),
    monotonicMs: () => performance.now(),
    say: (line) => context.say(`meshd: ${line}`),
  }
}

function apiOf(context: Context, headers: Readonly<Record<string, string>>): McpApi {
  // Ctrl-C is for the server: what watches over its calls goes on until that has ended.
  const client = context.client('decide', new AbortController().signal)
  return {
    open: (body) => client.postText<DecisionView>('/v1/executions', body, { headers }),
    explain: (body, signal) =>
      client.postText<DecisionView>('/v1/explain', body, { headers, signal }),
    watch: (id, ms, signal) =>
      client.get<ExecutionView>(`/v1/executions/${id}/watch?ms=${Math.floor(ms)}`, {
        timeoutMs: 0,
        signal,
      }),
    outcome: (id, kind, signal) =>
      client.post(`/v1/executions/${id}/outcome`, { kind, status: null }, { signal }),
  }
}
