/**
 * When is it enforced? The same probe for meshd and for its floor: it asks the
 * node for a decision on its unix socket, over and over, until one is a deny,
 * and for the reason that is waited for.
 */
import http from 'node:http'

const GIVEN_UP_MS = 60_000
/** Between two questions to a node: without it the machine would measure its questioner. */
const PAUSE_MS = 2
export const ALLOW = '"decision":true'

export interface Question {
  readonly path: string
  readonly body: string
  readonly headers?: Readonly<Record<string, string>>
}

export interface Probe {
  readonly socket: string
  readonly question: Question
  /** What the awaited deny says, and no other. */
  readonly deny: string
}

const agents = new Map<string, http.Agent>()

/** One request on a connection that stays open; its body. */
export function askOnce(
  socketPath: string,
  { path, body, headers = {} }: Question,
): Promise<string> {
  const agent = agents.get(socketPath) ?? new http.Agent({ keepAlive: true, maxSockets: 32 })
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

/** Resolves with the ms from startMs to the first answer that denies as awaited; null when none does. */
export async function denied(
  { socket, question, deny }: Probe,
  startMs: number,
): Promise<number | null> {
  // At least once, however late its turn comes: what was not asked says nothing.
  for (;;) {
    if ((await askOnce(socket, question)).includes(deny)) return performance.now() - startMs
    if (performance.now() - startMs > GIVEN_UP_MS) return null
    await new Promise((done) => setTimeout(done, PAUSE_MS))
  }
}

export function hangUp(): void {
  for (const agent of agents.values()) agent.destroy()
  agents.clear()
}
