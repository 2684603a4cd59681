/**
 * One HTTP exchange over a unix socket with node:http: the whole of what a client needs.
 * An import would read every export of it, and with those its WebSocket: 35 ms of each command.
 */
import type { Agent, IncomingMessage } from 'node:http'
import { ANSWER_BYTES_MAX, CONNECTIONS_KEPT_MAX } from '../core/limits.ts'
import { MeshError } from '../core/problems.ts'
import { checkSocketOwner } from './socket-owner.ts'

export interface Exchange {
  readonly socketPath: string
  readonly method: string
  readonly path: string
  readonly headers: Readonly<Record<string, string>>
  readonly body: string | null
  readonly signal: AbortSignal
  /** Whose connections are kept for the next question; without it each has its own. */
  readonly agent?: Agent
}

export interface Answer {
  readonly status: number
  readonly bytes: Uint8Array
  /** The same, as UTF-8. */
  readonly text: string
}

/** Rejects with node's own error when the daemon cannot be reached, MeshError INVALID_ANSWER when it says too much. */
export async function exchange(ask: Exchange): Promise<Answer> {
  const response = await begin(ask)
  return answerOf(response.statusCode ?? 0, await collect(response))
}

/** The same, with the answer as it comes. @throws MeshError UNREACHABLE, also when somebody else listens in the daemon's place */
export async function begin(ask: Exchange): Promise<IncomingMessage> {
  const { socketPath, method, path, signal, body, agent } = ask
  checkSocketOwner(socketPath)
  const content: Record<string, string | number> =
    body === null
      ? {}
      : { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) }
  const http = process.getBuiltinModule('node:http')
  // An agent would look whether the name of a host that there is none of is an address: 7 ms of each command.
  const createConnection = () => process.getBuiltinModule('node:net').connect(socketPath)
  const line = agent === undefined ? { createConnection } : { socketPath, agent }
  return new Promise((resolve, reject) => {
    const request = http.request(
      { ...line, method, path, signal, headers: { ...content, ...ask.headers } },
      resolve,
    )
    request.on('error', (error: NodeJS.ErrnoException) => {
      // One that was kept may have been closed meanwhile, by a daemon that was started anew: a new one tells.
      const { agent: kept, ...again } = ask
      const cut = error.code === 'ECONNRESET' || error.code === 'EPIPE'
      const stale = kept !== undefined && request.reusedSocket && cut
      if (stale) begin(again).then(resolve, reject)
      else reject(error)
    })
    request.end(body ?? undefined)
  })
}

/** Keeps a few connections: for who asks all the time. */
export function keeping(): Agent {
  const { Agent } = process.getBuiltinModule('node:http')
  return new Agent({ keepAlive: true, maxFreeSockets: CONNECTIONS_KEPT_MAX })
}

function answerOf(status: number, bytes: Buffer): Answer {
  return {
    ...{ status, bytes },
    get text() {
      return bytes.toString()
    },
  }
}

/** The whole of a body. @throws MeshError INVALID_ANSWER for one that is too large */
export async function collect(
  response: IncomingMessage,
  bytesMax = ANSWER_BYTES_MAX,
): Promise<Buffer> {
  const chunks: Buffer[] = []
  let size = 0
  for await (const chunk of response) {
    size += (chunk as Buffer).length
    if (size > bytesMax)
      throw new MeshError('INVALID_ANSWER', `what came is larger than ${bytesMax} bytes`)
    chunks.push(chunk as Buffer)
  }
  return Buffer.concat(chunks)
}
