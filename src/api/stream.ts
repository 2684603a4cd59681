/** The part of an answer that has no end of its own: written as it comes, until one of the two sides goes. */
import type { ServerResponse } from 'node:http'
import { STREAM_LINGER_MS } from '../core/limits.ts'
import type { Caller } from '../core/presented.ts'
import type { Reply } from './router.ts'

export type CallerNow = () => Caller | Promise<Caller>

export interface Out {
  /** Whether the other side takes nothing at the moment: what is written now is kept here. */
  readonly full: boolean
  /** Aborts when the client has gone, or the daemon stops. */
  readonly signal: AbortSignal
  /** Who is there, by what is known now. */
  readonly caller: CallerNow
  write(text: string): void
  /** Resolves when it is full no more, or has gone. */
  drained(): Promise<void>
}

export interface Streaming {
  readonly stopping: AbortSignal
  readonly caller: CallerNow
}

/** Until the route has nothing more to say; what it throws is the end too. */
export async function stream(
  response: ServerResponse,
  { type, follow }: Reply,
  { caller, stopping }: Streaming,
): Promise<void> {
  if (response.destroyed) return
  const gone = new AbortController()
  response.once('close', () => gone.abort())
  const signal = AbortSignal.any([gone.signal, stopping])
  response.writeHead(200, {
    ...{ 'content-type': type, 'cache-control': 'no-store', connection: 'close' },
  })
  response.flushHeaders()
  try {
    await follow?.({
      ...{ signal, caller },
      get full() {
        return response.writableNeedDrain
      },
      write: (text) => void response.write(text),
      drained: () => drained(response, signal),
    })
  } finally {
    response.end()
    // Who takes nothing any more is not waited for.
    const cut = setTimeout(() => response.destroy(), STREAM_LINGER_MS).unref()
    response.once('close', () => clearTimeout(cut))
  }
}

function drained(response: ServerResponse, signal: AbortSignal): Promise<void> {
  return new Promise((done) => {
    const over = () => {
      response.off('drain', over)
      signal.removeEventListener('abort', over)
      done()
    }
    response.once('drain', over)
    signal.addEventListener('abort', over, { once: true })
    if (!response.writableNeedDrain || signal.aborted) over()
  })
}
