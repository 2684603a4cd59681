/** HTTPS to a listener of the test itself: the certificates of test/tls, private copies of their keys, and requests by hand. */

import { X509Certificate } from 'node:crypto'
import { chmodSync, copyFileSync, readFileSync } from 'node:fs'
import type { IncomingHttpHeaders } from 'node:http'
import https from 'node:https'
import { join } from 'node:path'
import tls from 'node:tls'
import { idOf } from '../../src/core/id.ts'

const DIR = 'test/tls'
const pem = (name: string) => readFileSync(join(DIR, name), 'utf8')
const CA = pem('ca.pem')

export type Client = 'client' | 'unmapped' | 'foreign'

/** `sha256:…` of the certificate, as the configuration has it. */
export function fingerprintOf(client: Client): string {
  return idOf(new X509Certificate(pem(`${client}.pem`)).raw)
}

/** What of `api.tcp` is a file, in a folder of the test: git keeps no mode, and a key must be private. */
export function filesIn(dir: string): {
  readonly cert: string
  readonly key: string
  readonly ca: string
} {
  for (const file of ['server.pem', 'server.key', 'ca.pem']) {
    copyFileSync(join(DIR, file), join(dir, file))
    chmodSync(join(dir, file), 0o600)
  }
  return { cert: join(dir, 'server.pem'), key: join(dir, 'server.key'), ca: join(dir, 'ca.pem') }
}

export interface Sent {
  readonly method?: string
  readonly body?: unknown
  readonly headers?: Readonly<Record<string, string | readonly string[]>>
  readonly token?: string
  readonly client?: Client
  readonly maxVersion?: tls.SecureVersion
  /** Keeps connections; without it each request has its own. */
  readonly agent?: https.Agent
}

export interface Got {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  // biome-ignore lint/suspicious/noExplicitAny: what a client parses has no type yet
  readonly body: any
}

/** As a client of the test connects. */
export function connection(port: number, { client, maxVersion }: Sent): tls.ConnectionOptions {
  const own = client === undefined ? {} : { cert: pem(`${client}.pem`), key: pem(`${client}.key`) }
  const most = maxVersion === undefined ? {} : { maxVersion }
  return { host: '127.0.0.1', port, ca: CA, servername: 'localhost', ...own, ...most }
}

/** Rejects when there is no answer. */
export function send(port: number, path: string, sent: Sent = {}): Promise<Got> {
  const { body, token, method = body === undefined ? 'GET' : 'POST' } = sent
  const text =
    typeof body === 'string' || body === undefined ? (body ?? null) : JSON.stringify(body)
  const headers = {
    ...(text === null ? {} : { 'content-type': 'application/json' }),
    ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
    host: `localhost:${port}`,
    ...sent.headers,
  }
  return new Promise((resolve, reject) => {
    const options = {
      ...connection(port, sent),
      path,
      method,
      headers,
      agent: sent.agent ?? (false as const),
    }
    const request = https.request(options as https.RequestOptions, (response) => {
      let got = ''
      response.setEncoding('utf8')
      response.on('data', (chunk: string) => {
        got += chunk
      })
      response.on('end', () => {
        const { statusCode: status = 0, headers: of } = response
        resolve({ status, headers: of, body: JSON.parse(got) })
      })
    })
    request.on('error', reject)
    request.end(text ?? undefined)
  })
}

/** Raw bytes inside of TLS, and all that comes back until the server closes. */
export function rawTls(port: number, bytes: string, sent: Sent = {}): Promise<string> {
  return new Promise((resolve) => {
    let got = ''
    const socket = tls.connect(connection(port, sent), () => socket.write(bytes))
    socket.setEncoding('utf8')
    socket.on('data', (chunk: string) => {
      got += chunk
    })
    socket.on('close', () => resolve(got))
    socket.on('error', () => resolve(got))
  })
}
