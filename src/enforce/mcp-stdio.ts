/** One session over stdio, from the start of the server to its end: whoever ends first ends the other. */
import { CHILD_GRACE_MS } from '../core/limits.ts'
import type { Asking } from './mcp-ask.ts'
import type { Guard } from './mcp-guard.ts'
import type { Server } from './mcp-server.ts'
import { Session, type Side } from './mcp-session.ts'
import type { ToolList } from './mcp-tools.ts'

export interface StdioPorts {
  readonly client: Side
  readonly server: Server
  readonly asking: Asking
  readonly guard: Guard
  readonly tools: ToolList
  readonly say: (line: string) => void
}

/** What a terminal or a supervisor sends to end this process, and so the server. */
const ENDING = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const

/** Gives the server's exit status. */
export async function serve(ports: StdioPorts): Promise<number> {
  const { client, server } = ports
  const session = new Session(ports)
  const timers: NodeJS.Timeout[] = []
  const end = () => server.end()
  // MCP, stdio, shutdown: its stdin is closed, and it has a while to end by itself.
  const hungUp = () => void timers.push(setTimeout(end, CHILD_GRACE_MS))
  for (const signal of ENDING) process.on(signal, end)
  client.from.once('end', hungUp)
  // Nobody reads what it says.
  client.to.once('error', end)
  try {
    const status = await server.ended
    session.fail('it ended')
    await session.settled()
    return status
  } finally {
    for (const signal of ENDING) process.off(signal, end)
    for (const timer of timers) clearTimeout(timer)
    client.from.off('end', hungUp)
    client.from.destroy()
  }
}
