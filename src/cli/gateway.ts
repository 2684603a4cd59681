/** `meshd gateway list|show`: what is put into the configuration of another product, ready to paste. */
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { nearest } from '../core/nearest.ts'
import { MeshError } from '../core/problems.ts'
import type { Context } from './context.ts'
import { printList } from './output.ts'
import { type Command, type Options, textOption } from './spec.ts'

/** From the sources, from a bundle and from what tsc made. */
const FOLDERS = ['../../config/gateways', '../config/gateways', '../../../config/gateways']

interface Snippet {
  readonly name: string
  readonly file: string
  readonly says: string
}

export const SNIPPETS: readonly Snippet[] = [
  { name: 'nginx', file: 'nginx.conf', says: 'auth_request, over the socket' },
  { name: 'envoy', file: 'envoy.yaml', says: 'ext_authz in its HTTP mode, over the socket' },
  { name: 'traefik', file: 'traefik.yaml', says: 'forwardAuth, by TCP' },
  { name: 'caddy', file: 'Caddyfile', says: 'forward_auth, over the socket' },
  { name: 'kubernetes', file: 'kubernetes.yaml', says: 'authorization and admission webhooks' },
  { name: 'opa', file: 'opa.sh', says: 'what speaks to OPA, over the socket' },
  { name: 'claude-code', file: 'claude-code.json', says: 'a PreToolUse hook in settings.json' },
  { name: 'mcp', file: 'mcp.json', says: 'an MCP server behind meshd mcp' },
  { name: 'openai-agents', file: 'openai-agents.mjs', says: 'a guardrail on the input of tools' },
  { name: 'ai-sdk', file: 'ai-sdk.mjs', says: 'tools that are guarded themselves' },
  { name: 'github-actions', file: 'github-actions.yaml', says: 'a step behind meshd exec' },
  { name: 'gitlab-ci', file: 'gitlab-ci.yaml', says: 'a job behind meshd exec' },
]

export const gatewayList: Command = {
  name: 'gateway list',
  group: 'DECIDE',
  aliases: ['ls'],
  says: 'what meshd drops into, with a snippet for each',
  examples: ['meshd gateway list'],
  run: async (context) => {
    printList(context, {
      ...{ kind: 'GatewayList', seenFrom: '', items: SNIPPETS, empty: '' },
      id: ({ name }) => name,
      columns: [
        { head: 'NAME', cell: ({ name }) => name },
        { head: 'FILE', cell: ({ file }) => file },
        { head: 'WHAT', cell: ({ says }) => says },
      ],
    })
    return 0
  },
}

export const gatewayShow: Command = {
  name: 'gateway show',
  group: 'DECIDE',
  args: ['<name>'],
  says: 'print the configuration that puts meshd in front: nginx, envoy, claude-code, …',
  examples: [
    'meshd gateway show nginx --host app.example --app http://127.0.0.1:8080',
    'meshd gateway show claude-code > .claude/settings.json',
  ],
  options: [
    { flags: '--host <name>', says: 'what it stands in front of, app.example' },
    { flags: '--app <url>', says: 'where the application listens, http://127.0.0.1:8080' },
    { flags: '--listen <address>', says: 'where nginx listens, 80' },
    { flags: '--url <url>', says: 'of api.tcp, for what asks by TCP: https://meshd.example:8443' },
  ],
  run: async (context, [name = ''], options) => {
    const snippet = SNIPPETS.find((each) => each.name === name)
    if (snippet === undefined) throw unknown(name)
    const values = await valuesOf(context, options)
    const text = readFileSync(join(folder(), snippet.file), 'utf8')
    context.data(filled(text, values).trimEnd())
    return 0
  },
}

type Values = Readonly<Record<string, string>>

/** What stands in a configuration without quotes: nothing there may end a line or a directive. */
const PLAIN = /^[A-Za-z0-9_.:/[\]@~-]+$/

async function valuesOf(context: Context, options: Options): Promise<Values> {
  const values = {
    socket: await context.client('decide').path(),
    host: textOption(options, 'host') ?? 'app.example',
    app: textOption(options, 'app') ?? 'http://127.0.0.1:8080',
    listen: textOption(options, 'listen') ?? '80',
    url: textOption(options, 'url') ?? 'https://meshd.example:8443',
  }
  for (const [name, value] of Object.entries(values))
    if (!PLAIN.test(value))
      throw new MeshError('USAGE', `the ${name} \`${value}\` does not fit into a configuration`)
  return values
}

/** `{{host}}` stands for the host. */
function filled(text: string, values: Values): string {
  return text.replaceAll(/\{\{([a-z]+)\}\}/g, (_, name: string) => {
    const value = values[name]
    if (value === undefined) throw new MeshError('BUG', `no value for {{${name}}}`)
    return value
  })
}

function unknown(name: string): MeshError {
  const names = SNIPPETS.map((each) => each.name)
  const near = nearest(name, names)
  const more = near === null ? '' : `; did you mean \`${near}\`?`
  return new MeshError('NOT_FOUND', `no gateway \`${name}\`${more}`, { hint: 'meshd gateway list' })
}

function folder(): string {
  const found = FOLDERS.map((path) => fileURLToPath(new URL(path, import.meta.url))).find(
    existsSync,
  )
  if (found === undefined) throw new MeshError('BUG', 'config/gateways is missing')
  return found
}
