/**
 * What happens on the node, one event after the other. An interruption is read
 * over: it comes back, and goes on after the last record that it knows of.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { utf8 } from '../core/bytes.ts'
import type { JsonObject } from '../core/json.ts'
import { EVENT_BYTES_MAX, EVENT_COMMENT_MS, EVENT_RETRY_MS } from '../core/limits.ts'
import { MeshError } from '../core/problems.ts'
import { objectOf } from './decision.ts'
import { failureOf, type Line, refusalOf } from './line.ts'
import { begin, collect } from './transport.ts'

export interface EventOptions {
  /** Such as `decision`; all that the socket shows when absent. */
  readonly types?: readonly string[]
  /** Of records, such as `outcome:deny`: all of them must hold. */
  readonly filter?: string | readonly string[]
  /** The id of the last event that is known; only what is new when absent. */
  readonly after?: string
  readonly signal?: AbortSignal
}

/** `gap` tells what of the log this stream does not show; its id is null, as that of all that is no record. */
export interface MeshEvent {
  readonly type: string
  readonly id: string | null
  readonly data: JsonObject
}

/** Until the signal aborts. @throws MeshError when it cannot begin, or what comes is no event */
export async function* listen(line: Line, options: EventOptions): AsyncGenerator<MeshEvent> {
  const { types, filter = [], signal = new AbortController().signal } = options
  const query = new URLSearchParams([filter].flat().map((each) => ['filter', each]))
  if (types !== undefined) query.set('types', types.join(','))
  let last = options.after ?? null
  let begun = false
  while (!signal.aborted) {
    const headers: Record<string, string> = last === null ? {} : { 'last-event-id': last }
    try {
      for await (const [fields, data] of blocks(line, `/v1/events?${query}`, headers, signal)) {
        begun = true
        const id = fields.get('id') ?? null
        last = id ?? last
        if (data !== undefined)
          yield { type: fields.get('event') ?? '', id, data: objectOf(utf8(data)) }
      }
    } catch (error) {
      if (signal.aborted) return
      if (!begun || (error instanceof MeshError && error.code === 'INVALID_ANSWER')) throw error
    }
    await sleep(EVENT_RETRY_MS, null, { signal }).catch(() => {}) // aborted: the loop sees it
  }
}

type Block = readonly [fields: ReadonlyMap<string, string>, data: string | undefined]

/** As the server writes them: a field a line, one line of data, an empty line. */
async function* blocks(
  line: Line,
  path: string,
  headers: Record<string, string>,
  signal: AbortSignal,
): AsyncGenerator<Block> {
  const silent = new AbortController()
  // It says something every so often, or it hangs.
  const alive = setTimeout(() => silent.abort(), 3 * EVENT_COMMENT_MS)
  const over = AbortSignal.any([signal, silent.signal])
  const call = { method: 'GET', path, body: null, headers, socketPath: line.socket, signal: over }
  try {
    const response = await begin(call)
    const { statusCode = 0 } = response
    if (statusCode !== 200) throw refusalOf(statusCode, objectOf(await collect(response)))
    let text = ''
    for await (const chunk of response.setEncoding('utf8')) {
      alive.refresh()
      const parts = (text + chunk).split('\n\n')
      text = parts.pop() ?? ''
      if (text.length > EVENT_BYTES_MAX)
        throw new MeshError('INVALID_ANSWER', 'an event is too long')
      for (const part of parts) {
        const lines = part.split('\n').map((each) => each.split(/: ?(.*)/s, 2) as [string, string])
        const fields = new Map(lines)
        yield [fields, fields.get('data')]
      }
    }
  } catch (error) {
    throw failureOf(error, line, over)
  } finally {
    clearTimeout(alive)
  }
}
