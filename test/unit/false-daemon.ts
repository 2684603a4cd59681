/** A daemon that is made by hand, on a real socket: it allows, denies, lies, hangs and dies as a test wants it to. */
import { mkdtempSync, rmSync } from 'node:fs'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

export const ID = `sha256:${'5'.repeat(64)}`
export const ALLOW = {
  ...{ decision: true, id: ID, code: null, detail: null, leaseRemainingMs: 60_000 },
  ...{ leaseUntil: '2026-11-26T12:00:00.000Z', artifact: null, checks: [], durationMs: 1.5 },
}
export const DENY = {
  ...ALLOW,
  ...{ decision: false, code: 'REVOKED', detail: 'rev_0a77e4c1', leaseRemainingMs: null },
}
export const RUNNING = {
  ...{ id: ID, state: 'running', leaseRemainingMs: 60_000, stop: null, outcome: null },
}
export const STOPPED = {
  ...RUNNING,
  ...{ state: 'stopped', stop: { code: 'REVOKED', detail: 'rev_0a77e4c1', statement: null } },
}

export interface Asked {
  /** `POST /v1/decisions`, without a query. */
  readonly line: string
  readonly query: URLSearchParams
  readonly headers: IncomingMessage['headers']
  // biome-ignore lint/suspicious/noExplicitAny: what a client sends has no type here
  readonly body: any
}

/** What is answered: a value as JSON, or whatever the function does with the response. */
export type Answers = Readonly<
  Record<string, object | ((response: ServerResponse, asked: Asked) => void)>
>

export class FalseDaemon implements AsyncDisposable {
  readonly dir = mkdtempSync(join(tmpdir(), 'meshd-false-'))
  readonly socket = join(this.dir, 'meshd.sock')
  readonly asked: Asked[] = []
  /** May be replaced at any time. */
  answers: Answers
  readonly #server: Server

  private constructor(answers: Answers) {
    this.answers = answers
    this.#server = createServer((request, response) => this.#answer(request, response))
  }

  static async open(answers: Answers): Promise<FalseDaemon> {
    const daemon = new FalseDaemon(answers)
    await new Promise<void>((listening) => daemon.#server.listen(daemon.socket, listening))
    return daemon
  }

  #answer(request: IncomingMessage, response: ServerResponse): void {
    let text = ''
    request.on('data', (chunk: Buffer) => {
      text += chunk.toString()
    })
    request.on('end', () => {
      const url = new URL(request.url ?? '/', 'http://meshd')
      const line = `${request.method} ${url.pathname.replace(ID, '{id}')}`
      const body = text === '' ? null : JSON.parse(text)
      const asked = { line, query: url.searchParams, headers: request.headers, body }
      this.asked.push(asked)
      const answer = this.answers[line]
      if (typeof answer === 'function') answer(response, asked)
      else if (answer === undefined) response.writeHead(404).end('{"code":"NOT_FOUND"}')
      else response.end(JSON.stringify(answer))
    })
  }

  /** Bodies of the outcomes that were told. */
  outcomes(): readonly string[] {
    return this.asked.flatMap(({ line, body }) => (line.endsWith('/outcome') ? [body.kind] : []))
  }

  /** As when it is killed: nobody listens, and what was open is cut. */
  kill(): Promise<void> {
    const closed = new Promise<void>((done) => this.#server.close(() => done()))
    this.#server.closeAllConnections()
    return closed
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.kill()
    rmSync(this.dir, { recursive: true, force: true })
  }
}
