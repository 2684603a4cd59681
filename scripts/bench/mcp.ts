/** What `meshd mcp` adds to a call of a tool, beside the same client and server without it. */
import { resolve } from 'node:path'
import { Host } from '../../src/cli/stage.ts'
import { type Client, connect } from '../../test/mcp/client.ts'
import { openLab } from './lab.ts'
import { median, ms, percentile, type Row, type Section } from './table.ts'

const ROOT = resolve(import.meta.dirname, '../..')
const SERVER = resolve(ROOT, 'test/mcp/server.ts')
const [WARM, CALLS] = [50, 500]
const ADDED_MS_MAX = 2

export async function mcp(): Promise<Section> {
  await using lab = openLab()
  const host = new Host({ name: 'tools', dir: lab.folder('tools'), keyStore: lab.folder('keys') })
  await host.do('init', '--mesh', 'tools')
  host.start()
  try {
    await host.do('wait', '--for', 'ready')
    const what = ['--action', 'tools/call', '--resource', 'tool:echo', '--ttl', '1h']
    await host.do('artifact', 'issue', '--to', 'me', ...what, '--hold', '--yes')
    const server = [process.execPath, SERVER, 'v2', lab.folder('server')] as const
    await using bare = await start(server, host)
    const proxy = [process.execPath, resolve(ROOT, 'bin/meshd.js'), 'mcp', '--'] as const
    await using proxied = await start([...proxy, ...server], host)
    return section(await inTurns([bare, proxied]))
  } finally {
    await host.stop()
  }
}

function start([command = '', ...args]: readonly string[], { env }: Host): Promise<Client> {
  return connect('v2', { command, args, env: { ...env } })
}

/** One call of each after the other, so that a busy moment meets both. */
async function inTurns(clients: readonly Client[]): Promise<readonly (readonly number[])[]> {
  const times = clients.map((): number[] => [])
  for (let i = -WARM; i < CALLS; i += 1)
    for (const [which, client] of clients.entries()) {
      const startMs = performance.now()
      const { isError } = await client.call('echo', { words: `call ${i}` })
      if (isError === true) throw new Error('a call was denied')
      if (i >= 0) times[which]?.push(performance.now() - startMs)
    }
  return times
}

function section([bare = [], proxied = []]: readonly (readonly number[])[]): Section {
  const addedMs = median(proxied) - median(bare)
  const rows: Row[] = [
    {
      ...{ what: 'tools/call, p50', ours: ms(median(proxied)), floor: ms(median(bare)) },
      ratio: null,
      goal: { says: `≤ ${ADDED_MS_MAX} ms added: ${ms(addedMs)}`, met: addedMs <= ADDED_MS_MAX },
    },
    {
      what: 'tools/call, p99',
      ours: ms(percentile(proxied, 0.99)),
      floor: ms(percentile(bare, 0.99)),
      ...{ ratio: null, goal: null },
    },
  ]
  return {
    title: 'MCP',
    how: `One client of the official SDK that calls one tool ${CALLS} times over stdio, through meshd mcp and without it in turns. Each call through it is decided, recorded, watched and ended.`,
    rows,
  }
}
