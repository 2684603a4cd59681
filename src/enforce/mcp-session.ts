/**
 * MCP over two pairs of streams, a line a message: the client's and the
 * server's. It knows methods and no sessions, and so both protocol eras.
 *
 *     client ── tools/call ──▶ decided ──▶ server      (mcp-guard.ts)
 *     client ◀── tools/list ── shown ◀──── server      (mcp-tools.ts)
 *     all else passes, read and printed anew           (mcp-message.ts)
 *
 * An answer counts only for a request that waits for one: an id is taken until
 * the server has answered it, also after its call was cut, so that no late
 * answer ends the watch of another call.
 */
import type { Readable, Writable } from 'node:stream'
import { MCP_MESSAGE_BYTES_MAX, MCP_REQUESTS_MAX } from '../core/limits.ts'
import { Malformed } from '../core/malformed.ts'
import { type Asking, LIST } from './mcp-ask.ts'
import type { Carry, Guard } from './mcp-guard.ts'
import { Lines } from './mcp-lines.ts'
import {
  errorResponse,
  formatLine,
  type Id,
  type Message,
  type Notification,
  parseMessage,
  type Request,
  type Response,
  seemingId,
} from './mcp-message.ts'
import type { ToolList } from './mcp-tools.ts'

/** What one side says, and where it is told. */
export interface Side {
  readonly from: Readable
  readonly to: Writable
}

export interface SessionPorts {
  readonly client: Side
  readonly server: Side
  readonly asking: Asking
  readonly guard: Guard
  readonly tools: ToolList
  readonly say: (line: string) => void
}

/** Of one of both, once. */
interface Waiter {
  answered(response: Response): void
  /** No answer comes. */
  lost(why: string): void
}

interface Pending {
  readonly request: Request
  /** null while it is decided: the server has not heard of it. */
  waiter: Waiter | null
  /** The client wants no answer any more. */
  readonly unwanted: AbortController
}

export class Session {
  readonly #ports: SessionPorts
  readonly #pending = new Map<Id, Pending>()
  /** Calls without a client that waits, which the server may still answer. */
  readonly #spent = new Set<Id>()
  /** Calls on their way through a decision, and lists on their way back. */
  readonly #working = new Set<Promise<void>>()
  /** Where more is written than is read. */
  readonly #full = new Set<Writable>()
  /** Why the server says nothing more. */
  #over: string | null = null

