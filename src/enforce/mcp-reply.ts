/**
 * What a client of the proxy is answered: one JSON body, or once the server
 * has said something before its answer, a stream of events with the answer in
 * it. Both are of both protocol eras.
 */
import { once } from 'node:events'
import type { ServerResponse } from 'node:http'
import { formatEvent } from './mcp-events.ts'
import { formatMessage, type Message, type Response } from './mcp-message.ts'
import type { Headers } from './mcp-upstream.ts'

export class Reply {
  readonly #response: ServerResponse
  #status = 200
  #headers: Headers = {}

  constructor(response: ServerResponse) {
    this.#response = response
  }

  /** What the server's own answer has. */
  head(status: number, headers: Headers): void {
    this.#status = status
    this.#headers = headers
  }

  /** Waits for a client that reads slowly. */
  async event(message: Message, id: string | null = null): Promise<void> {
    this.#begin('text/event-stream')
    if (this.#gone) return
    if (!this.#response.write(formatEvent(formatMessage(message), id)))
      await Promise.race([once(this.#response, 'drain'), once(this.#response, 'close')])
  }

  /** The stream, before there is anything in it. */
  stream(): void {
    this.#begin('text/event-stream')
    this.#response.flushHeaders()
  }

  /** The last word. */
  end(message: Response | null): void {
    if (this.#gone) return
    if (this.#response.headersSent) {
      this.#response.end(message === null ? '' : formatEvent(formatMessage(message)))
      return
    }
    const body = message === null ? null : formatMessage(message)
    this.#begin(body === null ? null : 'application/json')
    this.#response.end(body ?? '')
  }

  get #gone(): boolean {
    return this.#response.destroyed || this.#response.writableEnded
  }

  #begin(type: string | null): void {
    if (this.#response.headersSent || this.#gone) return
    this.#response.writeHead(this.#status, {
      ...(type === null ? {} : { 'content-type': type }),
      'cache-control': 'no-store',
      ...this.#headers,
    })
  }
}
