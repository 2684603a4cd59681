/** A session of MCP whose client, server and daemon are written by hand. */
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { PassThrough } from 'node:stream'
import type { DecisionView, ExecutionView } from '../../src/client/types.ts'
import { Asking } from '../../src/enforce/mcp-ask.ts'
import { Guard, type GuardPorts, type McpApi } from '../../src/enforce/mcp-guard.ts'
import { type Change, SeenTools } from '../../src/enforce/mcp-seen.ts'
import { Session } from '../../src/enforce/mcp-session.ts'
import { ToolList } from '../../src/enforce/mcp-tools.ts'

export const ID = `sha256:${'0'.repeat(64)}`
export const ALLOW: DecisionView = {
  ...{ decision: true, id: ID, code: null, detail: null, record: null, artifact: null },
  ...{ leaseUntil: null, leaseRemainingMs: 60_000, principal: null, principalName: null },
  ...{ policies: [], checks: [], mend: [], observed: null, durationMs: 1 },
}
export const DENY: DecisionView = {
  ...ALLOW,
  ...{ decision: false, code: 'SCOPE_EXCEEDED', detail: 'granted less', leaseRemainingMs: null },
}
export const RUNNING: ExecutionView = {
  ...{ id: ID, state: 'running', leaseRemainingMs: 60_000, stop: null, outcome: null },
}
export const STOP: ExecutionView = {
  ...RUNNING,
  state: 'stopped',
  stop: { code: 'REVOKED', detail: 'rev_0a77e4c1', statement: null },
}

/** What is sent and read as JSON: any of it. */
export type Said = Readonly<Record<string, ReturnType<typeof JSON.parse>>>

/** The lines of a stream, one after the other. */
export class Heard {
  readonly #lines: AsyncIterator<string>

  constructor(stream: PassThrough) {
    this.#lines = linesOf(stream)
  }

  async next(): Promise<Said> {
    const { value, done } = await this.#lines.next()
    assert.ok(done !== true, 'it says one thing more')
    return JSON.parse(value) as Said
  }
}

async function* linesOf(stream: PassThrough): AsyncGenerator<string> {
  let rest = ''
  for await (const chunk of stream) {
    const lines = (rest + String(chunk)).split('\n')
    rest = lines.pop() ?? ''
    yield* lines
  }
}

/** A daemon that allows what begins with `may`, and says what it was asked. */
export class Daemon implements McpApi {
  readonly asked: Said[] = []
  readonly outcomes: string[] = []
  readonly changes: Change[] = []
  /** The long poll that is open. */
  poll = Promise.withResolvers<ExecutionView>()

  open = async (body: string): Promise<DecisionView> => {
    const asked = JSON.parse(body) as Said
    this.asked.push(asked)
    return asked['resource'].id.includes('may') ? ALLOW : DENY
  }

  explain = (body: string): Promise<DecisionView> => this.open(body)

  watch: McpApi['watch'] = (_id, _ms, signal) =>
    Promise.race([
      this.poll.promise,
      new Promise<never>((_, reject) =>
        signal.addEventListener('abort', () => reject(new Error('aborted')), { once: true }),
      ),
    ])

  outcome = async (_id: string, kind: string): Promise<void> => void this.outcomes.push(kind)

  changed: McpApi['changed'] = async (tools) => void this.changes.push(...tools)
}

export interface Options {
  /** Where the tools that were seen are kept; an empty place, unless it is given. */
  readonly dir?: string
  readonly pin?: boolean
  readonly api?: Partial<McpApi>
  readonly strict?: boolean
  readonly server?: string
  readonly denyAs?: 'result' | 'error'
  readonly monotonicMs?: () => number
}

const DIR = mkdtempSync(join(tmpdir(), 'meshd-mcp-'))
process.once('exit', () => rmSync(DIR, { recursive: true }))
let stands = 0

/** What a session and a proxy have in common. */
export function partsOf(options: Options, daemon: Daemon, said: string[]) {
  const { open, explain, watch, outcome, changed } = daemon
  stands += 1
  const dir = options.dir ?? join(DIR, String(stands))
  const seen = new SeenTools(dir, 'files')
  const refused = (detail: string | null) =>
    detail === null ? null : { code: 'CONFLICT', detail, id: null, hint: null }
  const asking = new Asking(options.server ?? null, options.strict ?? false)
  const say = (line: string) => void said.push(line)
  const ports: GuardPorts = {
    api: { open, explain, watch, outcome, changed, ...options.api },
    refuses: options.pin === true ? (tool) => refused(seen.unaccepted(tool)) : () => null,
    ...{ asking, say, more: {}, denyAs: options.denyAs ?? 'result' },
    monotonicMs: options.monotonicMs ?? (() => 0),
  }
  return { asking, say, guard: new Guard(ports), tools: new ToolList({ ...ports, seen }) }
}

export class Stand {
  readonly daemon = new Daemon()
  readonly said: string[] = []
  readonly session: Session
  readonly fromClient = new PassThrough()
  readonly fromServer = new PassThrough()
  readonly #toClient = new PassThrough()
  readonly #toServer = new PassThrough()
  readonly client = new Heard(this.#toClient)
  readonly server = new Heard(this.#toServer)

  constructor(options: Options = {}) {
    this.session = new Session({
      client: { from: this.fromClient, to: this.#toClient },
      server: { from: this.fromServer, to: this.#toServer },
      ...partsOf(options, this.daemon, this.said),
    })
  }

  /** A message, or a line as it is. */
  asks(message: Said | string): void {
    this.fromClient.write(`${typeof message === 'string' ? message : JSON.stringify(message)}\n`)
  }

  answers(message: Said | string): void {
    this.fromServer.write(`${typeof message === 'string' ? message : JSON.stringify(message)}\n`)
  }
}

export function call(id: number | string, name: string, args?: Said): Said {
  const params = { name, ...(args === undefined ? {} : { arguments: args }) }
  return { jsonrpc: '2.0', id, method: 'tools/call', params }
}

export function result(id: number | string, more: Said = {}): Said {
  return { jsonrpc: '2.0', id, result: { content: [], ...more } }
}

export const PING = { jsonrpc: '2.0', id: 'p', method: 'ping' }