  constructor(ports: SessionPorts) {
    this.#ports = ports
    const { client, server, say } = ports
    const tooLarge = `a message is larger than ${MCP_MESSAGE_BYTES_MAX} bytes`
    listen(
      client.from,
      new Lines(
        (line) => this.#fromClient(line),
        () => this.#toClient(errorResponse(null, 'request', tooLarge)),
      ),
    )
    listen(
      server.from,
      new Lines(
        (line) => this.#fromServer(line),
        () => {
          say(`the server: ${tooLarge}`)
          // Whose answer it was cannot be said: none of them comes.
          this.fail(tooLarge)
        },
      ),
    )
    client.from.once('end', () => void this.#hangUp())
  }

  /** Nothing more comes from the server: whoever waits is told. */
  fail(why: string): void {
    this.#over ??= why
    for (const { waiter } of [...this.#pending.values()]) waiter?.lost(why)
  }

  /** Resolves when nothing is on its way any more. */
  async settled(): Promise<void> {
    while (this.#working.size > 0) await Promise.all(this.#working)
    await this.#ports.guard.settled()
  }

  /** No more comes from the client. What it asked is decided first; then the server is told. */
  async #hangUp(): Promise<void> {
    const undecided = () => [...this.#pending.values()].some(({ waiter }) => waiter === null)
    while (undecided()) await Promise.race(this.#working)
    this.#ports.server.to.end()
  }

  #fromClient(line: Uint8Array): void {
    const message = this.#read(line, (why) => {
      this.#ports.say(`the client: ${why}`)
      this.#toClient(errorResponse(seemingId(line), 'request', why))
    })
    if (message === null) return
    if (message.kind === 'request') this.#asked(message)
    else if (message.kind === 'notification') this.#told(message)
    else this.#toServer(message)
  }

  #asked(request: Request): void {
    const { id, method } = request
    const treated = this.#ports.asking.of(method)
    const refusal = this.#refusal(id, method, treated)
    if (refusal !== null) {
      this.#toClient(refusal)
      return
    }
    const pending: Pending = { request, waiter: null, unwanted: new AbortController() }
    this.#pending.set(id, pending)
    this.#work(treated === 'decided' ? this.#decide(pending) : this.#pass(pending))
  }

  #refusal(id: Id, method: string, treated: 'decided' | 'passes' | 'refused'): Response | null {
    if (this.#pending.has(id) || this.#spent.has(id))
      return errorResponse(null, 'request', `the id ${JSON.stringify(id)} is in use`)
    if (this.#pending.size + this.#spent.size >= MCP_REQUESTS_MAX)
      return errorResponse(id, 'request', `${MCP_REQUESTS_MAX} requests have no answer`)
    if (treated === 'refused')
      return errorResponse(id, 'method', `--strict does not pass on \`${method}\``)
    return null
  }

  async #pass(pending: Pending): Promise<void> {
    const { request, unwanted } = pending
    const gone = new Promise<null>((done) =>
      unwanted.signal.addEventListener('abort', () => done(null)),
    )
    const lost = (error: unknown) => errorResponse(request.id, 'internal', `the server: ${error}`)
    const response = await Promise.race([this.#ask(pending).catch(lost), gone])
    if (response === null) return
    const { result } = response
    const list = request.method === LIST && result !== null
    this.#toClient(list ? { ...response, result: await this.#ports.tools.shown(result) } : response)
  }

  /** A call without an id would run unanswered, and unwatched. */
  #told(notification: Notification): void {
    const { method, params } = notification
    if (this.#ports.asking.of(method) !== 'passes') {
      this.#ports.say(`the client: \`${method}\` without an id is not passed on`)
      return
    }
    if (method === 'notifications/cancelled') {
      const id = params?.['requestId']
      const known = typeof id === 'string' || typeof id === 'number' ? this.#pending.get(id) : null
      known?.unwanted.abort()
      // The server has not heard of it yet, and will not.
      if (known?.waiter === null) return
      if (known) this.#spend(known.request.id)
    }
    this.#toServer(notification)
  }

  #spend(id: Id): void {
    this.#pending.delete(id)
    this.#spent.add(id)
  }

  async #decide(pending: Pending): Promise<void> {
    const { request, unwanted } = pending
    const response = await this.#ports.guard.call(request, this.#carry(pending), unwanted.signal)
    // It may be another's by now.
    if (this.#pending.get(request.id) === pending) this.#pending.delete(request.id)
    if (response !== null) this.#toClient(response)
  }

  #carry(pending: Pending): Carry {
    const { request } = pending
    return (stopped) => {
      stopped.addEventListener('abort', () => {
        if (this.#pending.get(request.id) !== pending) return
        this.#spend(request.id)
        const params = { requestId: request.id, reason: 'meshd stopped it' }
        this.#toServer({ kind: 'notification', method: 'notifications/cancelled', params })
      })
      return this.#ask(pending)
    }
  }

  /** Rejects when no answer comes. */
  #ask(pending: Pending): Promise<Response> {
    const { request } = pending
    const { promise, resolve, reject } = Promise.withResolvers<Response>()
    const over = () => this.#pending.delete(request.id)
    pending.waiter = {
      answered: (response) => {
        over()
        resolve(response)
      },
      lost: (why) => {
        over()
        reject(new Error(why))
      },
    }
    if (this.#over === null) this.#toServer(request)
    else pending.waiter.lost(this.#over)
    return promise
  }

  #fromServer(line: Uint8Array): void {
    const message = this.#read(line, (why) => {
      this.#ports.say(`the server: ${why}`)
      const id = seemingId(line)
      if (id !== null) this.#pending.get(id)?.waiter?.lost(why)
    })
    if (message?.kind === 'response') this.#answered(message)
    else if (message !== null) this.#toClient(message)
  }

  #answered(response: Response): void {
    const { id } = response
    if (id !== null && this.#spent.delete(id)) return
    const waiter = id === null ? null : this.#pending.get(id)?.waiter
    if (waiter) waiter.answered(response)
    else this.#ports.say('the server: an answer that nobody asked for')
  }

  #read(line: Uint8Array, malformed: (why: string) => void): Message | null {
    try {
      return parseMessage(line)
    } catch (error) {
      if (!(error instanceof Malformed)) throw error
      malformed(error.message)
      return null
    }
  }

  #work(work: Promise<void>): void {
    const done = work.finally(() => this.#working.delete(done))
    this.#working.add(done)
  }

  #toServer(message: Message): void {
    this.#send(message, this.#ports.server.to)
  }

  #toClient(message: Message): void {
    this.#send(message, this.#ports.client.to)
  }

  /** Who does not read is not read for: nothing is gathered here. */
  #send(message: Message, to: Writable): void {
    if (to.destroyed || to.writableEnded) return
    if (to.write(formatLine(message)) || this.#full.has(to)) return
    this.#full.add(to)
    this.#pace()
    to.once('drain', () => {
      this.#full.delete(to)
      this.#pace()
    })
  }

  /** What the client says may be answered to it as well. A server is always read for while the client reads, or the two would wait for each other. */
  #pace(): void {
    const { client, server } = this.#ports
    flow(client.from, this.#full.size === 0)
    flow(server.from, !this.#full.has(client.to))
  }
}

function flow(from: Readable, flows: boolean): void {
  if (flows) from.resume()
  else from.pause()
}

function listen(from: Readable, lines: Lines): void {
  from.on('data', (chunk: Uint8Array) => lines.push(chunk))
}
