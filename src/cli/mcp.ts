/** `meshd mcp -- <server>`: an MCP server whose every call is decided first. */
import { join } from 'node:path'
import type { Readable, Writable } from 'node:stream'
import { keeping } from '../client/transport.ts'
import type { DecisionView, ExecutionView } from '../client/types.ts'
import type { JsonObject } from '../core/json.ts'
import { MeshError } from '../core/problems.ts'
import { Asking } from '../enforce/mcp-ask.ts'
import { Guard, type GuardPorts, type McpApi } from '../enforce/mcp-guard.ts'
import { HttpProxy, type ProxyPorts } from '../enforce/mcp-http.ts'
import { type Place, parsePlace } from '../enforce/mcp-listen.ts'
import { SeenTools } from '../enforce/mcp-seen.ts'
import { startServer } from '../enforce/mcp-server.ts'
import { serve } from '../enforce/mcp-stdio.ts'
import { ToolList } from '../enforce/mcp-tools.ts'
import { upstreamUrl } from '../enforce/mcp-upstream.ts'
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
    'meshd mcp --http https://tools.example/mcp --listen 127.0.0.1:7331',
  ],
  options: [
    { flags: '--http <url>', says: 'a server that is reached over HTTP, instead of a command' },
    { flags: '--listen <place>', says: 'for its clients: 127.0.0.1:7331, or unix:/path' },
    { flags: '--server <name>', says: 'of its tools: tool:<name>/<tool> instead of tool:<tool>' },
    { flags: '--pin', says: 'deny a tool whose description changed, until it is accepted' },
    { flags: '--accept', says: 'accept the tools of --server as they were last seen, and end' },
    { flags: '--strict', says: 'decide resources/read and prompts/get too, refuse other methods' },
    { flags: '--deny-as <form>', says: 'result, which a model reads, or error (-32001)' },
    ...ASK_OPTIONS.filter(({ flags }) => WHO.some((each) => flags.startsWith(each))),
  ],
  run: async (context, [file, ...args], options) => {
    const [url, listen] = [textOption(options, 'http'), textOption(options, 'listen')]
    const seen = seenTools(context, options, [url ?? file ?? '', ...args].join(' '))
    if (flagOption(options, 'accept')) return accept(context, seen)
    if ((file === undefined) === (url === null) || (url === null) !== (listen === null))
      throw new MeshError('USAGE', 'one server: a command after `--`, or --http and --listen')
    const ports = await portsOf(context, options, seen)
    const { asking, say } = ports
    const tools = new ToolList({ ...ports, seen })
    const parts = { asking, say, guard: new Guard(ports), tools }
    if (file !== undefined) return stdio(context, file, args, parts)
    return http(context, upstreamUrl(url ?? ''), parsePlace(listen ?? ''), parts)
  },
}

/** @param unnamed what stands for a server without a name */
function seenTools({ io }: Context, options: Options, unnamed: string): SeenTools {
  const name = textOption(options, 'server')
  if (name === null && (flagOption(options, 'pin') || flagOption(options, 'accept')))
    throw new MeshError('USAGE', '--pin and --accept go with --server <name>')
  const state = io.env['XDG_STATE_HOME'] ?? join(io.env['HOME'] ?? '/', '.local/state')
  return new SeenTools(join(state, 'meshd/mcp'), name ?? unnamed)
}

function accept(context: Context, seen: SeenTools): number {
  const accepted = seen.accept()
  for (const { tool, before, after } of accepted)
    context.print(`${tool}  ${before ?? 'new'} -> ${after}`)
  if (accepted.length === 0) context.say('meshd: nothing has changed')
  return 0
}

type Parts = Omit<ProxyPorts, 'url'>

async function stdio(
  { io, say }: Context,
  file: string,
  args: readonly string[],
  parts: Parts,
): Promise<number> {
  const server = await startServer(file, args, io.env)
  if (typeof server !== 'string') {
    const client = { from: io.stdin as Readable, to: io.stdout as Writable }
    return serve({ client, server, ...parts })
  }
  say(`meshd: ${file}: ${server}`)
  return EXITS[server]
}

/** Until a signal. */
async function http(context: Context, url: URL, place: Place, parts: Parts): Promise<number> {
  const signalled = new Promise<void>((done) => {
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.once(signal, () => done())
  })
  const proxy = await HttpProxy.open({ url, ...parts }, place).catch((error: unknown) => {
    if (error instanceof MeshError) throw error
    throw new MeshError('CONFLICT', `--listen: ${(error as Error).message}`, { cause: error })
  })
  context.say(`meshd: ${url.origin} is called through ${proxy.url}`)
  await signalled
  await proxy.close()
  return 0
}

async function portsOf(context: Context, options: Options, seen: SeenTools): Promise<GuardPorts> {
  const denyAs = textOption(options, 'denyAs') ?? 'result'
  if (denyAs !== 'result' && denyAs !== 'error')
    throw new MeshError('USAGE', '--deny-as: `result` or `error`')
  const name = textOption(options, 'server')
  if (name !== null && !/^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/.test(name))
    throw new MeshError('USAGE', '--server: up to 64 letters, digits, `.`, `_`, `-`')
  // Of every question the same: read once, and not again under a running session.
  const { body, headers } = await askOf(context, options, {
    action: 'tools/call',
    resource: 'tool:any',
    args: {},
  })
  const { action: _, resource: __, ...more } = body as JsonObject
  const hint = `meshd mcp --server ${name} --accept`
  const refused = (detail: string | null) =>
    detail === null ? null : { code: 'CONFLICT', detail, id: null, hint }
  return {
    ...{ denyAs, more, api: apiOf(context, headers, name ?? 'mcp') },
    asking: new Asking(name, flagOption(options, 'strict')),
    refuses: flagOption(options, 'pin') ? (tool) => refused(seen.unaccepted(tool)) : () => null,
    monotonicMs: () => performance.now(),
    say: (line) => context.say(`meshd: ${line}`),
  }
}

function apiOf(
  context: Context,
  headers: Readonly<Record<string, string>>,
  server: string,
): McpApi {
  // Ctrl-C is for the server: what watches over its calls goes on until that has ended.
  const client = context.client('decide', new AbortController().signal, keeping())
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
    changed: (tools, signal) => client.post('/v1/tools/changed', { server, tools }, { signal }),
  }
}
