/**
 * When is it enforced? The same probe for meshd and for its floor: it asks the
 * node for a decision on its unix socket, over and over, until one is a deny.
 */
import http from 'node:http'

const GIVEN_UP_MS = 20_000

export interface Question {
  readonly path: string
  readonly body: string
  readonly headers?: Readonly<Record<string, string>>
}

const agents = new Map<string, http.Agent>()

/** One request on a connection that stays open; its body. */
export function askOnce(
  socketPath: string,
  { path, body, headers = {} }: Question,
): Promise<string> {
  const agent = agents.get(socketPath) ?? new http.Agent({ keepAlive: true, maxSockets: 4 })
  agents.set(socketPath, agent)
  return new Promise((done, failed) => {
    const request = http.request(
      {
        socketPath,
        path,
        method: 'POST',
        agent,
        headers: {
          'content-type': 'application/json',
          'content-length': Buffer.byteLength(body),
          ...headers,
        },
      },
      (response) => {
        let text = ''
        response.on('data', (chunk: Buffer) => {
          text += chunk.toString()
        })
        response.on('end', () => done(text))
      },
    )
    request.on('error', failed)
    request.end(body)
  })
}

export async function allowed(socketPath: string, question: Question): Promise<boolean> {
  return (await askOnce(socketPath, question)).includes('"decision":true')
}

/** Resolves with the ms from startMs to the first answer that denies; null when none does. */
export async function denied(
  socketPath: string,
  question: Question,
  startMs: number,
): Promise<number | null> {
  while (performance.now() - startMs < GIVEN_UP_MS)
    if (!(await allowed(socketPath, question))) return performance.now() - startMs
  return null
}

export function hangUp(): void {
  for (const agent of agents.values()) agent.destroy()
  agents.clear()
}
